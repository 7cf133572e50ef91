"""Fetching the results of many finished analyses by few requests: the API's list brings them whole."""

from datetime import timedelta

import structlog
from django.utils import timezone

from callcov_portal.actions import advancing, gateway, pace
from callcov_portal.actions.applying import apply_snapshot
from callcov_portal.actions.pace import TooSoon
from callcov_portal.client.errors import ApiError
from callcov_portal.client.types import AnalysisSnapshot
from callcov_portal.models import Analysis, Signal, State
from callcov_portal.models.analysis import AnalysisQuerySet

log = structlog.get_logger(__name__)

COLLECT = "collect"
IN_VAIN = "collect_in_vain"
EVERY = timedelta(seconds=10)
AFTER_IN_VAIN = timedelta(minutes=1)
MANY = 5  # fewer are asked about one by one
PAGE = 20  # with transcripts, some megabytes
MOST = 1000


def take_turn() -> bool:
    """Say whether to begin now; of all workers one does."""
    return is_worth_it() and pace.take_turn(COLLECT, EVERY)


def is_worth_it() -> bool:
    """Say whether so much news is due that the list is asked for it, unless that was in vain a moment ago."""
    if len(wanted()[:MANY]) < MANY:
        return False
    return not Signal.objects.filter(name=IN_VAIN, at__gt=timezone.now() - AFTER_IN_VAIN).exists()


def wanted() -> AnalysisQuerySet:
    """Return what may have ended."""
    return Analysis.objects.in_work(timezone.now()).filter(state=State.PROCESSING)


def collect(offset: int) -> int | None:
    """Take the results out of one page of the list of finished analyses; return where the next page begins, or None.

    The list is taken to begin with the newest. A page with nothing that we wait for ends it: what is left is asked about
    one by one, for a minute. Never raises.
    """
    due = {str(row.external_id): row for row in wanted().select_related("recording__agent")[:MOST]}
    try:
        with gateway.speaking(pace.REQUEST) as api:
            page = api.list(status_filter="completed", limit=PAGE, offset=offset)
    except (ApiError, TooSoon) as error:
        log.info("collecting_postponed", error=str(error))
        in_vain()
        return None
    found = [snapshot for snapshot in page.snapshots if snapshot.status == "completed" and snapshot.id in due]
    for snapshot in found:
        take_in(due.pop(snapshot.id), snapshot)
    if not found:
        in_vain()
        return None
    return offset + page.received if page.more and len(due) >= MANY else None


def take_in(analysis: Analysis, snapshot: AnalysisSnapshot) -> None:
    """Apply a result; one that our code cannot take is asked about alone, once its lease is over."""
    try:
        if advancing.claimed(analysis):
            apply_snapshot(analysis, snapshot)
    except Exception:
        log.exception("collected_result_failed", analysis=str(analysis.pk))


def in_vain() -> None:
    """Note that the list did not help."""
    Signal.objects.update_or_create(name=IN_VAIN, defaults={"at": timezone.now()})
