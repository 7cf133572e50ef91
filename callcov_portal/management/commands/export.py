"""`manage.py export`: a table to standard output or into a file, for scripts."""

import hashlib
import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from callcov_portal import choosing
from callcov_portal.actions import unmasking
from callcov_portal.exports import FORMATS, TABLES, NotPossible, Tally, Wish, wish_for


class Command(BaseCommand):
    """Write what the page Exports writes: the same tables, columns, formats and filters."""

    help = (
        "Export a table of calls. With --output the file appears when it is whole, and beside it FILE.manifest.json; "
        "without, CSV and JSON Lines go to standard output."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", choices=TABLES)
        parser.add_argument("--format", default="csv", choices=FORMATS, help="zip: one CSV for each agent")
        parser.add_argument("--columns", default="", metavar="A,B", help="keys of columns in their order; all without")
        parser.add_argument(
            "--filters",
            default="",
            metavar="QUERY",
            help="as in the address of the page Calls: agent=nora&since=2026-03-01",
        )
        parser.add_argument("--output", type=Path, metavar="FILE")
        parser.add_argument("--bom", action="store_true", help="begin CSV with a byte order mark, for Excel")
        parser.add_argument("--unmasked", action="store_true", help="show sensitive data; it is logged")

    def handle(self, *args: Any, output: Path | None = None, **options: Any) -> None:
        keys = [key.strip() for key in options["columns"].split(",") if key.strip()]
        try:
            wish = wish_for(
                options["table"], options["format"], keys, mark=options["bom"], unmasked=options["unmasked"]
            ).of(options["filters"])
            chosen = choosing.calls_of(wish.filters)
            if wish.unmasked:
                unmasking.note_exported(None, wish.table.name, wish.filters)
            if output:
                self.into_file(wish, chosen, output)
            else:
                to_standard_output(wish, chosen)
        except NotPossible as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as error:
            raise CommandError(f"It cannot be written: {error}") from error
        except DatabaseError as error:
            raise CommandError(f"The database is not ready ({error}). Run `manage.py setup` first.") from error

    def into_file(self, wish: Wish, chosen: Any, output: Path) -> None:
        """Write the file under another name, rename it when it is whole, and put the manifest beside it."""
        tally, part = Tally(), output.with_name(f"{output.name}.part")
        try:
            wish.write(part, chosen, tally, {})
            with part.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            manifest = wish.manifest(tally) | {"size_bytes": part.stat().st_size, "sha256": digest}
            output.with_name(f"{output.name}.manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
        self.stderr.write(f"{tally.rows} rows in {output}")


def to_standard_output(wish: Wish, chosen: Any) -> None:
    """Write a format that streams; a reader that has enough ends it without a word."""
    if not wish.format.streams:
        raise NotPossible(f"{wish.format.label} is not streamed: name a file with --output.")
    connection.ensure_connection()
    try:
        for chunk in wish.chunks(chosen, Tally()):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more is said at exit
