"""Holding the storage against the rows: files that no row knows, and rows whose file is gone.

    what rows name ──▶ what is stored ──▶ what rows name by now

are written, in this order, into a table on disk of our own, sorted there and compared. So nothing that comes or goes meanwhile
is taken for lost: a file is an orphan if no row named it before and none does after, and a row lacks its file if it named it
before and does so still. A file that is younger than a margin may be on its way to its row.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from django.core.files.storage import default_storage
from django.db.models import Model

from callcov_portal import storage
from callcov_portal.actions import muting
from callcov_portal.models import Batch, Export, Recording
from callcov_portal.storage import Stored, Upload

AT_ONCE = 5000
# How `shelving.shelve` names files: nothing else in the storage is ours to delete.
OURS = re.compile(r"\d{4}/\d{2}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\w{1,10}", re.ASCII)
MUTED = "muted copy of call"
# What a file is, by the model and the columns that name it. Waveforms are columns, and parts of uploads housekeeping's.
SOURCES: tuple[tuple[type[Model], dict[str, str]], ...] = (
    (Recording, {"file": "recording of call", "muted_file": MUTED}),
    (Export, {"file": "file of export"}),
    (Batch, {"manifest": "manifest of batch"}),
)
TABLES = """
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;
    CREATE TABLE named (name TEXT, what TEXT, row TEXT, round INTEGER);
    CREATE TABLE stored (name TEXT, size INTEGER, at REAL);
"""
INDEXES = """
    CREATE INDEX named_by_name ON named (name, round);
    CREATE INDEX stored_by_name ON stored (name);
"""
UNKNOWN = "NOT EXISTS (SELECT 1 FROM named WHERE named.name = stored.name)"
LACKING = """
    SELECT what, row, name FROM named AS later WHERE round = 2
    AND NOT EXISTS (SELECT 1 FROM stored WHERE stored.name = later.name)
    AND EXISTS (SELECT 1 FROM named WHERE named.name = later.name AND round = 1)
    ORDER BY what, name
"""


class Lacking(NamedTuple):
    """A row whose file is gone."""

    what: str
    row: str
    name: str


class Sum(NamedTuple):
    """Some files, and how many bytes they have."""

    files: int
    size: int


class Inventory:
    """What rows name and what is stored, at one time."""

    def __init__(self, table: sqlite3.Connection, young: float) -> None:
        self.table, self.young = table, young

    def orphans(self) -> Iterator[Stored]:
        """Yield the files of ours, in order of their names, that no row knows and that came before the margin."""
        return (found for found in self.unknown("at <= ?", self.young) if is_ours(found.name))

    def foreign(self) -> Iterator[Stored]:
        """Yield the files that the portal never put there."""
        return (found for found in self.unknown("1") if not is_ours(found.name))

    def young_ones(self) -> Iterator[Stored]:
        """Yield the files of ours that no row knows yet, or never will."""
        return (found for found in self.unknown("at > ?", self.young) if is_ours(found.name))

    def unknown(self, which: str, *values: float) -> Iterator[Stored]:
        """Yield files that no row knows."""
        query = f"SELECT name, size, at FROM stored WHERE {UNKNOWN} AND {which} ORDER BY name"  # noqa: S608
        return map(Stored._make, self.table.execute(query, values))

    def unfinished(self) -> Iterator[Upload]:
        """Yield the uploads to a bucket that nobody finished and that were begun before the margin. Raises `StorageAway`."""
        return (upload for upload in storage.unfinished() if upload.at.timestamp() <= self.young)

    def lacking(self) -> Iterator[Lacking]:
        """Yield the rows whose file is gone."""
        return map(Lacking._make, self.table.execute(LACKING))

    def delete(self) -> Sum:
        """Delete what is orphaned, and forget what is unfinished; twice is no error. Returns how much was orphaned.

        Raises `StorageAway`.
        """
        files = size = 0
        for one in self.orphans():
            default_storage.delete(one.name)
            files, size = files + 1, size + one.size
        for upload in self.unfinished():
            storage.bucket().forget(upload)
        return Sum(files, size)

    def stored(self) -> Sum:
        """Return how much is stored."""
        return self.sum_of("1")

    def known(self) -> Sum:
        """Return how much of what is stored is known by a row."""
        return self.sum_of(f"NOT {UNKNOWN}")

    def sum_of(self, which: str) -> Sum:
        """Return how many files there are of some kind."""
        return Sum(*self.table.execute(f"SELECT count(*), coalesce(sum(size), 0) FROM stored WHERE {which}").fetchone())  # noqa: S608


@contextmanager
def taken(young: float) -> Iterator[Inventory]:
    """Take an inventory; files that came after `young` (Unix seconds) count as on their way.

    Memory stays the same however many files there are; the disk holds about 200 bytes of each, in a file of SQLite's that is gone
    with the process. Raises `StorageAway`.
    """
    with closing(sqlite3.connect("")) as table:
        table.executescript(TABLES)
        table.executemany("INSERT INTO named VALUES (?, ?, ?, 1)", named())
        table.executemany("INSERT INTO stored VALUES (?, ?, ?)", map(readable, storage.contents()))
        table.executemany("INSERT INTO named VALUES (?, ?, ?, 2)", named())
        table.executescript(INDEXES)
        yield Inventory(table, young)


def remake(one: Lacking) -> bool:
    """Make a muted copy due that is gone; False for anything else, of which the file is the only one."""
    recording = Recording.objects.filter(pk=one.row).first() if one.what == MUTED else None
    return recording is not None and muting.try_again(recording)


def named() -> Iterator[tuple[str, str, str]]:
    """Yield each file that a row names, what it is, and the row's key; some rows at a time, by their keys."""
    for model, columns in SOURCES:
        rows = model._default_manager.order_by("pk").values_list("pk", *columns)
        last: Any = None
        while some := list((rows if last is None else rows.filter(pk__gt=last))[:AT_ONCE]):
            last = some[-1][0]
            for pk, *names in some:
                yield from ((name, what, str(pk)) for name, what in zip(names, columns.values(), strict=True) if name)


def readable(found: Stored) -> Stored:
    """Return a file with a name that can be written down: one of ours always can."""
    return found._replace(name=os.fsencode(found.name).decode("utf-8", "replace"))


def is_ours(name: str) -> bool:
    """Say whether a name is one that the portal gives."""
    return OURS.fullmatch(name) is not None
