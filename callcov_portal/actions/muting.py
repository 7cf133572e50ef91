"""Making the copy of a recording in which sensitive seconds are silent; it is due like everything else."""

import os
import threading
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from callcov_portal import hiding, sound
from callcov_portal.actions import leases, schedule, shelving
from callcov_portal.models import Muting, Recording, SensitiveSpan
from callcov_portal.uploads import DiskFull, incoming_folder, refuse_if_disk_full

log = structlog.get_logger(__name__)

MOST_TRIES = 8  # about a quarter of an hour
MOST_AT_ONCE = 20
HIGHEST_BYTES_A_SECOND = 16_000  # of an MP3
# It keeps a processor busy: of a worker's four threads three always stay free for the rest.
SLOTS = threading.BoundedSemaphore(1)

Spans = Sequence[tuple[float, float]]


def spans_of(pk: int) -> list[tuple[float, float]]:
    """Return the seconds of a recording that must not be heard: those that any of its analyses found sensitive."""
    rows = SensitiveSpan.objects.filter(analysis__recording=pk).order_by("start", "end")
    return list(rows.values_list("start", "end"))


def note_spans(pk: int) -> None:
    """Write down that the muted copy is due, unless exactly these spans are silent in it already.

    Belongs into the transaction that writes the spans, so that at no moment they are known and heard.
    """
    if spans := spans_of(pk):
        stale = Recording.objects.filter(pk=pk).exclude(muting=Muting.DONE, muted_spans=hiding.fingerprint(spans))
        stale.update(muting=Muting.DUE, muting_at=timezone.now(), muting_attempts=0, muting_detail="")


def try_again(recording: Recording) -> bool:
    """Make a copy due that could not be made, or is gone from the storage; False if that was done already."""
    is_gone = recording.muting == Muting.DONE and not default_storage.exists(recording.muted_name)
    if recording.muting != Muting.FAILED and not is_gone:
        return False
    waiting = Recording.objects.filter(pk=recording.pk, muting=recording.muting, muted_file=recording.muted_name)
    return waiting.update(muting=Muting.DUE, muting_at=timezone.now(), muting_attempts=0) == 1


def due(now: datetime) -> list[int]:
    """Return the recordings whose muted copy is to be made now, the longest due first."""
    return list(Recording.objects.muting_due(now).values_list("pk", flat=True)[:MOST_AT_ONCE])


def mute(pk: int) -> bool:
    """Make the muted copy of one recording; False if it is not due, or somebody else makes it, or this process another.

    Never raises: whatever goes wrong is written on the row, which is pushed away so that the line goes on.
    """
    if not SLOTS.acquire(blocking=False):
        return False
    try:
        return mute_if_due(pk)
    finally:
        SLOTS.release()


def mute_if_due(pk: int) -> bool:
    """Do what `mute` promises."""
    now = timezone.now()
    recording = Recording.objects.muting_due(now).filter(pk=pk).first()
    if recording is None or not Recording.objects.claim_muting(pk, recording.muting_at, now + schedule.LEASE):
        return False
    recording.muting_attempts += 1
    try:
        with leases.kept(lambda: renew(pk), f"muting-{pk}"):
            take_a_try(recording)
    except (sound.NotAudio, sound.TooLong) as error:
        give_up(recording, str(error))
    except (sound.SoundError, DiskFull) as error:
        put_off(recording, str(error))
    except Exception as error:
        log.exception("muting_failed", recording=pk)
        put_off(recording, f"{type(error).__name__}: {error}"[:500])
    return True


def take_a_try(recording: Recording) -> None:
    """Make the copy, unless it was begun so often that it may be what kills the workers."""
    if recording.muting_attempts > MOST_TRIES:
        give_up(
            recording, f"It was begun {MOST_TRIES} times and never came to an end. {recording.muting_detail}".strip()
        )
        return
    if not recording.stored_name or not default_storage.exists(recording.stored_name):
        raise sound.SoundError("The stored file is missing.")
    spans = spans_of(recording.pk)
    path = incoming_folder() / f"{uuid.uuid4()}.part"
    try:
        refuse_if_disk_full(path.parent, room_for(recording))
        made = sound.mute_to(Path(default_storage.path(recording.stored_name)), path, spans)
        sync(path)
        keep(recording.pk, shelving.shelve(path, made.format), hiding.fingerprint(spans))
    finally:
        path.unlink(missing_ok=True)


def room_for(recording: Recording) -> int:
    """Return how many bytes a copy may take: twice the original, or an MP3 of the same length."""
    return max(2 * (recording.size_bytes or 0), int(HIGHEST_BYTES_A_SECOND * (recording.duration_seconds or 0)))


def sync(path: Path) -> None:
    """Put what was written on disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@transaction.atomic
def keep(pk: int, name: str, spans: str) -> None:
    """Give a recording its muted copy in place of an older one; due again if spans were added meanwhile.

    A worker that was taken for dead may still come, and the recording may be gone: its copy is then let go.
    """
    held = Recording.objects.select_for_update().filter(pk=pk, muting=Muting.DUE).first()
    if held is None:
        shelving.discard(name)
        return
    shelving.discard(held.muted_name)
    is_current = hiding.fingerprint(spans_of(pk)) == spans
    Recording.objects.filter(pk=pk).update(
        muted_file=name,
        muted_spans=spans,
        muting=Muting.DONE if is_current else Muting.DUE,
        muting_at=None if is_current else timezone.now(),
        muting_attempts=0,
        muting_detail="",
    )


def put_off(recording: Recording, detail: str) -> None:
    """Try again later, longer each time; give up after `MOST_TRIES`."""
    if recording.muting_attempts >= MOST_TRIES:
        give_up(recording, detail)
        return
    when = timezone.now() + schedule.back_off(recording.muting_attempts)
    Recording.objects.filter(pk=recording.pk, muting=Muting.DUE).update(muting_at=when, muting_detail=detail)


def give_up(recording: Recording, detail: str) -> None:
    """Write down that the copy cannot be made; until a person asks for it again nobody without the right hears the call."""
    log.warning("muting_given_up", recording=recording.pk, detail=detail)
    failed = {"muting": Muting.FAILED, "muting_at": None, "muting_detail": detail}
    Recording.objects.filter(pk=recording.pk, muting=Muting.DUE).update(**failed)


def renew(pk: int) -> bool:
    """Push the lease once; False if the database is away. A row without a lease (due at once, or finished) stays."""
    now = timezone.now()
    rows = Recording.objects.filter(pk=pk, muting=Muting.DUE, muting_at__gt=now)
    return leases.pushed(lambda: rows.update(muting_at=now + schedule.LEASE), f"muting-{pk}")
