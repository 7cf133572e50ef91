"""Making waveforms: a chore. A call without one is played and read all the same."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from callcov_portal import sound
from callcov_portal.actions import muting, shelving
from callcov_portal.actions.chores import Kind, Turn
from callcov_portal.models import Fingerprint, Waveform
from callcov_portal.uploads import DiskFull

MOST_TRIES = 5
AFTER_HEARING = timedelta(minutes=3)


def note_due(pk: int, *, is_heard_first: bool = False) -> None:
    """Write down that a recording, which has its file now, is to be drawn; nothing the second time.

    One that is heard for something else before is drawn with that; it is due by itself later, in case that fails.
    """
    due_at = timezone.now() + (AFTER_HEARING if is_heard_first else timedelta())
    Waveform.objects.get_or_create(recording_id=pk, defaults={"due_at": due_at})


def draw(turn: Turn[Waveform]) -> None:
    """Make the waveform of one recording."""
    with shelving.on_disk(turn.row.recording.stored_name) as path:
        found = sound.loudness(path)
    turn.finish(**fields_of(found))


def fields_of(loudness: sound.Loudness) -> dict[str, Any]:
    """Return what a waveform keeps of the loudness of its recording."""
    return {"channels": loudness.channels, "step_seconds": loudness.step_seconds, "values": loudness.values}


def draw_heard(pk: int, loudness: sound.Loudness) -> None:
    """Make the waveform of a recording that was heard for something else, unless it is made."""
    made = fields_of(loudness)
    Waveform.objects.filter(pk=pk, values=None).update(due_at=None, attempts=0, detail="", **made)


def nothing_comes_first() -> bool:
    """Say whether nothing is more urgent: a call is not played before it is muted, and not sent before it is compared.

    What is compared is drawn with that.
    """
    now = timezone.now()
    return not muting.KIND.next(now) and not Fingerprint.objects.filter(due_at__isnull=False, due_at__lte=now).exists()


# One slot with muting, so that a worker's other threads stay free. One at a time is enough, as each rings for the next.
KIND = Kind(
    name="drawing", model=Waveform, act=draw, most_tries=MOST_TRIES, slot=muting.SLOT, may_begin=nothing_comes_first,
    order="-recording_id", at_once=1, hopeless=(sound.NotAudio, sound.TooLong),
    known=(sound.SoundError, FileNotFoundError, DiskFull),
)  # fmt: skip
