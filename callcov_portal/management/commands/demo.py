"""`manage.py demo`: add the example calls, so that there is something to look at."""

import hashlib
import shutil
import time
import uuid
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import recordings
from callcov_portal.actions.recordings import CallDetails
from callcov_portal.models import Direction, Failure, Recording, Role, User
from callcov_portal.supervisor.ears import HttpEar
from callcov_portal.supervisor.parts import reachable

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
CALLS = [
    ("call1_payment.stereo.flac", "rachel.moor", "customer-2210", Direction.INBOUND, timedelta(days=1, hours=2)),
    ("call2_complaint.mono.mp3", "marcus.hale", "customer-4417", Direction.INBOUND, timedelta(hours=3)),
]


class Command(BaseCommand):
    """Add the example calls through the same door as an upload; they are analysed for real."""

    help = "Add the example calls. Calls that are there already are left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--wait", type=float, default=0, metavar="SECONDS", help="first wait so long for the web server to answer"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["wait"]:
            wait_for_web(options["wait"])
        user = User.objects.filter(role=Role.ADMINISTRATOR).order_by("pk").first()
        for name, agent, contact, direction, ago in CALLS:
            details = CallDetails(agent, contact, timezone.now() - ago, direction)
            try:
                recording = add(name, details, user)
            except recordings.NotTaken as refusal:
                if refusal.code != Failure.DUPLICATE:
                    raise CommandError(f"Example {name} was refused: {refusal}") from refusal
                self.stdout.write(f"Example {name} is there already as {refusal.duplicate_of}.")
            else:
                self.stdout.write(f"Example {name} added as {recording}; its analysis has begun.")


def add(name: str, details: CallDetails, user: User | None) -> Recording:
    """Add one example; `add_file` moves the file it is given, so it gets a copy."""
    source = EXAMPLES / name
    copy = settings.CALLCOV_DATA_DIR / "incoming" / f"{uuid.uuid4()}.part"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)
    try:
        recording = recordings.add_file(
            path=copy,
            sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
            size=source.stat().st_size,
            file_name=name,
            details=details,
            user=user,
        )
    finally:
        copy.unlink(missing_ok=True)
    tasks.ring(recording.current_analysis_id)
    return recording


def wait_for_web(seconds: float) -> None:
    """Return once the web server answers; raises CommandError when it has not after `seconds`."""
    ear = HttpEar(reachable(settings.CALLCOV_BIND), settings.CALLCOV_PORT, "/health")
    deadline = time.monotonic() + seconds
    while not ear.ask():
        if time.monotonic() > deadline:
            raise CommandError(f"The web server did not answer on port {settings.CALLCOV_PORT} in {seconds:.0f} s.")
        time.sleep(0.3)
