"""CSV of calls beside the sqlite3 shell, Datasette and django-import-export; its memory, and the wait for its first rows."""

import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.pages.answering import Doing
from benchmarks.pages.databases import newest
from benchmarks.pages.values import ADMIN, DATASETTE, LARGE, MIB, MIDDLE, Limit, Line, Measure

NAME = "exports"
ALL, OWN, NAMED = "csv, all columns", "csv, columns of the table", "csv, columns with names"
SHELL, PEAK, FIRST = "csv of the sqlite3 shell", "peak of csv", "first rows of csv"
LINES = (
    Line("CSV of calls: of the speed of the sqlite3 shell", Measure(LARGE, ALL), Measure(LARGE, SHELL), 0.35, at_most=False),
    Line("CSV of calls: cheaper than Datasette's stream", Measure(LARGE, OWN), Measure(DATASETTE, "csv"), 2, at_most=False),
    Line("CSV of calls: cheaper than django-import-export's", Measure(LARGE, NAMED), Measure(ADMIN, NAMED), 30, at_most=False),
    Line("CSV of all calls, peak of memory: the largest to 100,000 calls", Measure(LARGE, PEAK), Measure(MIDDLE, PEAK), 1.2,
         unit=MIB),
    Limit("CSV of all calls: until its first rows, by the clock", (Measure(LARGE, FIRST),), 50),
)  # fmt: skip
COLUMNS = (
    "id", "called_at", "called_at_source", "direction", "duration_seconds", "verdict", "reviewed_at", "file_name", "sha256",
    "size_bytes", "format", "channels", "created_at",
)  # fmt: skip
"""Of the table itself: what Datasette's stream and ours have both."""
KEYS = {"id": "call", "created_at": "added_at"}  # columns of the table that have another name in our file


def named() -> dict[str, str]:
    """Return the columns, by our keys, that a path of the ORM tells by itself."""
    from callcov_portal.exports import CALLS

    return {column.key: column.source.replace("pk", "id") for column in CALLS.columns if isinstance(column.source, str)}


def query(columns: tuple[str, ...] = ()) -> str:
    """Return the query string of the newest calls with these columns, all for none."""
    since, until, _ = newest(database())
    return "&".join([f"since={since}&until={until}", *(f"col={key}" for key in columns)])


def database() -> Path:
    """Return the file of this process's database."""
    from django.conf import settings

    return Path(settings.DATABASES["default"]["NAME"])


class Shell:
    """The sqlite3 shell with the statement whose rows our file has."""

    def __init__(self, lines: int) -> None:
        self.lines, self.orders = lines, f".mode csv\n.headers on\n{statement()};\n".encode()

    def __call__(self) -> None:
        """Write the rows once; raises `ValueError` if they are not as many as ours."""
        command = ["sqlite3", "-readonly", str(database())]
        done = subprocess.run(command, input=self.orders, stdout=subprocess.PIPE, check=True)
        if done.stdout.count(b"\n") != self.lines:
            raise ValueError(f"The shell wrote other rows than our {self.lines} lines.")

    def cost(self, times: int) -> float:
        """Return the CPU seconds of one go, the shell's start included."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in range(times):
            self()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / times


def statement() -> str:
    """Return the statement for the newest calls with all columns, all rows at once."""
    from django.db import connection

    from callcov_portal import choosing
    from callcov_portal.exports import CALLS
    from callcov_portal.exports.reading import selected
    from callcov_portal.exports.table import source_of

    sources = {column.key: source_of(column, unmasked=False) for column in CALLS.columns}
    rows = selected(choosing.calls_of(query()).order_by("-called_at", "-pk"), sources)
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        return str(connection.ops.last_executed_query(cursor, sql, parameters))


class Peak:
    """All calls as CSV in a process of its own, of which the peak of memory is told."""

    once = True

    def __call__(self) -> None:
        """Do it once."""
        self.cost(1)

    def cost(self, _times: int) -> float:
        """Return the peak in MiB."""
        command = [sys.executable, "-m", "benchmarks.exports.alone"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return float(done.stdout.split()[-1])


class First:
    """All calls asked for, of which only the first are taken."""

    def __call__(self) -> None:
        """Ask once."""
        self.cost(1)

    def cost(self, times: int) -> float:
        """Return the seconds until the first rows are there, session and filters included; the line of keys is not enough."""
        from benchmarks.pages.asking import signed_in

        browser, waited = signed_in(), 0.0
        for _ in range(times):
            began = time.perf_counter()
            body = browser.stream("/exports/calls.csv")
            keys, rows = next(body), next(body)
            waited += time.perf_counter() - began
            body.close()
            if not keys.startswith(b"call,") or b"\n" not in rows:
                raise ValueError("These are no rows.")
        return waited / times


def doings(place: str) -> dict[str, Doing]:
    """Return our downloads and the shell's."""
    if place == MIDDLE:
        return {PEAK: Peak()}
    if place != LARGE:
        return {}
    from benchmarks.pages.asking import signed_in

    browser, address = signed_in(), "/exports/calls.csv?"
    of_table = tuple(KEYS.get(name, name) for name in COLUMNS)
    return {
        ALL: partial(browser.ask, address + query()),
        OWN: partial(browser.ask, address + query(of_table)),
        NAMED: partial(browser.ask, address + query(tuple(named()))),
        SHELL: Shell(newest(database()).calls + 1),
        PEAK: Peak(),
        FIRST: First(),
    }


def close() -> None:
    """Delete what was written down of our downloads."""
    from benchmarks.pages.asking import NAME as SOMEBODY
    from callcov_portal.models import Export

    Export.objects.filter(user__username=SOMEBODY).delete()
