"""`manage.py check_files`: what is stored held against what the database says is stored."""

import time
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from callcov_portal import storage
from callcov_portal.actions import inventory
from callcov_portal.actions.inventory import Inventory, Sum
from callcov_portal.storage import StorageAway, Stored
from callcov_portal.templatetags.portal import in_bytes
from callcov_portal.uploads import incoming_folder

LEAST_HOURS = 1
LATEST = 2**32  # what others put there may have any date
NO_ROW_KNOWS = (
    "No row knows any of the {count:,} files in the storage: it may be that of another portal, or the database may. "
    "Nothing was deleted. If it is meant, say --yes."
)


class Command(BaseCommand):
    """Name orphaned files, and rows whose file is gone; delete only what is asked to be deleted."""

    help = (
        "Name the recordings, muted copies, exports and manifests in the storage that no row of the database knows, and the "
        "rows whose file is gone. The exit status is 1 if there are such rows. Nothing is changed without --delete or "
        "--remake. It may run while the portal works, and twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--delete", action="store_true", help="delete what is orphaned, after saying what that is")
        parser.add_argument("--remake", action="store_true", help="let muted copies that are gone be made again")
        parser.add_argument("--yes", action="store_true", help="delete even though no row knows any file")
        parser.add_argument(
            "--older-than",
            type=int,
            default=24,
            metavar="HOURS",
            help="leave out files that came later: they may be on their way to their row (24; at least 1)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["older_than"] < LEAST_HOURS:
            raise CommandError("--older-than must be at least 1: what came a moment ago may be on its way to its row.")
        young = time.time() - options["older_than"] * 3600
        try:
            with inventory.taken(young) as found:
                orphans, uploads = self.say_orphans(found), self.say_uploads(found)
                lacking = self.say_lacking(found, remake=options["remake"])
                self.say_sums(found, options["older_than"])
                if options["delete"]:
                    self.delete(found, sure=options["yes"])
                elif orphans or uploads:
                    self.stdout.write("Nothing was deleted. --delete deletes what is orphaned or unfinished.")
        except StorageAway as error:
            raise CommandError(f"{storage.AWAY} {error}") from error
        if lacking:
            raise CommandError(
                f"{lacking:,} rows lack their files. Bring these back from a backup, or delete the rows."
            )

    def say_orphans(self, found: Inventory) -> int:
        """Name the orphans, and what is there and not ours; return how many orphans there are."""
        count = 0
        for count, one in enumerate(found.orphans(), 1):  # noqa: B007
            self.stdout.write(f"orphaned    {described(one)}")
        for one in found.foreign():
            self.stdout.write(f"not ours    {described(one)}")
        return count

    def say_uploads(self, found: Inventory) -> int:
        """Name the uploads to a bucket that were begun before the margin; return how many there are."""
        count = 0
        for count, one in enumerate(found.unfinished(), 1):  # noqa: B007
            self.stdout.write(f"unfinished  {'':>10}  {one.at:%Y-%m-%d %H:%M}  {one.name}")
        return count

    def say_lacking(self, found: Inventory, *, remake: bool) -> int:
        """Name the rows that lack their files; return how many there are, but for those that are made again."""
        count = 0
        for one in found.lacking():
            is_remade = remake and inventory.remake(one)
            self.stdout.write(f"missing     {one.what} {one.row}: {one.name}{', is made again' if is_remade else ''}")
            count += not is_remade
        return count

    def say_sums(self, found: Inventory, hours: int) -> None:
        """Say how much there is of everything."""
        self.stdout.write(f"{in_words(found.stored())} stored, {in_words(found.known())} known to a row.")
        for which, words in (
            (found.orphans(), "orphaned"),
            (found.young_ones(), f"without a row, but not older than {hours} h"),
            (found.foreign(), "not ours, never deleted"),
        ):
            if (some := added(which)).files:
                self.stdout.write(f"{in_words(some)} {words}.")
        folder = str(incoming_folder())
        if (some := added(storage.files_below(folder, len(folder) + 1))).files:
            self.stdout.write(f"{in_words(some)} arriving or in work; what is left of them housekeeping removes.")

    def delete(self, found: Inventory, *, sure: bool) -> None:
        """Delete what is orphaned or unfinished, but not where no row knows any file, unless that is meant."""
        if not sure and not found.known().files and (count := found.stored().files):
            raise CommandError(NO_ROW_KNOWS.format(count=count))
        self.stdout.write(f"Deleted {in_words(found.delete())}.")


def described(one: Stored) -> str:
    """Return a file in a line."""
    at = timezone.localtime(datetime.fromtimestamp(min(max(one.at, 0), LATEST), UTC))
    name = one.name if one.name.isprintable() else repr(one.name)
    return f"{in_bytes(one.size):>10}  {at:%Y-%m-%d %H:%M}  {name}"


def added(files: Iterable[Stored]) -> Sum:
    """Return how many files there are, and their bytes."""
    count = size = 0
    for one in files:
        count, size = count + 1, size + one.size
    return Sum(count, size)


def in_words(some: Sum) -> str:
    """Return a sum in words; no files have no size."""
    words = f"{some.files:,} file{'' if some.files == 1 else 's'}"
    return f"{words} ({in_bytes(some.size)})" if some.files else words
