"""`python -m benchmarks.pages`: build what is missing, measure, print the table, and say by the exit status whether all held."""

import os
import sys
import venv
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from subprocess import run

import benchmarks.pages as about
from benchmarks.engine.serving import ROOT
from benchmarks.pages import databases, table
from benchmarks.pages.lines import MODULES
from benchmarks.pages.process import Broken, Process
from benchmarks.pages.values import (
    ADMIN,
    DATASETTE,
    LARGE,
    MIDDLE,
    MILLION,
    SERVERS,
    SMALL,
    Fact,
    Line,
    Measure,
    Verdict,
    judge,
    needed,
)

DOCUMENT = ROOT / "docs" / "performance.md"
PEERS = databases.KEPT / "peers"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="benchmarks.pages", description=(about.__doc__ or "").partition("\n")[0])
    parser.add_argument("--million", action="store_true", help="the same as --largest 1000000")
    parser.add_argument("--largest", default="", metavar="CALLS", help="how many calls the largest database has")
    parser.add_argument("--fresh", action="store_true", help="build the databases anew")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="names of lines, separated by commas")
    parser.add_argument("--list", action="store_true", help="name the lines")
    parser.add_argument("--no-write", action="store_true", help="leave the document alone")
    asked = parser.parse_args()
    if asked.million or (not asked.largest and databases.is_built(MILLION)):
        asked.largest = MILLION
    asked.largest = asked.largest or MIDDLE
    if not asked.largest.isdecimal() or int(asked.largest) < int(MIDDLE):
        parser.error(f"--largest must be a number from {int(MIDDLE):,}")
    return asked


def main() -> int:
    """Return the exit status."""
    asked = arguments()
    modules = {module.NAME: module for module in MODULES}
    if asked.list:
        print("\n".join(f"{name}: {(module.__doc__ or '').partition(chr(10))[0]}" for name, module in modules.items()))
        return 0
    chosen = [name for name in asked.only.split(",") if name] or list(modules)
    if unknown := set(chosen) - set(modules):
        print(f"There is no {', '.join(sorted(unknown))}; --list names what there is.", file=sys.stderr)
        return 2
    lines = [line for name in chosen for line in modules[name].LINES]
    verdicts = measured(lines, asked)
    print(table.text(verdicts))
    print(f"{conclusion(verdicts)}\n{described(asked)}")
    if not asked.no_write and not asked.only:
        table.put(DOCUMENT, table.markdown(verdicts, described(asked)))
    return 1 if any(verdict.met is False for verdict in verdicts) else 0


def measured(lines: Sequence[Line | Fact], asked: Namespace) -> list[Verdict]:
    """Build, measure, and judge."""
    places = needed(lines)
    for calls in built(places, asked):
        print(f"{int(calls):,} calls: {databases.build(calls, fresh=asked.fresh):.0f} s", file=sys.stderr)
    costs: dict[Measure, list[float]] = defaultdict(list)
    troubles: dict[Measure, str] = {}
    with ExitStack() as stack:
        running = {place: stack.enter_context(process) for place, process in started(places, asked.largest)}
        for _ in range(asked.rounds):
            one_round(
                {place: names for place, names in places.items() if place in running}, running, costs, troubles, lines
            )
        facts = {line.holds: told(running, line.holds) for line in lines if isinstance(line, Fact)}
    return [
        judge(line, costs)
        if isinstance(line, Line)
        else Verdict(line.name, "holds", None, None, None, *facts[line.holds])
        for line in lines
    ]


def one_round(
    places: dict[str, list[str]],
    running: dict[str, Process],
    costs: dict[Measure, list[float]],
    troubles: dict[Measure, str],
    lines: Sequence[Line | Fact],
) -> None:
    """Let everything be done once, name by name, so that what is compared is done one right after the other."""
    facts = {line.holds for line in lines if isinstance(line, Fact)}
    wanted = {Measure(place, name): None for place, names in places.items() for name in names}
    for each in sorted(wanted, key=lambda measure: measure.name):
        if each in facts or each in troubles:
            continue
        try:
            costs[each].append(running[each.place].ask(do=each.name)["cpu"])
        except Broken as trouble:
            troubles[each] = str(trouble)
            print(f"{each.place}, {each.name}: {trouble}", file=sys.stderr)


def told(running: dict[str, Process], fact: Measure) -> tuple[bool | None, str]:
    """Return whether a fact holds, and why nobody can say."""
    if fact.place not in running:
        return None, f"not measured: {fact.place}"
    try:
        return bool(running[fact.place].ask(tell=fact.name)["told"]), ""
    except Broken as trouble:
        print(trouble, file=sys.stderr)
        return None, "not measured"


def built(places: dict[str, list[str]], asked: Namespace) -> list[str]:
    """Return the databases that are needed."""
    return list(dict.fromkeys(calls_of(place, asked.largest) for place in places))


def calls_of(place: str, largest: str) -> str:
    """Return on how many calls something is done in a place."""
    return {LARGE: largest, ADMIN: largest, DATASETTE: largest, SERVERS: SMALL}.get(place, place)


def started(places: dict[str, list[str]], largest: str) -> Iterator[tuple[str, Process]]:
    """Start a process for each place. With no larger database than the middle one there is nothing to compare it with."""
    for place in places:
        calls = calls_of(place, largest)
        child = [sys.executable, "-m", "benchmarks.pages.child", place]
        command = datasette(calls) if place == DATASETTE else child
        yield place, Process(place, command, databases.environment(calls), databases.KEPT / f"{place}.log")


def datasette(calls: str) -> list[str]:
    """Return the command of Datasette's process, in an environment of its own that is made where it is missing."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        venv.create(PEERS, with_pip=True)
    run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True, stdout=2)
    script = Path(__file__).with_name("peers") / "tables.py"
    return [str(python), str(script), str(databases.database(calls)), str(databases.first_agent(calls))]


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
