"""Asking for news: one analysis at a time, or all that are being worked on with one request."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from callcov_portal.actions import deliveries, gateway, outcomes, pace, schedule
from callcov_portal.actions.applying import Applied, apply_snapshot, progress_fields
from callcov_portal.client.errors import NotFound
from callcov_portal.client.types import AnalysisSnapshot
from callcov_portal.models import Analysis, Failure, Signal, State

LIVE_LOOK = "live_look"
LOOK_IN_TROUBLE = timedelta(minutes=1)
PAGE = 1000
MANY_WATCHED = 30


def refresh(analysis: Analysis) -> Applied:
    """Get the analysis from the API and apply what it says.

    An API that does not know it any more makes it *lost*; one that is still working after
    `CALLCOV_ANALYSIS_TIMEOUT` makes it *expired*. Both are left again if news comes after all.
    """
    try:
        with gateway.speaking(pace.REQUEST) as api:
            snapshot = api.get(str(analysis.external_id))
    except NotFound:
        outcomes.fail(analysis, Failure.LOST, "The API answered 404 for it.")
        return Applied.APPLIED
    applied = apply_snapshot(analysis, snapshot)
    if applied is Applied.UNCHANGED:
        expire_if_old(analysis)
    return applied


def expire_if_old(analysis: Analysis) -> bool:
    """End an analysis that the API never finishes, or never says of whether it arrived; True if it was ended."""
    since = analysis.accepted_at or analysis.sent_at or analysis.created_at
    if analysis.state not in {State.SENDING, State.PROCESSING} or timezone.now() - since < schedule.give_up_after():
        return False
    hours = settings.CALLCOV_ANALYSIS_TIMEOUT
    if analysis.state == State.SENDING:
        return outcomes.fail(analysis, Failure.UNSURE, f"The API could not tell in {hours} hours whether it arrived.")
    return outcomes.fail(analysis, Failure.EXPIRED, f"The API has not finished it in {hours} hours.")


def look_at_all() -> int:
    """Refresh the progress of everything the API is working on, with one list request; return how many ended.

    What is no longer in the list has ended: those rows are made due now, so that their results are fetched.
    While many are being worked on, what is in the list is not asked about one by one.
    Does nothing when the last look is recent (see `look_every`) or when nothing is being worked on.
    """
    working = Analysis.objects.filter(state=State.PROCESSING, api_url=settings.CALLCOV_API_IDENTITY)
    if not working.exists() or not is_time_to_look():
        return 0
    asked_at = timezone.now()
    with gateway.speaking(pace.REQUEST) as api:
        page = api.list(status_filter="processing", limit=PAGE)
    # An API that does not know the filter lists what is finished as well.
    listed = [snapshot for snapshot in page.snapshots if snapshot.status == "processing"]
    with transaction.atomic():
        note_progress(working, listed)
    if page.more:
        return 0
    return make_ended_due(working.filter(accepted_at__lt=asked_at), {snapshot.id for snapshot in listed})


def look_every() -> timedelta:
    """Return how often the list is asked for: seldom while webhooks come anyway, and where many are being worked on.

    The embedded engine is asked oftener, because it tells how far it is.
    """
    if settings.CALLCOV_EMBEDDED:
        working = Analysis.objects.filter(state=State.PROCESSING)[: MANY_WATCHED + 1]
        return timedelta(seconds=5 if len(working.values_list("pk")) <= MANY_WATCHED else 15)
    return timedelta(seconds=120 if deliveries.come() else 20)


def is_time_to_look() -> bool:
    """Take the turn to look, unless somebody did so a moment ago. One caller wins.

    An API in trouble may take minutes not to answer: looks every few seconds would hold every thread.
    """
    in_trouble = Signal.objects.filter(name=gateway.TROUBLE).exists()
    return pace.take_turn(LIVE_LOOK, LOOK_IN_TROUBLE if in_trouble else look_every() * 0.9)


def note_progress(working: QuerySet[Analysis], listed: Sequence[AnalysisSnapshot]) -> None:
    """Write down how far each listed analysis is; where there are many, that stands for asking about each."""
    now = timezone.now()
    for snapshot in listed:
        working.filter(external_id=snapshot.id).update(news_at=now, **progress_fields(snapshot))
    if working.count() > schedule.MOST_SINGLE_LOOKS:
        put_off(working.filter(external_id__in=[snapshot.id for snapshot in listed]), now)


def put_off(rows: QuerySet[Analysis], now: datetime) -> None:
    """Put off the single looks that would come soon, but for what a webhook called for or what may have expired."""
    young = rows.filter(accepted_at__gt=now - schedule.give_up_after(), deliveries=None)
    webhooks_come = deliveries.come()
    soon = young.filter(next_attempt_at__lt=now + 2 * look_every())
    for pk, accepted_at in list(soon.values_list("pk", "accepted_at")):
        row = Analysis.objects.filter(pk=pk, state=State.PROCESSING)
        row.update(next_attempt_at=schedule.next_look(accepted_at, now, webhooks_come=webhooks_come))


def make_ended_due(working: QuerySet[Analysis], listed: set[str]) -> int:
    """Make due what was being worked on and is not in the list of those any more."""
    ended = [pk for pk, external_id in working.values_list("pk", "external_id") if external_id not in listed]
    rows = Analysis.objects.filter(pk__in=ended, state=State.PROCESSING, next_attempt_at__gt=timezone.now())
    return rows.update(next_attempt_at=timezone.now())
