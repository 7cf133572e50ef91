"""What a person may do with an analysis."""

from django.db import transaction
from django.utils import timezone

from callcov_portal.actions import recognising, tallying
from callcov_portal.actions.locks import COMPARING, lock
from callcov_portal.actions.recordings import note
from callcov_portal.models import REVIVABLE, Analysis, Failure, Recording, State, Urgency, User


class NotPossible(Exception):
    """The analysis has moved on, or never allowed it; says so in one sentence."""


def analyse_again(recording: Recording, user: User, urgency: Urgency = Urgency.PERSON) -> Analysis:
    """Queue a new analysis of a recording in place of its finished one, which is kept in the history."""
    current = recording.current_analysis
    if current and not current.may_analyse_again:
        raise NotPossible("The current analysis is not finished, or can be retried.")
    return replace(recording, current, user, "analysed again", urgency)


def send_anyway(analysis: Analysis, user: User) -> Analysis:
    """Queue a new analysis although the old one may have arrived. The old one stays open to late news."""
    if not analysis.may_send_anyway:
        raise NotPossible("Only an analysis of which we cannot tell whether it arrived is sent anyway.")
    return replace(analysis.recording, analysis, user, "sent anyway")


@transaction.atomic
def replace(
    recording: Recording, old: Analysis | None, user: User, act: str, urgency: Urgency = Urgency.PERSON
) -> Analysis:
    """Write the new analysis and make it the current one; of two people pressing at once one succeeds."""
    # Held before what belongs to it, as whoever compares does.
    if not Recording.objects.select_for_update(no_key=True).filter(pk=recording.pk).exists():
        raise NotPossible("Somebody has deleted the call.")
    new = Analysis.objects.create(
        recording=recording,
        replaces=old,
        requested_by=user,
        next_attempt_at=timezone.now(),
        needs_copy=not recording.file,
        needs_comparing=old is not None and not counted(old) and recognising.note_due(recording, urgency),
        urgency=urgency,
    )
    if not Recording.objects.filter(pk=recording.pk, current_analysis=old).update(**current(new)):
        transaction.set_rollback(True)
        raise NotPossible("Somebody has done that already.")
    tallying.retally(recording.pk)
    note(user, act, recording)
    return new


def counted(analysis: Analysis) -> bool:
    """Say whether a call with this analysis keeps others of its sound from being sent. If not, one may have been since."""
    return analysis.state == State.COMPLETED or analysis.failure in REVIVABLE


def current(analysis: Analysis) -> dict[str, object]:
    """Return what a recording says of its current analysis."""
    return {"current_analysis": analysis, "state": analysis.state, "failure": analysis.failure}


@transaction.atomic
def retry(analysis: Analysis, user: User | None) -> None:
    """Put a failed analysis of which nothing was ever sent back into the queue: the same row, due now."""
    again: dict[str, object] = {"next_attempt_at": timezone.now(), "attempts": 0, "detail": "", "finished_at": None}
    may = analysis.may_retry and is_unsent(analysis, state=State.FAILED, failure=analysis.failure)
    again["needs_comparing"] = may and recognising.note_due(analysis.recording, analysis.urgency)
    if not (may and Analysis.objects.move(analysis.pk, State.QUEUED, **again)):
        raise NotPossible("Only what failed before anything was sent can be retried.")
    note(user, "retried", analysis.recording, f"after: {Failure(analysis.failure).label}")


@transaction.atomic
def keep_both(analysis: Analysis, user: User) -> None:
    """Send a call although another sounds the same: both are calls of their own from now on, whatever is analysed again.

    The second time nothing happens; raises `NotPossible`.
    """
    original = analysis.duplicate_of
    lock(COMPARING)  # first, as whoever compares does
    again = {"next_attempt_at": timezone.now(), "attempts": 0, "detail": "", "finished_at": None, "duplicate_of": None}
    may = analysis.may_keep and stays(analysis, state=State.FAILED, failure=analysis.failure)
    if original is None or not (may and Analysis.objects.move(analysis.pk, State.QUEUED, **again)):
        raise NotPossible("Only what was taken for another call, and is not sent yet, can be kept beside it.")
    recognising.keep(analysis.recording_id, original.pk)
    note(user, "kept both", analysis.recording, f"beside {original}, which sounds the same")


@transaction.atomic
def cancel(analysis: Analysis, user: User) -> None:
    """Take back an analysis before anything of it is sent."""
    ended = {"next_attempt_at": None, "finished_at": timezone.now()}
    if not (is_unsent(analysis) and Analysis.objects.move(analysis.pk, State.CANCELLED, **ended)):
        raise NotPossible("It is being sent, or was sent already.")
    note(user, "cancelled", analysis.recording)


def is_unsent(analysis: Analysis, **fields: object) -> bool:
    """Say whether nothing of an analysis was ever sent and these fields hold, which stays so until the transaction ends."""
    return stays(analysis, sent_at=None, **fields)


def stays(analysis: Analysis, **fields: object) -> bool:
    """Say whether these fields of an analysis hold, which stays so until the transaction ends."""
    return Analysis.objects.select_for_update(no_key=True).filter(pk=analysis.pk, **fields).exists()
