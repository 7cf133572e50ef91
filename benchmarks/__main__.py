"""`python -m benchmarks`: build what is missing, measure, print the table, and say by the exit status whether all held."""

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import benchmarks as about
from benchmarks.engine.serving import ROOT
from benchmarks.groups import GROUPS
from benchmarks.pages import databases, table
from benchmarks.pages.process import Broken, Process
from benchmarks.pages.values import (
    MIDDLE,
    MILLION,
    SEARCH_POSTGRES,
    SMALL,
    Asked,
    Fact,
    Limit,
    Line,
    Measure,
    Spread,
    Verdict,
    judge,
    needed,
)
from benchmarks.places import Places
from benchmarks.search.kept import is_reachable

DOCUMENT = ROOT / "docs" / "performance.md"
CHEAP, TURNS = 0.5, 8  # seconds
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="benchmarks", description=(about.__doc__ or "").partition("\n")[0])
    parser.add_argument("--million", action="store_true", help="the same as --largest 1000000")
    parser.add_argument("--largest", default="", metavar="CALLS", help="how many calls the largest database has")
    parser.add_argument("--postgres", default=POSTGRES, metavar="URL", help="a server that may make databases")
    parser.add_argument("--fresh", action="store_true", help="build the databases anew")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="names of groups, separated by commas")
    parser.add_argument("--list", action="store_true", help="name the groups of lines")
    parser.add_argument("--no-write", action="store_true", help="leave the document alone")
    asked = parser.parse_args()
    if asked.million or (not asked.largest and databases.is_built(MILLION)):
        asked.largest = MILLION
    asked.largest = asked.largest or MIDDLE
    if not asked.largest.isdecimal() or int(asked.largest) <= int(SMALL):
        parser.error(f"--largest must be a number above {int(SMALL):,}")
    return asked


def main() -> int:
    """Return the exit status."""
    asked = arguments()
    groups = {group.NAME: group for group in GROUPS}
    if asked.list:
        print("\n".join(f"{name}: {(group.__doc__ or '').partition(chr(10))[0]}" for name, group in groups.items()))
        return 0
    chosen = [name for name in asked.only.split(",") if name] or list(groups)
    if unknown := set(chosen) - set(groups):
        print(f"There is no {', '.join(sorted(unknown))}; --list names what there is.", file=sys.stderr)
        return 2
    lines = [line for name in chosen for line in groups[name].LINES]
    verdicts = measured(lines, asked)
    print(table.text(verdicts))
    print(f"{conclusion(verdicts)}\n{described(asked)}")
    if not asked.no_write and not asked.only:
        table.put(DOCUMENT, table.markdown(verdicts, described(asked)))
    return 1 if any(verdict.met is False for verdict in verdicts) else 0


def measured(lines: Sequence[Asked], asked: Namespace) -> list[Verdict]:
    """Build, measure, and judge."""
    names = needed(lines)
    if SEARCH_POSTGRES in names and not is_reachable(asked.postgres):
        del names[SEARCH_POSTGRES]
    places = Places(asked.largest, asked.postgres, asked.fresh)
    places.build(list(names))
    with ExitStack() as stack:
        running = {place: stack.enter_context(places.process(place)) for place in names}
        rounds = Rounds(running, [line for line in lines if not isinstance(line, Fact) and not places.is_itself(line)])
        for at in range(asked.rounds):
            rounds.go()
            print(f"round {at + 1} of {asked.rounds}", file=sys.stderr)
        return [
            Verdict(line.name, "holds", None, None, None, *told(running, line.holds))
            if isinstance(line, Fact)
            else judge(line, rounds.found[line])
            for line in lines
        ]


class Rounds:
    """In a round each line is measured once: what it compares one right after the other, because processors change their pace."""

    def __init__(self, running: Mapping[str, Process], lines: Sequence[Line | Limit | Spread]) -> None:
        self.running, self.lines = running, lines
        self.found: dict[Asked, dict[Measure, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.settled: dict[Measure, float | None] = {}  # what went wrong or needs no second time is not done again

    def go(self) -> None:
        """Do one round; a line of which a turn takes little has several."""
        for line in self.lines:
            if self.turn(line) < CHEAP:
                for _ in range(TURNS - 1):
                    self.turn(line)

    def turn(self, line: Line | Limit | Spread) -> float:
        """Measure what a line compares, and return the seconds that took."""
        began = time.monotonic()
        for each in line.measures:
            if each.place in self.running and (each not in self.settled or self.settled[each] is not None):
                self.measure(line, each)
        return time.monotonic() - began

    def measure(self, line: Asked, each: Measure) -> None:
        """Measure something for a line."""
        cost = self.settled.get(each)
        if cost is None:
            try:
                answer = self.running[each.place].ask(do=each.name)
            except Broken as trouble:
                print(f"{each.place}, {each.name}: {trouble}", file=sys.stderr)
                self.settled[each] = None
                return
            cost = float(answer["cpu"])
            if answer.get("once"):
                self.settled[each] = cost
        self.found[line][each].append(cost)


def told(running: dict[str, Process], fact: Measure) -> tuple[bool | None, str]:
    """Return whether a fact holds, and why nobody can say."""
    if fact.place not in running:
        return None, f"not measured: {fact.place}"
    try:
        return bool(running[fact.place].ask(tell=fact.name)["told"]), ""
    except Broken as trouble:
        print(trouble, file=sys.stderr)
        return None, "not measured"


def described(asked: Namespace) -> str:
    """Return how the figures came about."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"Measured by `make bench` on {datetime.now(UTC):%d %B %Y}: Python {sys.version.split()[0]}, SQLite, {os.cpu_count()} "
        f"processors, load {load}, the largest database with {int(asked.largest):,} calls, medians of {asked.rounds} interleaved rounds."
    )


def conclusion(verdicts: Sequence[Verdict]) -> str:
    """Name the lines that were missed."""
    missed = [verdict.name for verdict in verdicts if verdict.met is False]
    return f"Missed: {'; '.join(missed)}." if missed else "Every line that was measured is met."


if __name__ == "__main__":
    sys.exit(main())
