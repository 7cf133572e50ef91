"""`manage.py watch`: take in what is dropped into a folder, until somebody ends it."""

import fcntl
import hashlib
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from callcov_portal import tasks
from callcov_portal.actions import file_patterns
from callcov_portal.actions.watching import TARGETS, Watch
from callcov_portal.reading import patterns

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Look into the folder again and again: that works on network shares too. May be killed at any moment."""

    help = (
        "Watch a folder (CALLCOV_WATCH_FOLDER without one): what stands still is stored as a call and then moved to "
        f"{', '.join(sorted({f'{name}/' for name in TARGETS.values()}))} in it. `serve` does it by itself where the setting is set."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", default=settings.CALLCOV_WATCH_FOLDER, metavar="FOLDER")
        parser.add_argument("--agent", default="", help="of all whose names do not say")
        parser.add_argument("--contact", default="", help="of all whose names do not say")
        parser.add_argument("--pattern", default="", help="how names are read; without, as is kept for all")
        parser.add_argument(
            "--seconds",
            type=float,
            default=settings.CALLCOV_WATCH_SECONDS,
            help="between two looks; a file that has not changed meanwhile is complete (%(default)s)",
        )
        parser.add_argument("--looks", type=int, default=0, help="end after so many")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["folder"]:
            raise CommandError("Name the folder, or set CALLCOV_WATCH_FOLDER.")
        folder = Path(options["folder"]).resolve()
        if overlaps(folder, settings.CALLCOV_DATA_DIR):
            raise CommandError(f"{folder} is or holds the data folder, or lies in it: watch another one.")
        readable(options["pattern"])
        watch = Watch(folder, options["agent"].strip()[:200], options["contact"].strip()[:200])
        with lock_of(folder):
            self.stdout.write(f"Watching {folder}.")
            looks = 0
            while True:
                self.look(watch, options["pattern"])
                looks += 1
                if looks == options["looks"]:
                    return
                time.sleep(options["seconds"])

    def look(self, watch: Watch, pattern: str) -> None:
        """Look once, and say what became of each file; trouble with the database is for the next look."""
        try:
            watch.pattern = pattern or kept_pattern()
            for item in watch.look():
                if item.recording:
                    tasks.ring(item.recording.current_analysis_id)
                self.stdout.write(f"{item.get_fate_display()}: {item} {item.detail}".rstrip())
                self.stdout.flush()
        except DatabaseError as error:
            log.warning("watched_folder_waits", folder=str(watch.folder), error=str(error))
            connections.close_all()


def overlaps(folder: Path, other: Path) -> bool:
    """Say whether one of two folders holds the other."""
    return folder.is_relative_to(other) or other.is_relative_to(folder)


def readable(pattern: str) -> str:
    """Return a pattern that can be read; raises `CommandError` saying what is wrong."""
    try:
        patterns.compiled(pattern)
    except patterns.PatternError as error:
        raise CommandError(f"The pattern cannot be read. {error}") from error
    return pattern


def kept_pattern() -> str:
    """Return the patterns that are kept for all, none if they are too many to be read together."""
    kept = file_patterns.kept_for().get("", "")
    try:
        return readable(kept)
    except CommandError:
        log.warning("kept_patterns_not_readable")
        return ""


def lock_of(folder: Path) -> Any:
    """Hold the folder's lock on this machine; the kernel gives it back however the process ends."""
    mark = hashlib.sha256(str(folder).encode("utf-8", "replace")).hexdigest()[:16]
    path: Path = settings.CALLCOV_DATA_DIR / "run" / f"watch-{mark}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise CommandError(f"Another process watches {folder} already.") from None
    return file
