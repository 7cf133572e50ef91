"""Makes a live round trip to the API and prints what it saw."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from callcov_portal.actions import checking


class Command(BaseCommand):
    help = (
        "Ask the API that the settings name for its list (free) and print what it answered. "
        "With --recording, submit that file for real and wait for the result; a hosted API bills it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--recording", type=Path, help="a recording to submit for real")

    def handle(self, *args: Any, recording: Path | None = None, **options: Any) -> None:
        if recording and not recording.is_file():
            raise CommandError(f"There is no file {recording}.")
        try:
            for line in checking.tell(recording):
                self.stdout.write(line)
        except checking.NoRoundTrip as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:  # the limits of the API are kept there
            raise CommandError(f"The database is not ready ({error}). Run `manage.py setup` first.") from error
