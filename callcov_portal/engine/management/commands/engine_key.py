from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from callcov_portal.engine import auth, wire


class Command(BaseCommand):
    help = (
        "Print the embedded engine's API key (its address goes to standard error, so that scripts get the key alone)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--test", action="store_true", help="the test key: its analyses have livemode false")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CALLCOV_EMBEDDED:
            self.stderr.write("The embedded engine is off: CALLCOV_API_URL names another API.", self.style.WARNING)
        self.stderr.write(f"The API is at {wire.own_address()}; its key:", self.style.NOTICE)
        self.stdout.write(auth.secret(livemode=not options["test"]))
