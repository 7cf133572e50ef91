"""Recognising a call that is there already, in another container or bit rate, before anything of it is sent: a chore.

    the file is here ──▶ Fingerprint due, Analysis.needs_comparing ──▶ heard ─┬▶ no other call sounds so: it may be sent, and is
                                                                              │  found by its words from now on
                                                                              ├▶ another does: FAILED `duplicate`, until a
                                                                              │  person keeps both
                                                                              └▶ it cannot be heard: it may be sent

Comparing and what comes of it are one transaction, one at a time over all processes: of two recordings of the same call that
come at once, one finds the other.
"""

import threading
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from callcov_portal import sound
from callcov_portal.actions import drawing, outcomes, shelving
from callcov_portal.actions.chores import Kind, Taken, Turn
from callcov_portal.actions.locks import COMPARING, lock
from callcov_portal.models import Analysis, Failure, Fingerprint, Recording, SoundWord, State
from callcov_portal.models.fingerprint import COUNTS, calls_with, key_of
from callcov_portal.uploads import DiskFull

MOST_TRIES = 5  # half a minute
LONGEST = 600.0  # seconds of hearing, after which a call is sent without being compared
# It keeps a processor busy, but a call waits for it: a place of its own beside muting and drawing.
SLOT = threading.BoundedSemaphore(1)


class Match(NamedTuple):
    """A call that sounds the same, and how much the same."""

    call: Recording
    likeness: sound.Likeness


def note_due(recording: Recording, urgency: int) -> bool:
    """Write down that a recording with its file is to be compared before it is sent; False if that is not to be.

    Belongs into the transaction that queues the analysis. Asked again, it is compared again.
    """
    if not is_to_be_compared(recording):
        return False
    due = {"due_at": timezone.now(), "attempts": 0, "detail": "", "urgency": urgency}
    Fingerprint.objects.update_or_create(recording_id=recording.pk, defaults=due)
    return True


def is_to_be_compared(recording: Recording) -> bool:
    """Say whether there is enough to hear, and nobody said that it is a call of its own."""
    seconds = recording.duration_seconds or 0.0
    if not settings.CALLCOV_COMPARE_SOUND or not recording.file or recording.is_demo or seconds < sound.LEAST_SECONDS:
        return False
    return not Fingerprint.objects.filter(pk=recording.pk, is_kept=True).exists()


def recognise(turn: Turn[Fingerprint]) -> None:
    """Hear one recording, draw it in passing, and let it be sent unless it is a call that is there."""
    recording = turn.row.recording
    with shelving.on_disk(recording.stored_name) as path:
        heard = sound.hear(path, timeout=LONGEST)
    drawing.draw_heard(recording.pk, heard.loudness)
    decide(turn, recording, heard.fingerprint)


@transaction.atomic
def decide(turn: Turn[Fingerprint], recording: Recording, found: sound.Fingerprint | None) -> None:
    """Compare a recording with the calls that are there, and do what follows; all of it or nothing."""
    lock(COMPARING)
    match = same_as(recording, found) if found else None
    hold(recording)
    made = {"places": found.kept, "words": packed(found)} if found else {"places": None, "words": None}
    if not turn.finish(**made):
        raise Taken
    if match is None or not end_as_duplicate(recording, match):
        let_go(turn.row)
        make_findable(recording.pk)


def hold(recording: Recording) -> None:
    """Hold a recording until the end of the transaction, its analyses first as everybody does; raises `Taken` if it is gone."""
    list(Analysis.objects.select_for_update(no_key=True).filter(recording=recording.pk).order_by("pk"))
    if not Recording.objects.select_for_update(no_key=True).filter(pk=recording.pk).exists():
        raise Taken


def same_as(recording: Recording, found: sound.Fingerprint) -> Match | None:
    """Return a call that sounds the same, held until the end of the transaction; None without any.

    Of several it is the one that has the most words in common.
    """
    seconds = recording.duration_seconds or 0.0
    keys = {key_of(seconds, word, beside) for word in found.words(found.asked) for beside in (-1, 0, 1)}
    for number in calls_with(keys, recording.pk):
        known = Recording.objects.select_for_update(no_key=True).filter(COUNTS, pk=number).first()
        places = Fingerprint.objects.filter(pk=number).values_list("places", flat=True).first() if known else None
        if known and places and (likeness := sound.compare(found, bytes(places))):
            return Match(known, likeness)
    return None


def end_as_duplicate(recording: Recording, match: Match) -> bool:
    """End the analysis that waits; False if none does: nothing is to be sent."""
    waiting = Analysis.objects.filter(recording=recording.pk, state=State.QUEUED, needs_comparing=True).first()
    return waiting is not None and outcomes.fail(
        waiting,
        Failure.DUPLICATE,
        why(recording, match),
        duplicate_of=match.call,
        needs_comparing=False,
    )


def why(recording: Recording, match: Match) -> str:
    """Say in words for people why a recording is taken for a call that is there."""
    likeness, known = match.likeness, match.call
    minutes, seconds = divmod(round(likeness.seconds), 60)
    apart = abs((recording.duration_seconds or 0.0) - (known.duration_seconds or 0.0))
    return (
        f"Compared by their sound, {likeness.agreement:.0%} agrees in {minutes} min {seconds} s of speech "
        f"(in two different calls about 50% does), and their lengths differ by {apart:.1f} s. Nothing was sent."
    )


def let_go(row: Fingerprint) -> None:
    """Let the call be sent. One that is looked for at the API first (`restoring`) is compared anew before it is."""
    waiting = Analysis.objects.filter(recording=row.pk, state=State.QUEUED, needs_comparing=True)
    waiting.update(needs_comparing=False)


def keep(number: int, original: int) -> None:
    """Take two calls for two, whatever they sound like; both are found from now on. In a transaction only."""
    lock(COMPARING)
    Fingerprint.objects.filter(pk__in=[number, original]).update(is_kept=True)
    make_findable(number)


def make_findable(number: int) -> None:
    """Let others be recognised by a recording's words, once."""
    made = Fingerprint.objects.filter(pk=number).values_list("words", "recording__duration_seconds").first()
    SoundWord.objects.filter(recording=number).delete()
    if made and made[0]:
        words = bytes(made[0])
        SoundWord.objects.bulk_create(
            SoundWord(key=key_of(made[1] or 0.0, int.from_bytes(words[at : at + 4], "little")), recording_id=number)
            for at in range(0, len(words), 4)
        )


def packed(found: sound.Fingerprint) -> bytes:
    """Return the words by which a recording is found, 4 bytes each."""
    return b"".join(word.to_bytes(4, "little") for word in found.words(found.sure))


KIND = Kind(
    name="recognising", model=Fingerprint, act=recognise, most_tries=MOST_TRIES, slot=SLOT, order="urgency", at_once=1,
    hopeless=(sound.NotAudio, sound.TooLong), known=(sound.SoundError, FileNotFoundError, DiskFull), given_up=let_go,
)  # fmt: skip
