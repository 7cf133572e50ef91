"""Errands: what a person asks for many calls at once, done bit by bit; whoever dies on the way, another goes on.

Every call is moved in a transaction of its own that asks whether it is still to be moved. So a kill loses nothing and
doubles nothing, and two workers at one errand are harmless; the lease only keeps them from doing the same for nothing.
"""

import time
from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from callcov_portal.actions import analyses, schedule, tallying
from callcov_portal.models import (
    RETRYABLE,
    Agent,
    Contact,
    Errand,
    ErrandKind,
    Failure,
    LogEntry,
    Recording,
    State,
    User,
)

log = structlog.get_logger(__name__)

AT_ONCE = 50
BUDGET = 10.0  # seconds before the worker's thread is given back; well below the lease
MOST_AT_ONCE = 20


class CannotMerge(Exception):
    """Two are not made one; nothing was changed. Says why in one sentence."""


def retryable_calls(failure: str) -> QuerySet[Recording]:
    """Return the calls that failed for a cause and may be tried again by the rules of `Analysis.may_retry`."""
    allowed = failure if failure in RETRYABLE else "none"
    failed = Recording.objects.filter(state=State.FAILED, failure=allowed)
    return failed.filter(current_analysis__sent_at=None, current_analysis__state=State.FAILED).order_by()


def retry_all(failure: str, user: User) -> Errand | None:
    """Ask that everything be retried that has failed for a cause by now. While that is under way, or if nothing can be: None."""
    if not retryable_calls(failure).exists():
        return None
    try:
        with transaction.atomic():
            errand = start(ErrandKind.RETRY, user, failure=failure)
            note(user, "retried all", f"after: {Failure(failure).label}")
    except IntegrityError:
        return None
    return errand


@transaction.atomic
def merge(source: Agent | Contact, target: Agent | Contact, user: User) -> Errand:
    """Make `source` another identifier of `target`, from now on; its calls follow bit by bit. Logged.

    Raises `CannotMerge` if one of the two is an alias already, or both are the same.
    """
    people = type(source)._default_manager
    locked = {
        person.pk: person for person in people.select_for_update().filter(pk__in=[source.pk, target.pk]).order_by("pk")
    }
    if len(locked) != 2:
        raise CannotMerge("One cannot be merged with itself.")
    if any(person.merged_into_id for person in locked.values()):
        raise CannotMerge("One of the two was merged into another already.")
    people.filter(merged_into=source.pk).update(merged_into=target.pk)
    people.filter(pk=source.pk).update(merged_into=target.pk)
    kind = ErrandKind.MERGE_AGENTS if isinstance(source, Agent) else ErrandKind.MERGE_CONTACTS
    note(user, "merged", f"{source.identifier} into {target.identifier}")
    return start(kind, user, source=source.pk)


def start(kind: ErrandKind, user: User, **fields: object) -> Errand:
    """Write an errand down, due now."""
    now = timezone.now()
    return Errand.objects.create(kind=kind, user=user, created_at=now, next_attempt_at=now, **fields)


def note(user: User, act: str, text: str) -> None:
    """Write one line of the log that is about no single call."""
    LogEntry.objects.create(user=user, act=act, text=text)


def due() -> list[int]:
    """Return the errands that are to be gone on with, the longest due first."""
    return list(Errand.objects.due(timezone.now()).values_list("pk", flat=True)[:MOST_AT_ONCE])


def go_on(pk: int) -> bool:
    """Go on with an errand if it is due, for some seconds; True if there is more to do at once. Never raises."""
    now = timezone.now()
    if not Errand.objects.claim(pk, now, now + schedule.LEASE):
        return False
    errand = Errand.objects.get(pk=pk)
    try:
        is_done = do_some(errand, time.monotonic() + BUDGET)
    except Exception as error:
        log.exception("errand_failed", errand=pk)
        again = timezone.now() + schedule.back_off(errand.attempts)
        detail = f"{type(error).__name__}: {error}"[:500]
        Errand.objects.filter(pk=pk).update(next_attempt_at=again, attempts=errand.attempts + 1, detail=detail)
        return False
    finish = (
        {"next_attempt_at": None, "finished_at": timezone.now()} if is_done else {"next_attempt_at": timezone.now()}
    )
    Errand.objects.filter(pk=pk).update(**finish, attempts=0, detail="")
    return not is_done


def do_some(errand: Errand, until: float) -> bool:
    """Do bits of an errand until nothing is left (True) or it is time to let others work."""
    before: list[int] = []
    while numbers := left(errand):
        if numbers == before:
            raise RuntimeError("Nothing of it could be done.")
        before = numbers
        for number in numbers:
            do_one(errand, number)
            if time.monotonic() > until:
                return False
    return True


def left(errand: Errand) -> list[int]:
    """Return some of the calls that are still to be done."""
    if errand.kind == ErrandKind.RETRY:
        calls = retryable_calls(errand.failure).filter(current_analysis__finished_at__lt=errand.created_at)
    else:
        calls = Recording.objects.filter(**{side_of(errand): errand.source}).order_by()
    return list(calls.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def side_of(errand: Errand) -> str:
    """Return which of a call's two people a merge is about."""
    return "agent" if errand.kind == ErrandKind.MERGE_AGENTS else "contact"


@transaction.atomic
def do_one(errand: Errand, number: int) -> None:
    """Do one call's part, and count it."""
    done = retry_one(errand, number) if errand.kind == ErrandKind.RETRY else move_one(errand, number)
    if done:
        Errand.objects.filter(pk=errand.pk).update(done=F("done") + 1, next_attempt_at=timezone.now() + schedule.LEASE)


def retry_one(errand: Errand, number: int) -> bool:
    """Retry one call's analysis, if that is still possible."""
    recording = Recording.objects.select_related("current_analysis").filter(pk=number).first()
    analysis = recording.current_analysis if recording else None
    if analysis is None or (errand.user is None and errand.user_id is not None):
        return False
    try:
        analyses.retry(analysis, errand.user)
    except analyses.NotPossible:
        return False
    return True


def move_one(errand: Errand, number: int) -> bool:
    """Give one call to the one who is kept; what is counted moves with it. False if somebody changed the call meanwhile."""
    side = side_of(errand)
    people = Agent.objects if side == "agent" else Contact.objects
    source = people.select_for_update(no_key=True).get(pk=errand.source)
    if source.merged_into_id is None:
        return False
    moved = Recording.objects.filter(pk=number, **{side: source.pk}).update(**{f"{side}_id": source.merged_into_id})
    if moved and side == "agent":
        tallying.retally(number)
    return bool(moved)


OLD = timedelta(days=30)


def tidy() -> None:
    """Forget errands that were done long ago; the log keeps who asked for them."""
    Errand.objects.filter(finished_at__lt=timezone.now() - OLD).delete()
