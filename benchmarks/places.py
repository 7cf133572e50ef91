"""Where things are measured: what has to be there for it, and the process in which it is done."""

import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from subprocess import run

from benchmarks.engine.serving import ROOT
from benchmarks.exports.lines import COLUMNS
from benchmarks.pages import databases
from benchmarks.pages.process import Process
from benchmarks.pages.values import (
    ADMIN,
    DATASETTE,
    LARGE,
    MIDDLE,
    SEARCH,
    SEARCH_POSTGRES,
    SERVERS,
    SMALL,
    Asked,
    Line,
)
from benchmarks.search import kept

PEERS = databases.KEPT / "peers"
REQUIREMENTS = ROOT / "benchmarks" / "pages" / "requirements.txt"
TABLES = ROOT / "benchmarks" / "pages" / "peers" / "tables.py"
WITH_PEERS = {ADMIN, DATASETTE}


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one run: how many calls the largest database has, and which server makes databases of PostgreSQL."""

    largest: str
    postgres: str = ""
    fresh: bool = False

    def calls(self, place: str) -> str:
        """Return on how many calls something is done in a place."""
        middle = str(min(int(MIDDLE), int(self.largest)))
        on_largest = dict.fromkeys((LARGE, ADMIN, DATASETTE), self.largest)
        on_middle = dict.fromkeys((MIDDLE, SEARCH, SEARCH_POSTGRES), middle)
        return (on_largest | on_middle | {SERVERS: SMALL}).get(place, place)

    def is_itself(self, line: Asked) -> bool:
        """Say whether a line would compare a database with itself: the million is not built, or fewer calls are tried.

        A peer does the same on the same database, and is not ours.
        """
        if not isinstance(line, Line) or line.one.name != line.other.name or line.other.place in WITH_PEERS:
            return False
        return self.calls(line.one.place) == self.calls(line.other.place)

    def build(self, places: list[str]) -> None:
        """Make the databases and peers that are missing."""
        for place in (SEARCH, SEARCH_POSTGRES):
            if place in places:
                kept.build(self.calls(place), self.server(place), fresh=self.fresh)
        for calls in dict.fromkeys(self.calls(each) for each in places if each not in {SEARCH, SEARCH_POSTGRES}):
            print(f"{int(calls):,} calls: {databases.build(calls, fresh=self.fresh):.0f} s", file=sys.stderr)
        if WITH_PEERS & set(places):
            install_peers()

    def server(self, place: str) -> str:
        """Return the server on which a place has its database, "" for SQLite."""
        return self.postgres if place == SEARCH_POSTGRES else ""

    def process(self, place: str) -> Process:
        """Start the process of a place."""
        calls, log = self.calls(place), databases.KEPT / f"{place.replace(' ', '-')}.log"
        if place in {SEARCH, SEARCH_POSTGRES}:
            command = [sys.executable, "-m", "benchmarks.search.child"]
            return Process(place, command, kept.environment(calls, self.server(place)), log)
        command = datasette(calls) if place == DATASETTE else [sys.executable, "-m", "benchmarks.pages.child", place]
        return Process(place, command, databases.environment(calls) | {"CALLCOV_BENCH_PEERS": str(packages())}, log)


def datasette(calls: str) -> list[str]:
    """Return the command of Datasette's process, which knows nothing of us."""
    database = databases.database(calls)
    newest = databases.newest(database)
    chosen = [newest.since, newest.until, str(newest.calls), ",".join(COLUMNS)]
    about = [str(database), str(databases.first_agent(calls)), *chosen]
    return [str(PEERS / "bin" / "python"), str(TABLES), *about]


def install_peers() -> None:
    """Make the environment of the peers, where nothing of ours finds it."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        venv.create(PEERS, with_pip=True)
    run([python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", REQUIREMENTS], check=True, stdout=2)


def packages() -> Path:
    """Return the folder of the peers' packages."""
    return PEERS / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
