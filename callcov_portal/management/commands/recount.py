"""Count everything again, and say whether the sums by week are right."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from callcov_portal.actions import recounting


class Command(BaseCommand):
    """Compare what is counted with the findings of every call; `--mend` puts it right first."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mend", action="store_true", help="count every call again before comparing")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["mend"]:
            recounting.mend()
        found = recounting.recount()
        if not found.is_equal:
            named = ", ".join(f"#{number}" for number in found.wrong[:10]) or "none"
            raise CommandError(
                f"Of {found.calls} calls {len(found.wrong)} are counted wrongly ({named}), and {found.sums} sums by week. "
                "Run it again with --mend; if it is wrong again while nobody works, report it."
            )
        self.stdout.write(f"{found.calls} calls counted again: every sum by week is equal.")
