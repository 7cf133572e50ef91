"""One act on many calls: asked for, confirmed, then done bit by bit.

The calls are written down when the act is asked for, so what is confirmed is exactly what is done: calls that come later
are not touched, and none is done twice. Each call is marked in the transaction that changes it; a process that dies
loses nothing and another goes on.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import BooleanField, F, QuerySet, UUIDField, Value
from django.utils import timezone

from callcov_portal.actions import analyses, recordings
from callcov_portal.actions.chores import Kind, Turn, bit_by_bit
from callcov_portal.models import (
    RETRYABLE,
    Analysis,
    Batch,
    BulkAct,
    BulkItem,
    BulkJob,
    BulkState,
    Failure,
    LogEntry,
    Recording,
    State,
    Urgency,
    User,
)
from callcov_portal.models.selection import Selection

log = structlog.get_logger(__name__)

NOTHING_CHOSEN = "No call is chosen: select some, or all that match."
AT_ONCE = 50
KEPT = timedelta(days=30)
KEPT_UNCONFIRMED = timedelta(days=1)


class Refused(Exception):
    """An act is not allowed, or not possible with one call; says why in one sentence."""


@transaction.atomic
def ask(user: User, act: BulkAct, selection: Selection, query: str = "") -> BulkJob:
    """Write down an act on all calls that are meant at this moment; nothing is done before it is confirmed.

    Raises `Refused` for who may not delete, and if no call is meant.
    """
    if act == BulkAct.DELETE and not user.is_lead:
        raise Refused("Only a lead can delete calls.")
    job = BulkJob.objects.create(user=user, act=act, query=query)
    write_down(job, selection.queryset(Recording.objects.all()))
    return job


def write_down(job: BulkJob, meant: QuerySet[Recording]) -> None:
    """Write down which calls are meant, in one statement; raises `Refused` if there are none."""
    rows = meant.order_by().annotate(
        of_job=Value(job.pk, UUIDField()), yet=Value(False, BooleanField()), reason=Value("")
    )
    try:
        sql, parameters = rows.values_list("of_job", "pk", "yet", "reason").query.sql_with_params()
    except EmptyResultSet as error:
        raise Refused(NOTHING_CHOSEN) from error
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {BulkItem._meta.db_table} (job_id, number, is_done, why) {sql}",
            parameters,
        )
    job.total = job.items.count()
    if not job.total:
        raise Refused(NOTHING_CHOSEN)
    job.save(update_fields=["total"])


@transaction.atomic
def confirm(job: BulkJob, user: User, values: Mapping[str, Any] | None = None) -> bool:
    """Let the act begin with these values, logged; False if it was confirmed already: it runs once."""
    asked = BulkJob.objects.filter(pk=job.pk, state=BulkState.ASKED)
    running = {"state": BulkState.RUNNING, "due_at": timezone.now(), "values": dict(values or {})}
    if not asked.update(**running):
        return False
    text = f"{BulkAct(job.act).label}: {job.total} calls ({job.query or 'all'})"
    LogEntry.objects.create(user=user, act="confirmed for many calls", text=text)
    return True


def retry_all(failure: str, user: User) -> BulkJob | None:
    """Begin to retry everything that has failed for a cause by now. While that is under way, or if nothing can be: None."""
    query = f"state=failed&failure={failure}"
    said = ("retried all", f"after: {Failure(failure).label}")
    return begin(user, BulkAct.RETRY, retryable_calls(failure), query, said, failure=failure)


def retry_in(batch: Batch, failure: str, user: User) -> BulkJob | None:
    """Do the same with the calls of one batch."""
    said = ("retried a batch", f"{batch}, after: {Failure(failure).label}")
    meant = retryable_calls(failure).filter(batch=batch)
    return begin(user, BulkAct.RETRY, meant, query_of(batch, State.FAILED, failure), said)


def cancel_in(batch: Batch, user: User) -> BulkJob | None:
    """Begin to cancel the analyses of a batch that wait to be sent. While that is under way, or if none waits: None."""
    meant = Recording.objects.filter(batch=batch, state=State.QUEUED)
    return begin(user, BulkAct.CANCEL, meant, query_of(batch, State.QUEUED), ("cancelled a batch", str(batch)))


def query_of(batch: Batch, state: State, failure: str = "") -> str:
    """Return how the list of calls is asked for those of a batch in a state."""
    return f"batch={batch.pk}&state={state}" + (f"&failure={failure}" if failure else "")


def begin(
    user: User, act: BulkAct, meant: QuerySet[Recording], query: str, said: tuple[str, str], failure: str = ""
) -> BulkJob | None:
    """Begin an act on some calls, without a question, and log it. While the same is under way, or for no call: None."""
    running = {"state": BulkState.RUNNING, "act": act, "query": query}
    if BulkJob.objects.filter(**running, due_at__isnull=False).exists():
        return None
    try:
        with transaction.atomic():
            job = BulkJob.objects.create(user=user, failure=failure, due_at=timezone.now(), **running)
            write_down(job, meant)
            LogEntry.objects.create(user=user, act=said[0], text=said[1])
    except (IntegrityError, Refused):
        return None
    return job


def retryable_calls(failure: str) -> QuerySet[Recording]:
    """Return the calls that failed for a cause and may be tried again by the rules of `Analysis.may_retry`."""
    failed = Recording.objects.filter(state=State.FAILED, failure__in={*RETRYABLE} & {failure})
    return failed.filter(current_analysis__sent_at=None, current_analysis__state=State.FAILED)


def work(turn: Turn[BulkJob]) -> None:
    """Do a bit of a job."""
    job = turn.row
    if bit_by_bit(lambda: list(job.items.filter(is_done=False).order_by("pk")[:AT_ONCE]), lambda item: do(job, item)):
        turn.finish(state=BulkState.FINISHED, finished_at=timezone.now())
    else:
        turn.go_on()


# It goes on until each call was done or refused: half of what was confirmed is what nobody asked for.
KIND = Kind(name="bulk", model=BulkJob, act=work, at_once=5)


def do(job: BulkJob, item: BulkItem) -> None:
    """Do the act with one call, unless that was done; what is not possible is written down, and the line goes on."""
    try:
        with transaction.atomic():
            if mark(job, item):
                act_on(job, item.number)
    except OperationalError:  # the database is busy or away: this call's turn comes again
        raise
    except (Refused, analyses.NotPossible) as refusal:
        mark(job, item, str(refusal))
    except Exception as error:
        log.exception("bulk_act_failed", job=str(job.pk), recording=item.number)
        mark(job, item, f"{type(error).__name__}: {error}")


@transaction.atomic
def mark(job: BulkJob, item: BulkItem, why: str = "") -> bool:
    """Mark one call as done, or as refused; False if it was marked already."""
    if not BulkItem.objects.filter(pk=item.pk, is_done=False).update(is_done=True, why=why.replace("\0", "")[:300]):
        return False
    BulkJob.objects.filter(pk=job.pk).update(done=F("done") + 1, refused=F("refused") + int(bool(why)))
    return True


def act_on(job: BulkJob, number: int) -> None:
    """Do the act with one call; raises `Refused` or `NotPossible` where that cannot be."""
    recording = Recording.objects.with_people().filter(pk=number).first()
    if recording is None:
        raise Refused("The call is gone.")
    if job.user is None or not job.user.is_active:
        raise Refused("Who asked for it has no account any more.")
    match job.act:
        case BulkAct.CORRECT:
            correct(recording, job.values, job.user)
        case BulkAct.RETRY:
            analyses.retry(analysis_of(recording), job.user)
        case BulkAct.KEEP:
            analyses.keep_both(analysis_of(recording), job.user)
        case BulkAct.CANCEL:
            analyses.cancel(analysis_of(recording), job.user)
        case BulkAct.AGAIN:
            analyses.analyse_again(recording, job.user, Urgency.BATCH)
        case BulkAct.DELETE:
            if not job.user.is_lead:
                raise Refused("Only a lead can delete calls.")
            recordings.delete(recording, job.user)


def analysis_of(recording: Recording) -> Analysis:
    """Return a call's current analysis; raises `Refused` if it has none."""
    if recording.current_analysis is None:
        raise Refused("It was never analysed.")
    return recording.current_analysis


def correct(recording: Recording, values: Mapping[str, Any], user: User) -> None:
    """Correct those details of one call that are given; what is not given stays."""
    if not (user.is_lead or recording.uploaded_by_id == user.pk):
        raise Refused("Only a lead, or who added the call, can correct it.")
    details = recordings.CallDetails(
        agent=values.get("agent") or recording.agent.identifier,
        contact=values.get("contact") or recording.contact_identifier,
        called_at=moved(recording.called_at, values),
        direction=values.get("direction") or recording.direction,
    )
    recordings.edit_details(recording, details, user)


def moved(moment: datetime, values: Mapping[str, Any]) -> datetime | None:
    """Return the time of a call on another day, or so many hours later (or earlier); None if it stays.

    On another day it keeps its time of day in the portal's zone. Raises `Refused` beyond what a calendar holds, and for
    what would lie in the future.
    """
    try:
        if day := values.get("day"):
            local = timezone.localtime(moment).replace(tzinfo=None)
            there = datetime.combine(date.fromisoformat(day), local.time())
            new = timezone.make_aware(there)
        elif hours := values.get("hours"):
            new = moment + timedelta(hours=hours)
        else:
            return None
    except OverflowError as error:
        raise Refused("No calendar reaches that far.") from error
    if new > timezone.now() + timedelta(days=1):
        raise Refused("The call would lie in the future.")
    return new


def forget_old(now: datetime) -> None:
    """Remove jobs that were never confirmed, and what is left of old ones."""
    BulkJob.objects.filter(state=BulkState.ASKED, created_at__lt=now - KEPT_UNCONFIRMED).delete()
    BulkJob.objects.filter(state=BulkState.FINISHED, finished_at__lt=now - KEPT).delete()
