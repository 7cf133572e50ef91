"""Asking for news: one analysis at a time, or all that are being worked on with one request."""

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from callcov_portal.actions import gateway, outcomes, pace, schedule
from callcov_portal.actions.applying import Applied, apply_snapshot, progress_fields
from callcov_portal.client.errors import NotFound
from callcov_portal.client.types import ListPage
from callcov_portal.models import Analysis, Failure, Signal, State

LIVE_LOOK = "live_look"
PAGE = 1000


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
    """End an analysis that the API never finishes; True if it was."""
    since = analysis.accepted_at or analysis.created_at
    if timezone.now() - since < schedule.give_up_after():
        return False
    hours = settings.CALLCOV_ANALYSIS_TIMEOUT
    return outcomes.fail(analysis, Failure.EXPIRED, f"The API has not finished it in {hours} hours.")


def look_at_all() -> int:
    """Refresh the progress of everything the API is working on, with one list request; return how many ended.

    What is no longer in the list has ended: those rows are made due now, so that their results are fetched.
    Does nothing when the last look is recent (5 s ago with the embedded engine, 20 s with a hosted API) or when
    nothing is being worked on.
    """
    working = Analysis.objects.filter(state=State.PROCESSING, api_url=settings.CALLCOV_API_URL)
    if not working.exists() or not is_time_to_look():
        return 0
    asked_at = timezone.now()
    with gateway.speaking(pace.REQUEST) as api:
        page = api.list(status_filter="processing", limit=PAGE)
    note_progress(page)
    if page.more:
        return 0
    return make_ended_due(working.filter(accepted_at__lt=asked_at), page)


def is_time_to_look() -> bool:
    """Take the turn to look, unless somebody did so a moment ago. One caller wins."""
    now = timezone.now()
    every = timedelta(seconds=5 if settings.CALLCOV_EMBEDDED else 20)
    _signal, created = Signal.objects.get_or_create(name=LIVE_LOOK, defaults={"at": now})
    return created or Signal.objects.filter(name=LIVE_LOOK, at__lte=now - every * 0.9).update(at=now) == 1


def note_progress(page: ListPage) -> None:
    """Write down how far each listed analysis is."""
    now = timezone.now()
    for snapshot in page.snapshots:
        row = Analysis.objects.filter(api_url=settings.CALLCOV_API_URL, external_id=snapshot.id, state=State.PROCESSING)
        row.update(news_at=now, **progress_fields(snapshot))


def make_ended_due(working: QuerySet[Analysis], page: ListPage) -> int:
    """Make due what was being worked on and is not in the list of those any more."""
    listed = {snapshot.id for snapshot in page.snapshots}
    ended = [pk for pk, external_id in working.values_list("pk", "external_id") if external_id not in listed]
    rows = Analysis.objects.filter(pk__in=ended, state=State.PROCESSING, next_attempt_at__gt=timezone.now())
    return rows.update(next_attempt_at=timezone.now())
