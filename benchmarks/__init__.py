"""Measurements of the product against truth and against its peers; no part of what is installed.

    make bench                               the largest database is the million where it is built already, else 100,000 calls
    make bench ARGS="--million"              builds the million: 8 GB of disk
    make bench ARGS="--largest 300000"       any other number; one below 100,000 is for trying
    make bench ARGS="--only webhook,list"    some groups of lines; --list names them
    make bench ARGS="--rounds 15"            more rounds: the medians waver less

It prints one table of pages, exports and search, writes it to docs/performance.md unless `--no-write` is given, and ends with
status 1 when a line is missed. What is measured how:

Every database and every peer has a process of its own. In each round the two sides of each line are done one right after the
other, so that what else the machine does meets both alike. A line's figure is the median of the rounds' ratios; a cost is
the median of the CPU seconds (user and system) that the process spent on one go, from getrusage. Requests go through the real WSGI application, middleware and session
included, without a socket. Where servers are compared (sound), real ones answer real requests, and the CPU is that of
all their processes; so is PostgreSQL's that of the process that answers us.

The databases are made by `manage.py seed_demo` in `var/benchmarks/` and kept; `--fresh` makes them anew. What is larger than
100,000 calls has no transcripts: no page that is measured on it reads any. The search has databases of its own.
The engine is measured apart, by `make bench-engine`.
"""
