"""What the engine forgets: audio of jobs long final, requests no window counts, files that nothing names."""

import logging
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from callcov_portal.engine import intake, throttling
from callcov_portal.engine.models import Job, State

logger = logging.getLogger(__name__)
EVERY = 600.0  # seconds between two rounds in one process
LEFT_OVER = timedelta(hours=24)  # older than any upload, fetch or move can be
AT_ONCE = 500

last_round: list[float] = []


def tidy_now_and_then() -> None:
    """Tidy up, if this process has not done so in the last ten minutes."""
    if last_round and time.monotonic() - last_round[0] < EVERY:
        return
    last_round[:] = [time.monotonic()]
    tidy(timezone.now())


def tidy(now: datetime) -> None:
    """Delete what has had its time. Doing it twice, or in two processes at once, is harmless."""
    throttling.forget(now)
    forget_audio(now)
    forget_leftovers(now)


def forget_audio(now: datetime) -> int:
    """Delete the audio of jobs final for longer than `CALLCOV_ENGINE_KEEP_AUDIO_HOURS` whose call-back is settled.

    The row forgets the file first: a crash in between leaves a file that nothing names, which goes later.
    """
    long_final = now - timedelta(hours=settings.CALLCOV_ENGINE_KEEP_AUDIO_HOURS)
    settled = Q(callback=None) | Q(callback__settled_at__isnull=False)
    jobs = Job.objects.exclude(state=State.PROCESSING).exclude(audio_file="")
    gone = list(jobs.filter(settled, completed_at__lt=long_final)[:AT_ONCE])
    for job in gone:
        Job.objects.filter(pk=job.pk).update(audio_file="")
        intake.remove_audio(job)
    return len(gone)


def forget_leftovers(now: datetime) -> int:
    """Delete day-old files of uploads and fetches that never became a job's audio."""
    old = (now - LEFT_OVER).timestamp()
    incoming = settings.CALLCOV_DATA_DIR / "incoming"
    files = [path for path in incoming.glob("*.part") if is_older(path, old)]
    files += unnamed([path for path in intake.folder().iterdir() if is_older(path, old)])
    for path in files:
        logger.info("Removing %s, which nothing names.", path.name)
        path.unlink(missing_ok=True)
    return len(files)


def is_older(path: Path, moment: float) -> bool:
    """Say whether a file was last written before a moment (Unix seconds); a file that has gone was not."""
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:
        return False


def unnamed(paths: list[Path]) -> list[Path]:
    """Return those files of the engine's folder that no job names."""
    named = set(Job.objects.exclude(audio_file="").values_list("audio_file", flat=True)) if paths else set()
    return [path for path in paths if path.name not in named]
