"""Making the copy of a recording in which sensitive seconds are silent: a chore."""

import os
import threading
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from callcov_portal import hiding, sound
from callcov_portal.actions import shelving
from callcov_portal.actions.chores import Columns, Kind, Turn
from callcov_portal.models import Muting, Recording, SensitiveSpan
from callcov_portal.models.prepared import Prepared, prepared
from callcov_portal.uploads import DiskFull, incoming_folder, refuse_if_disk_full

MOST_TRIES = 8  # about a quarter of an hour
HIGHEST_BYTES_A_SECOND = 16_000  # of an MP3
# It keeps a processor busy: of a worker's four threads three always stay free for the rest.
SLOT = threading.BoundedSemaphore(1)


def spans_of(pk: int) -> list[tuple[Any, ...]]:
    """Return the seconds of a recording that must not be heard: those that any of its analyses found sensitive."""
    return spans_of_call().rows([pk])


@lru_cache(maxsize=1)
def spans_of_call() -> Prepared:
    """Return the query for the seconds of a recording that must not be heard."""
    rows = SensitiveSpan.objects.filter(analysis__recording=0).order_by("start", "end")
    return prepared(rows.values_list("start", "end"))


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


def mute(turn: Turn[Recording]) -> None:
    """Make the muted copy of one recording."""
    recording = turn.row
    spans = spans_of(recording.pk)
    path = incoming_folder() / f"{uuid.uuid4()}.part"
    try:
        refuse_if_disk_full(path.parent, room_for(recording))
        with shelving.on_disk(recording.stored_name) as original:
            made = sound.mute_to(original, path, spans)
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


# Once it is given up nobody without the right hears the call, until a person asks for it again.
KIND = Kind(
    name="muting", model=Recording, act=mute, most_tries=MOST_TRIES, slot=SLOT,
    columns=Columns("muting_at", "muting_attempts", "muting_detail"), failed=lambda: {"muting": Muting.FAILED},
    hopeless=(sound.NotAudio, sound.TooLong), known=(sound.SoundError, FileNotFoundError, DiskFull),
)  # fmt: skip
