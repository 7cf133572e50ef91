"""`python -m benchmarks.search`: fill a database, measure, print, and say by the exit status whether the gates were met."""

import os
import sys
import time
from argparse import ArgumentParser, Namespace

import benchmarks.search as about
from benchmarks.search.corpus import Corpus
from benchmarks.search.database import fill, index_more, own_database, settle

GATE_MS, GATE_RATIO, GATED_CALLS = 5.0, 20.0, 100_000


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="benchmarks.search", description=(about.__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=GATED_CALLS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--postgres", default="", metavar="URL", help="a database of a server, beside which one is made"
    )
    parser.add_argument("--no-gate", action="store_true", help="end with status 0 whatever was measured")
    return parser.parse_args()


def main() -> int:
    """Return the exit status."""
    asked = arguments()
    corpus = Corpus(asked.calls)
    with own_database(asked.postgres):
        began = time.process_time()
        fill(corpus)
        settle()
        print(f"{asked.calls:,} calls written and indexed; {time.process_time() - began:.0f} s CPU of this process.")
        print(sizes())
        figures = measure(corpus, asked.rounds)
        print(f"50 further calls are written in a transaction of {1000 * index_more(corpus, 10):.0f} ms at most.")
    missed = judged(figures, is_sqlite=not asked.postgres)
    print(f"{os.cpu_count()} processors, load {', '.join(f'{load:.1f}' for load in os.getloadavg())}.")
    print(f"Missed: {'; '.join(missed)}." if missed else "Every gate is met.")
    return 1 if missed and not asked.no_gate else 0


def measure(corpus: Corpus, rounds: int) -> dict[str, dict[str, float]]:
    """Measure every question, print a line for each, and hold what is found against what was planted."""
    from benchmarks.search.measuring import measured
    from benchmarks.search.ways import questions, ways

    asked = questions(corpus)
    prove(corpus)
    together = {(one.name, way): call for one in asked for way, call in ways(one).items()}
    found = measured({f"{name}|{way}": call for (name, way), call in together.items()}, rounds)
    figures: dict[str, dict[str, float]] = {}
    for key, value in found.items():
        name, _, way = key.partition("|")
        figures.setdefault(name, {})[way] = value
    for name, row in figures.items():
        print(f"{name:42}" + "  ".join(f"{way} {value:8.3f} ms" for way, value in row.items()))
    return figures


def prove(corpus: Corpus) -> None:
    """Raise `AssertionError` unless exactly the calls are found in which something was planted, each with its line."""
    from callcov_portal.models.hits import hits, walk
    from callcov_portal.models.matches import Scope
    from callcov_portal.searching import parse

    for words, numbers in corpus.planted.items():
        query = parse(f'"{words}"')
        found = hits(query, walk(query, Scope(), corpus.calls, patience=60).keys)
        if [hit.number for hit in found] != numbers[::-1] or not all(hit.snippets for hit in found):
            raise AssertionError(f"“{words}” is in {len(numbers)} calls; {len(found)} were found, or in another order.")


def sizes() -> str:
    """Return how large text and index are, in megabytes."""
    from django.db import connection

    statement = (
        "SELECT sum(length(agent) + length(contact) + length(other)), (SELECT sum(pgsize) FROM dbstat "
        "WHERE name LIKE 'portal_spoken_index%%') FROM portal_spoken"
        if connection.vendor == "sqlite"
        else "SELECT sum(length(agent) + length(contact) + length(other)), "
        "pg_relation_size('portal_spoken_index') FROM portal_spoken"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [])
        text, index = cursor.fetchone()
    return f"Text {text / 1e6:.0f} MB, index {index / 1e6:.0f} MB: {index / text:.2f} of it."


def judged(figures: dict[str, dict[str, float]], *, is_sqlite: bool) -> list[str]:
    """Print the ratios and return the gates that were missed."""
    from benchmarks.search.ways import CONTAINS, FLOOR, GATED, NEWEST, RARE_WORD

    costs = [figures[name][NEWEST] for name in GATED]
    slowest, ratio = max(costs), max(costs) / min(costs)
    print(f"Newest 50 with their lines: slowest {slowest:.2f} ms, {ratio:.1f} × the fastest.")
    if not is_sqlite:
        return [f"slowest {ratio:.1f} × the fastest, more than {GATE_RATIO:.0f}"] if ratio > GATE_RATIO else []
    above = max(figures[name][NEWEST] / figures[name][FLOOR] for name in GATED)
    faster = figures[RARE_WORD][CONTAINS] / figures[RARE_WORD][NEWEST]
    print(f"At most {above:.1f} × the floor; a rare word {faster:.0f} × cheaper than icontains.")
    return [f"slowest {slowest:.2f} ms, more than {GATE_MS:.0f}"] if slowest > GATE_MS else []


if __name__ == "__main__":
    sys.exit(main())
