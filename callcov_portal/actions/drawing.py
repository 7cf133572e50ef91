"""Making waveforms: a chore. A call without one is played and read all the same."""

from pathlib import Path

from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal import sound
from callcov_portal.actions import muting
from callcov_portal.actions.chores import Kind, Turn
from callcov_portal.models import Recording, Waveform

MOST_TRIES = 5


def note_due(pk: int) -> None:
    """Write down that a recording, which has its file now, is to be drawn; nothing the second time."""
    Waveform.objects.get_or_create(recording_id=pk, defaults={"due_at": timezone.now()})


def draw(turn: Turn[Waveform]) -> None:
    """Make the waveform of one recording."""
    found = sound.loudness(path_of(turn.row.recording))
    turn.finish(channels=found.channels, step_seconds=found.step_seconds, values=found.values)


def path_of(recording: Recording) -> Path:
    """Return where the recording's file is; raises `SoundError` if it is gone."""
    if not recording.stored_name or not default_storage.exists(recording.stored_name):
        raise sound.SoundError("The stored file is missing.")
    return Path(default_storage.path(recording.stored_name))


def nothing_is_to_be_muted() -> bool:
    """Say whether no muted copy is due: a call cannot be heard before it is muted, so drawing gives way to that."""
    return not muting.KIND.next(timezone.now())


# One slot with muting, so that a worker's other threads stay free. One at a time is enough, as each rings for the next.
KIND = Kind(
    name="drawing", model=Waveform, act=draw, most_tries=MOST_TRIES, slot=muting.SLOT, may_begin=nothing_is_to_be_muted,
    order="-recording_id", at_once=1, hopeless=(sound.NotAudio, sound.TooLong), known=(sound.SoundError,),
)  # fmt: skip
