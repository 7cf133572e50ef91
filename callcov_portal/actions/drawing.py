"""Making waveforms; they are due like everything else. A call without one is played and read all the same."""

from datetime import datetime
from pathlib import Path

import structlog
from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal import sound
from callcov_portal.actions import leases, muting, schedule
from callcov_portal.models import Recording, Waveform

log = structlog.get_logger(__name__)

MOST_TRIES = 5


def note_due(pk: int) -> None:
    """Write down that a recording, which has its file now, is to be drawn; nothing the second time."""
    Waveform.objects.get_or_create(recording_id=pk, defaults={"due_at": timezone.now()})


def next_due(now: datetime) -> int | None:
    """Return the newest recording that is to be drawn now; one at a time is enough, as each rings for the next."""
    return Waveform.objects.due(now).values_list("pk", flat=True).first()


def draw(pk: int) -> bool:
    """Make the waveform of one recording; False if it is not due, somebody else makes it, or this process is busy.

    It shares one slot with muting, so that a worker's other threads stay free, and gives way to it: a call cannot be
    heard before it is muted. Never raises: whatever goes wrong is written on the row, which is pushed away so that the
    line goes on.
    """
    if muting.due(timezone.now()) or not muting.SLOTS.acquire(blocking=False):
        return False
    try:
        return draw_if_due(pk)
    finally:
        muting.SLOTS.release()


def draw_if_due(pk: int) -> bool:
    """Do what `draw` promises."""
    now = timezone.now()
    waveform = Waveform.objects.due(now).filter(pk=pk).select_related("recording").first()
    if waveform is None or not Waveform.objects.claim(pk, waveform.due_at, now + schedule.LEASE):
        return False
    waveform.attempts += 1
    try:
        with leases.kept(lambda: renew(pk), f"drawing-{pk}"):
            take_a_try(waveform)
    except (sound.NotAudio, sound.TooLong) as error:
        give_up(waveform, str(error))
    except sound.SoundError as error:
        put_off(waveform, str(error))
    except Exception as error:
        log.exception("drawing_failed", recording=pk)
        put_off(waveform, f"{type(error).__name__}: {error}"[:500])
    return True


def take_a_try(waveform: Waveform) -> None:
    """Make it, unless it was begun so often that it may be what kills the workers."""
    if waveform.attempts > MOST_TRIES:
        give_up(waveform, f"It was begun {MOST_TRIES} times and never came to an end. {waveform.detail}".strip())
        return
    found = sound.loudness(path_of(waveform.recording))
    made = {"channels": found.channels, "step_seconds": found.step_seconds, "values": found.values}
    Waveform.objects.filter(pk=waveform.pk).update(**made, due_at=None, attempts=0, detail="")


def path_of(recording: Recording) -> Path:
    """Return where the recording's file is; raises `SoundError` if it is gone."""
    if not recording.stored_name or not default_storage.exists(recording.stored_name):
        raise sound.SoundError("The stored file is missing.")
    return Path(default_storage.path(recording.stored_name))


def put_off(waveform: Waveform, detail: str) -> None:
    """Try again later, longer each time; give up after `MOST_TRIES`."""
    if waveform.attempts >= MOST_TRIES:
        give_up(waveform, detail)
        return
    when = timezone.now() + schedule.back_off(waveform.attempts)
    Waveform.objects.filter(pk=waveform.pk, values=None).update(due_at=when, detail=detail)


def give_up(waveform: Waveform, detail: str) -> None:
    """Write down that it cannot be made: the page then has the plain position bar alone."""
    log.warning("drawing_given_up", recording=waveform.pk, detail=detail)
    Waveform.objects.filter(pk=waveform.pk, values=None).update(due_at=None, detail=detail)


def renew(pk: int) -> bool:
    """Push the lease once; False if the database is away. A row without a lease stays."""
    now = timezone.now()
    rows = Waveform.objects.filter(pk=pk, due_at__gt=now)
    return leases.pushed(lambda: rows.update(due_at=now + schedule.LEASE), f"drawing-{pk}")
