"""Looking at where an analysis stands and doing the next thing."""

from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from callcov_portal.actions import (
    chores,
    fetching,
    outcomes,
    pace,
    recognising,
    reconciling,
    refreshing,
    schedule,
    submitting,
)
from callcov_portal.actions.leases import held
from callcov_portal.client.errors import ApiError
from callcov_portal.models import Analysis, Failure, State
from callcov_portal.storage import AWAY, StorageAway
from callcov_portal.uploads import DiskFull

log = structlog.get_logger(__name__)


def advance(pk: UUID) -> bool:
    """Do the next thing for one analysis if it is due; False if it is not, or somebody else has it.

    What is to be compared with other calls first is compared, if this process can do that now. What waits to be sent is left
    untouched while there is no room for it, or while something more urgent waits.
    Never raises: whatever goes wrong is written on the row, which is pushed away so that the line goes on.
    """
    analysis = Analysis.objects.due_one(pk, timezone.now())
    if analysis and analysis.needs_comparing and chores.work(recognising.KIND, analysis.recording_id):
        analysis = Analysis.objects.due_one(pk, timezone.now())
    if analysis is None or not may_go(analysis) or not claimed(analysis):
        return False
    work_on(analysis)
    return True


def may_go(analysis: Analysis) -> bool:
    """Say whether there is anything to be done now: where not, nothing is written."""
    if analysis.state != State.QUEUED:
        return True
    if analysis.needs_copy:
        return not fetching.is_busy()
    if analysis.needs_comparing:
        return False
    now = timezone.now()
    before = Analysis.objects.waiting(now, for_a_copy=False).filter(urgency__lt=analysis.urgency)
    return pace.first_room([pace.SUBMISSION, pace.REQUEST], now) <= now and not before.exists()


def claimed(analysis: Analysis) -> bool:
    """Take an analysis for ourselves; False if somebody else has it."""
    if not Analysis.objects.claim(analysis.pk, analysis.next_attempt_at, timezone.now() + schedule.LEASE):
        return False
    analysis.attempts += 1
    return True


def work_on(analysis: Analysis, place: pace.Place | None = None) -> None:
    """Do the next thing for an analysis that was claimed, as `advance` promises; a place is used or given back."""
    try:
        if not is_given_up(analysis):
            with held(analysis):
                take_next_step(analysis, place)
    except pace.TooSoon as wait:
        no_room(analysis, wait)
    except ApiError as error:
        away(analysis, str(error))
    except StorageAway as error:
        log.warning("advance_waits_for_storage", analysis=str(analysis.pk), error=str(error))
        without_file(analysis, AWAY)
    except DiskFull:
        without_file(analysis, "The disk has no room for a copy of the recording: make room.")
    except Exception as error:
        log.exception("advance_failed", analysis=str(analysis.pk), state=analysis.state)
        poisoned(analysis, error)
    finally:
        if place:
            pace.give_back(place)


def no_room(analysis: Analysis, wait: pace.TooSoon) -> None:
    """Put back what found no room: at its place in the line if it waits to be sent, else until there is."""
    when = analysis.next_attempt_at if analysis.state == State.QUEUED else wait.until
    outcomes.wait_until(analysis, when, attempts=analysis.attempts - 1)


def is_given_up(analysis: Analysis) -> bool:
    """End what was begun too many times without coming to an end: it may be what kills the workers."""
    if analysis.attempts <= schedule.MOST_TRIES:
        return False
    if analysis.state == State.FAILED:
        outcomes.wait_until(analysis, None, attempts=0)
        return True
    if analysis.state != State.QUEUED:
        return refreshing.expire_if_old(analysis)
    why = f"It was begun {analysis.attempts - 1} times and never came to an end. {analysis.detail}"
    return outcomes.fail(analysis, Failure.GAVE_UP, why.strip())


def take_next_step(analysis: Analysis, place: pace.Place | None) -> None:
    """Choose by state. Anything that was sent to another API than today's waits, or expires."""
    if analysis.state != State.QUEUED and analysis.api_url != settings.CALLCOV_API_IDENTITY:
        wait_for_its_api(analysis)
    elif analysis.state == State.QUEUED:
        send(analysis, place)
    elif analysis.state == State.SENDING:
        reconciling.find(analysis)
    elif analysis.state == State.FAILED:
        reconciling.look_again(analysis)
    else:
        refreshing.refresh(analysis)


def send(analysis: Analysis, place: pace.Place | None) -> None:
    """Send a queued analysis, fetching the recording's copy first where there is only a link."""
    if reconciling.arrived_after_all(analysis):
        return
    recording = analysis.recording
    if not recording.file:
        if not fetching.fetch_copy(analysis):
            return
        analysis.refresh_from_db(fields=["needs_copy", "needs_comparing"])
        if not may_go(analysis):  # it is its turn to be sent later
            outcomes.wait_until(analysis, analysis.next_attempt_at, attempts=0)
            return
    try:
        submitting.submit(analysis, place)
    except FileNotFoundError:
        outcomes.fail(analysis, Failure.GAVE_UP, "The stored file is missing. Delete the call, then add it again.")


def wait_for_its_api(analysis: Analysis) -> None:
    """Leave alone what only another API can tell us about, until that is set again or the time is over."""
    detail = f"It was sent to {analysis.api_url}; the portal talks to another API now."
    if not refreshing.expire_if_old(analysis):
        outcomes.wait_until(analysis, timezone.now() + schedule.LONGEST_LOOK, detail)


def away(analysis: Analysis, why: str) -> None:
    """Wait longer while the API is away; that is not the analysis's fault, but it does not wait for ever.

    After days in which the portal itself was off, one question in vain ends nothing: it is asked a few times more.
    """
    analysis.attempts = min(analysis.attempts, schedule.MOST_WAITS)
    if analysis.attempts == schedule.MOST_WAITS and refreshing.expire_if_old(analysis):
        return
    when = timezone.now() + schedule.back_off(analysis.attempts)
    outcomes.wait_until(analysis, when, why, attempts=analysis.attempts)


def without_file(analysis: Analysis, why: str) -> None:
    """Wait half a minute or so while the file of what is to be sent cannot be had; that uses up no try."""
    outcomes.wait_until(analysis, timezone.now() + schedule.back_off(4), why, attempts=analysis.attempts - 1)


def poisoned(analysis: Analysis, error: Exception) -> None:
    """Push away an analysis that breaks the worker's code; one that was sent expires, others are given up."""
    detail = f"{type(error).__name__}: {error}"[:500]
    if analysis.state == State.QUEUED and analysis.attempts >= schedule.MOST_TRIES:
        ended = outcomes.fail(analysis, Failure.GAVE_UP, detail)
    else:
        ended = refreshing.expire_if_old(analysis)
    if not ended:
        outcomes.wait_longer(analysis, detail)
