"""The databases, made once by the program's own commands and kept."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.engine.serving import ROOT
from benchmarks.pages.values import MIDDLE

KEPT = ROOT / "var" / "benchmarks"
BYTES_A_CALL = 20_000
BYTES_WITHOUT_WORDS = 8_000


class NoRoom(Exception):
    """The disk is too small for a database."""


def folder(calls: str) -> Path:
    """Return the data folder of a database."""
    return KEPT / calls


def environment(calls: str) -> dict[str, str]:
    """Return the environment of a process that works on a database: our settings are its defaults, whatever is set here."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CALLCOV_")}
    return clean | {
        "CALLCOV_DATA_DIR": str(folder(calls)),
        "CALLCOV_ADMIN_PASSWORD": "nobody signs in here",
        "PYTHONPATH": str(ROOT),
    }


def database(calls: str) -> Path:
    """Return the database's file."""
    return folder(calls) / "callcov.sqlite3"


def is_built(calls: str) -> bool:
    """Whether a database is there with all its calls."""
    if not database(calls).exists():
        return False
    with sqlite3.connect(f"file:{database(calls)}?mode=ro", uri=True) as connection:
        try:
            (there,) = connection.execute("SELECT COUNT(*) FROM portal_recording").fetchone()
        except sqlite3.OperationalError:
            return False
    return bool(there >= int(calls))


def build(calls: str, *, fresh: bool = False) -> float:
    """Make a database unless it is there, bring it up to date otherwise, and return how many seconds it took."""
    began = time.monotonic()
    if fresh or not is_built(calls):
        shutil.rmtree(folder(calls), ignore_errors=True)
        folder(calls).mkdir(parents=True)
        wordless = int(calls) > int(MIDDLE)
        size = int(calls) * (BYTES_WITHOUT_WORDS if wordless else BYTES_A_CALL)
        if shutil.disk_usage(KEPT).free < 2 * size:
            raise NoRoom(f"{int(calls):,} calls take {size // 10**9} GB, and twice as much should be free.")
        manage(calls, "setup")
        manage(calls, "seed_demo", "--calls", calls, *(["--without-words"] if wordless else []))
        optimize(calls)
    else:
        manage(calls, "setup")
    return time.monotonic() - began


def optimize(calls: str) -> None:
    """Let SQLite learn how its indexes are filled, as it does in a portal that has run for a while."""
    with sqlite3.connect(database(calls)) as connection:
        connection.execute("PRAGMA analysis_limit = 1000")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def manage(calls: str, *arguments: str) -> None:
    """Run one of the program's commands on a database."""
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment(calls), check=True, stdout=2)


class Newest(NamedTuple):
    """The newest calls of a database, in which peers can be told to look by days: from and to which, and how many.

    The last day is over, so what other lines add meanwhile is not among them.
    """

    since: str
    until: str
    calls: int


def newest(path: Path, most: int = 20_000) -> Newest:
    """Return the newest calls, whole days, at most so many."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        (until,) = connection.execute(LAST_DAY).fetchone()
        (since,) = connection.execute(FIRST_DAY, [until, most]).fetchone() or ("2000-01-01",)
        (calls,) = connection.execute(BETWEEN, [since, until]).fetchone()
    return Newest(since, until, calls)


LAST_DAY = "SELECT date(max(called_at)) FROM portal_recording WHERE called_at < date('now')"
FIRST_DAY = """SELECT date(called_at, '+1 day') FROM portal_recording WHERE called_at < date(?, '+1 day')
ORDER BY called_at DESC LIMIT 1 OFFSET ?"""
BETWEEN = "SELECT COUNT(*) FROM portal_recording WHERE called_at >= ? AND called_at < date(?, '+1 day')"


def first_agent(calls: str) -> int:
    """Return the number of the agent with most calls: the first of the demo data."""
    with sqlite3.connect(f"file:{database(calls)}?mode=ro", uri=True) as connection:
        (number,) = connection.execute("SELECT MIN(id) FROM portal_agent WHERE is_demo").fetchone()
    return int(number)
