"""`manage.py restored`: after an older backup was restored, so that nothing is sent a second time."""

from typing import Any

from django.core.management.base import BaseCommand

from callcov_portal.actions import restoring


class Command(BaseCommand):
    """Have the API asked about everything that waits in a restored backup before any of it is sent."""

    help = (
        "Run once after restoring a backup, before the portal starts: what was sent after the backup was made is found at the "
        "API and not sent (and billed) again."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        count = restoring.doubt_what_waits()
        self.stdout.write(f"{count} analyses that wait are looked for at the API before they are sent.")
