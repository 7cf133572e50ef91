"""What searching the words spoken costs, beside the least that the same database needs.

    make bench-search                                  100,000 generated calls in an SQLite file of its own; some minutes
    make bench-search ARGS="--calls 20000"             fewer
    make bench-search ARGS="--postgres postgres://postgres@127.0.0.1:5432/postgres"   in a database of its own there

The calls are generated from a seed: some 650 words (4 kB) each in 60 segments, drawn from 12,000 words by Zipf's law, with
planted words of which it is known in which calls they are; what is found is compared with that.

Figures are CPU milliseconds, medians of interleaved rounds: of this process, and on PostgreSQL of the backend as well.
Floor: the keys of the newest 50 matches and their texts, by hand-written SQL, on SQLite; everything else is the product's
own code. The exit status is 1 when a gate is missed, unless `--no-gate` is given.
"""
