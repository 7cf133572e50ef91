"""`manage.py index_search`: the index of spoken words, brought up to date, made anew or checked."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from callcov_portal.actions import indexing, reindexing

NAMED = 10


class Command(BaseCommand):
    """Index what is due; the portal's worker does the same by itself."""

    help = "Take the words of calls into the search index until none is due. It may be stopped at any time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="read the words of all calls again")
        parser.add_argument("--verify", action="store_true", help="only say whether the index is as it should be")
        parser.add_argument(
            "--thorough",
            action="store_true",
            help="verify, or rebuild, every entry of SQLite's index; nothing else is written meanwhile, so stop the portal",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            self.verify(is_thorough=options["thorough"])
            return
        if options["rebuild"]:
            if options["thorough"]:
                reindexing.make_anew()
            self.stdout.write(f"{reindexing.mark_all():,} calls are to be indexed.")
        self.index()

    def index(self) -> None:
        done = 0
        while count := indexing.index_some():
            done += count
            self.stdout.write(f"{done:,} indexed.")
        if not done:
            self.stdout.write("Nothing is due.")

    def verify(self, *, is_thorough: bool) -> None:
        """Name what is wrong; exit status 1 if anything is."""
        wrong = reindexing.first_of(reindexing.wrong_calls(), NAMED)
        if wrong:
            named = ", ".join(f"#{number}" for number in wrong)
            more = " and perhaps others" if len(wrong) == NAMED else ""
            raise CommandError(f"The index does not hold the words of {named}{more}. Run index_search --rebuild.")
        if not reindexing.index_is_sound(is_thorough=is_thorough):
            raise CommandError("The index is damaged. Stop the portal and run index_search --rebuild --thorough.")
        waiting = "Some calls are still due." if indexing.is_due() else "Nothing is due."
        self.stdout.write(f"The index is as it should be. {waiting}")
