"""`manage.py seed_demo`: fill the portal with invented calls, to look at or to measure; `--remove` takes them away."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from callcov_portal import demodata
from callcov_portal.actions import seeding, seeding_audio, unseeding
from callcov_portal.models import Recording
from callcov_portal.quality.actions import note_verdicts
from callcov_portal.uploads import DiskFull, refuse_if_disk_full

BOUNDS = {"calls": (1, 10_000_000), "agents": (1, 10_000), "months": (1, 120), "with_audio": (0, 1_000)}
TELL_EVERY = 5.0


class Command(BaseCommand):
    """Write invented calls, marked as demo data, past the analysis; or remove them."""

    help = (
        "Add CALLS invented calls with transcripts, findings and verdicts, marked as demo data. Run again, it adds as many "
        "again. --remove deletes them all, and nothing else."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--calls", type=int, default=1000)
        parser.add_argument("--agents", type=int, default=200)
        parser.add_argument("--months", type=int, default=18, help="over how long, up to yesterday")
        parser.add_argument("--seed", type=int, default=1, help="another number gives other calls")
        parser.add_argument(
            "--with-audio", type=int, default=0, metavar="K", help="give the newest K calls a recording"
        )
        parser.add_argument("--without-words", action="store_true", help="no transcripts: a third of the room")
        parser.add_argument("--remove", action="store_true", help="delete all demo data")
        parser.add_argument("--yes", action="store_true", help="also where there are real calls")

    def handle(self, *_args: Any, **options: Any) -> None:
        self.since = self.told = time.monotonic()
        if options["remove"]:
            self.remove()
            return
        refuse_bad(options)
        plan = demodata.Plan(
            calls=options["calls"],
            agents=options["agents"],
            months=options["months"],
            seed=options["seed"],
            until=timezone.now(),
            zone=timezone.get_default_timezone(),
            has_words=not options["without_words"],
        )
        refuse_if_no_room(plan)
        for written in seeding.seed(plan, note_verdicts):
            self.tell(f"{written:,} of {plan.calls:,} calls")
        if options["with_audio"]:
            given = seeding_audio.give(options["with_audio"])
            self.stdout.write(f"{given} of them have a recording.")
        self.done(plan.calls, "added. All are marked as demo data; seed_demo --remove takes them away.")

    def remove(self) -> None:
        """Delete all demo data."""
        removed = 0
        for removed in unseeding.remove():
            self.tell(f"{removed:,} calls removed")
        self.done(removed, "removed, and nothing else.")

    def tell(self, text: str) -> None:
        """Say how far it is, every few seconds."""
        if time.monotonic() - self.told > TELL_EVERY:
            self.told = time.monotonic()
            self.stdout.write(f"{text} …")

    def done(self, calls: int, what: str) -> None:
        """Say what was done, and how fast."""
        seconds = time.monotonic() - self.since
        self.stdout.write(
            f"{calls:,} demo calls in {seconds:.0f} s ({calls / max(seconds, 0.001):,.0f} a second) {what}"
        )


def refuse_bad(options: dict[str, Any]) -> None:
    """Raise CommandError for numbers that make no sense, and for a portal that is in use."""
    for name, (least, most) in BOUNDS.items():
        if not least <= options[name] <= most:
            raise CommandError(f"--{name.replace('_', '-')} must be from {least:,} to {most:,}.")
    if not options["yes"] and Recording.objects.filter(is_demo=False).exists():
        raise CommandError(
            "There are real calls here. Demo data would stand among them in every list and sum, until --remove. "
            "Use another CALLCOV_DATA_DIR or database, or add --yes."
        )


def refuse_if_no_room(plan: demodata.Plan) -> None:
    """Raise CommandError if the disk of an SQLite database has no room for the calls."""
    if connection.vendor != "sqlite":
        return
    size = plan.calls * (seeding.BYTES_A_CALL if plan.has_words else seeding.BYTES_WITHOUT_WORDS)
    try:
        refuse_if_disk_full(settings.CALLCOV_DATA_DIR, size)
    except DiskFull as full:
        raise CommandError(f"{plan.calls:,} calls take about {size // 1_000_000:,} MB. {full}") from full
