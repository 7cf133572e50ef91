"""Putting it right when agent and contact were taken for each other."""

from dataclasses import replace

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When

from callcov_portal.actions import indexing, rechecking, tallying
from callcov_portal.actions.comparing import words_of
from callcov_portal.actions.judging import LETTERS, found_by
from callcov_portal.actions.recordings import note
from callcov_portal.actions.rules import in_force, kept
from callcov_portal.models import Analysis, Finding, Segment, SensitiveSpan, Speaker, State, User
from callcov_portal.reading.differing import differences

AGENT, CONTACT = LETTERS[Speaker.AGENT.value], LETTERS[Speaker.CONTACT.value]
OTHER_LETTER = {AGENT: CONTACT, CONTACT: AGENT}
OTHER_SPEAKER = Case(
    When(speaker=Speaker.AGENT, then=Value(Speaker.CONTACT.value)),
    When(speaker=Speaker.CONTACT, then=Value(Speaker.AGENT.value)),
    default=F("speaker"),
)


def swap_speakers(analysis: Analysis, user: User, *, swapped: bool) -> bool:
    """Let the agent's words be the contact's and the other way round, or undo that; True if anything changed.

    `swapped` is what shall hold afterwards, so that a second click changes nothing. The findings by rules are read
    again by the rules in force from the words, as `rechecking` does; all else keeps what it says with the other
    speaker. The document as received stays. Logged. Raises `rechecking.NotPossible` for what is not completed.
    """
    if analysis.state != State.COMPLETED:
        raise rechecking.NotPossible("Speakers can be swapped once the analysis is done.")
    if analysis.speakers_swapped == swapped:
        return False
    ruleset = in_force()
    kept(ruleset)
    said = [replace(one, speaker=OTHER_LETTER.get(one.speaker, one.speaker)) for one in words_of(analysis.pk)]
    found = found_by(ruleset, said, analysis.language, analysis.recording.duration_seconds)
    with transaction.atomic():
        # The UPDATE also keeps "check again" out, which would write what it read before the swap.
        as_read = Analysis.objects.filter(pk=analysis.pk, state=State.COMPLETED, speakers_swapped=not swapped)
        if not as_read.update(speakers_swapped=swapped, rules=ruleset.hash):
            return False
        changes = differences(Finding.objects.filter(analysis=analysis).exclude(rule=""), found)
        flip(analysis)
        rechecking.rewrite(analysis, found)
        tallying.retally(analysis.recording_id)
        act = "swapped the speakers" if swapped else "swapped the speakers back"
        note(user, act, analysis.recording, rechecking.told(ruleset, changes))
        indexing.mark(analysis.recording_id)
    analysis.speakers_swapped = swapped
    return True


def flip(analysis: Analysis) -> None:
    """Give all that belongs to one of the two speakers to the other one."""
    rows: tuple[QuerySet[Segment] | QuerySet[SensitiveSpan] | QuerySet[Finding], ...] = (
        Segment.objects.filter(analysis=analysis),
        SensitiveSpan.objects.filter(analysis=analysis),
        Finding.objects.filter(analysis=analysis),
    )
    for of_one_kind in rows:
        of_one_kind.update(speaker=OTHER_SPEAKER)
