"""Finding what is due, on a timer. Running it twice at once is harmless."""

from uuid import UUID

import structlog
from django.utils import timezone

from callcov_portal.actions import collecting, gateway, pace, refreshing
from callcov_portal.actions.pace import TooSoon
from callcov_portal.client.errors import ApiError
from callcov_portal.models import Analysis, Signal, State

log = structlog.get_logger(__name__)

SWEPT = "sweep"
MOST_AT_ONCE = 60


def sweep() -> list[UUID]:
    """Look at the API's list of what it works on, and return what news is to be asked for, the longest due first.

    Only as many as there is room for, and while the API is in trouble one: the others are not touched at all. Where many
    may have ended they are left to `collecting`. Whatever the look comes to, the line goes on.
    """
    Signal.objects.update_or_create(name=SWEPT, defaults={"at": timezone.now()})
    try:
        refreshing.look_at_all()
    except (ApiError, TooSoon) as error:
        log.info("live_look_postponed", error=str(error))
    except Exception:
        log.exception("live_look_failed")
    most = min(pace.room(), 1 if trouble() else MOST_AT_ONCE)
    due = Analysis.objects.in_work(timezone.now())
    if collecting.is_worth_it():
        due = due.exclude(state=State.PROCESSING)
    return list(due.values_list("pk", flat=True)[:most])


def trouble() -> Signal | None:
    """Return why the API does not work and since when, or None."""
    return Signal.objects.filter(name=gateway.TROUBLE).first()
