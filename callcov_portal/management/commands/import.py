"""`manage.py import`: files, folders and links into a batch, for scripts."""

import errno
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError

from callcov_portal import tasks
from callcov_portal.actions import arriving, batches, file_patterns, linkchecks
from callcov_portal.actions.recordings import LONGEST_LINK
from callcov_portal.models import Batch, BatchItem, Cause, Failure, Fate, Recording, User, Way
from callcov_portal.models.recording import key_of_link
from callcov_portal.reading import patterns
from callcov_portal.storage import AWAY, StorageAway
from callcov_portal.uploads import DiskFull

Thing = TypeVar("Thing")
AT_ONCE = 500
LOOK_EVERY = 2.0  # seconds
WORDS = {Fate.STORED: "stored", Fate.DUPLICATE: "duplicate", Fate.REFUSED: "refused", Fate.CANCELLED: "cancelled"}


class Command(BaseCommand):
    """Take calls in through the same door as an upload. Twice is no harm: the second time all are duplicates."""

    help = (
        "Import recordings as one batch: files, folders with all below them, and links from a file, one a line. "
        "Prints what became of each. The exit status is 1 if any was refused, or with --wait failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a file or a folder")
        parser.add_argument("--links", type=Path, metavar="FILE", help="a text file with a link in each line")
        parser.add_argument("--agent", default="", help="of all whose names do not say")
        parser.add_argument("--contact", default="", help="of all whose names do not say")
        parser.add_argument(
            "--pattern", default="", help="how names are read: {agent}_{contact}_{date}; without, as is kept for all"
        )
        parser.add_argument("--user", default="", metavar="NAME", help="who is said to have added them")
        parser.add_argument("--wait", action="store_true", help="until nothing of it is waiting or in work")

    def handle(self, *args: Any, **options: Any) -> None:
        paths, links = options["paths"], options["links"]
        if not paths and not links:
            raise CommandError("Name a file or a folder, or a file of links with --links.")
        for path in [*paths, *([links] if links else [])]:
            if not path.exists():
                raise CommandError(f"{path} is not there. Nothing was imported.")
        batch = opened(options, name=", ".join(path.name for path in (paths or [links])))
        try:
            self.take(batch, paths, links)
        except (DiskFull, OSError, UnicodeDecodeError) as error:
            batches.cancel(batch)
            why = f"{AWAY} {error}" if isinstance(error, StorageAway) else str(error)
            raise CommandError(f"It broke off: {why} What was stored stays; run it again for the rest.") from error
        batches.close(batch)
        if options["wait"]:
            wait(batch)
        self.conclude(batch)

    def take(self, batch: Batch, paths: list[Path], links: Path | None) -> None:
        """Take in files, then links, some at a time, so that memory is constant."""
        for some in some_of(found_in(paths)):
            items = batches.add_items(batch, [arriving.item_of(path, root) for path, root in some])
            for item, (path, _) in zip(items, some, strict=True):
                self.tell(file_taken(item, path))
        if links:
            with links.open(encoding="utf-8-sig") as file:
                for lines in some_of(filter(None, map(str.strip, file))):
                    items = batches.add_items(batch, [BatchItem(link=line[:LONGEST_LINK]) for line in lines])
                    for item, line in zip(items, lines, strict=True):
                        self.tell(link_taken(item, line))

    def tell(self, item: BatchItem) -> None:
        """Ring for what became a call, and print what became of an item."""
        if item.recording:
            tasks.ring(item.recording.current_analysis_id)
        call = item.recording or item.duplicate_of
        said = str(call) if call else item.detail
        self.stdout.write(f"{WORDS.get(Fate(item.fate), item.fate):<10} {item}  {said}".rstrip())

    def conclude(self, batch: Batch) -> None:
        """Print the sum; raise `CommandError` if anything was refused or has failed."""
        sums = batch.sums()
        parts = " + ".join(f"{number} {name}" for name, number in zip(sums._fields[1:], sums[1:], strict=True))
        self.stdout.write(f"{sums.items} in = {parts}\n{batch.get_absolute_url()}")
        if sums.failed:
            raise CommandError(f"{sums.failed} of {sums.items} were refused or have failed.")


def opened(options: dict[str, Any], name: str) -> Batch:
    """Begin the batch; raises `CommandError` for a pattern or a user that is none."""
    pattern = options["pattern"] or file_patterns.kept_for().get("", "")
    try:
        patterns.compiled(pattern)
    except patterns.PatternError as error:
        raise CommandError(f"The pattern cannot be read. {error}") from error
    user = User.objects.filter(username=options["user"]).first() if options["user"] else None
    if options["user"] and user is None:
        raise CommandError(f"There is no user {options['user']}.")
    given = {key: options[key].strip()[:200] for key in ("agent", "contact")}
    return batches.open_batch(Way.COMMAND, user, name, pattern=pattern, **given)


def some_of(things: Iterable[Thing]) -> Iterator[list[Thing]]:
    """Yield some at a time."""
    rest = iter(things)
    return iter(lambda: list(islice(rest, AT_ONCE)), [])


def found_in(paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield each file with the folder from which on it is named."""
    for path in paths:
        if path.is_dir():
            yield from ((file, path) for file in arriving.files_in(path))
        else:
            yield path, path.parent


def file_taken(item: BatchItem, path: Path) -> BatchItem:
    """Take one file in; one that cannot be read is refused."""
    try:
        return arriving.take_copy(item, path)
    except arriving.Changing:
        batches.refuse(item, Cause.UNREADABLE, "It is being written. Import it again when it is complete.")
    except OSError as error:
        if error.errno == errno.ENOSPC or isinstance(error, StorageAway):
            raise
        batches.refuse(item, Cause.UNREADABLE, f"The file cannot be read: {error.strerror or error}.")
    item.refresh_from_db()
    return item


def link_taken(item: BatchItem, link: str) -> BatchItem:
    """Take one link in; one that is a call already is a duplicate of that call."""
    known = Recording.objects.filter(link_key=key_of_link(link)).order_by("pk").first()
    if known:
        why = linkchecks.same_as(known)
        BatchItem.objects.settle(item.pk, Fate.DUPLICATE, duplicate_of=known, detail=why)
    elif len(link) > LONGEST_LINK:
        batches.refuse(item, Failure.BLOCKED, f"The link is longer than {LONGEST_LINK} characters.")
    else:
        return batches.take_link(item)
    item.refresh_from_db()
    return item


def wait(batch: Batch) -> None:
    """Return when nothing of the batch is waiting or in work."""
    while (sums := batch.sums()).waiting + sums.working:
        time.sleep(LOOK_EVERY)
