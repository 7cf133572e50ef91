from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from callcov_portal.engine import auth


class Command(BaseCommand):
    help = "Print the API key of the embedded engine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--test", action="store_true", help="the test key: its analyses have livemode false")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(auth.secret(livemode=not options["test"]))
