"""Finding what is due, on a timer. Running it twice at once is harmless."""

from uuid import UUID

import structlog
from django.utils import timezone

from callcov_portal.actions import gateway, refreshing
from callcov_portal.actions.pace import TooSoon
from callcov_portal.client.errors import ApiError
from callcov_portal.models import Analysis, Signal

log = structlog.get_logger(__name__)

SWEPT = "sweep"
MOST_AT_ONCE = 60


def sweep() -> list[UUID]:
    """Look at the API's list of what it works on, and return the analyses that are due, the longest due first.

    Whatever the look comes to, the line goes on.
    """
    Signal.objects.update_or_create(name=SWEPT, defaults={"at": timezone.now()})
    try:
        refreshing.look_at_all()
    except (ApiError, TooSoon) as error:
        log.info("live_look_postponed", error=str(error))
    except Exception:
        log.exception("live_look_failed")
    return list(Analysis.objects.due(timezone.now()).values_list("pk", flat=True)[:MOST_AT_ONCE])


def trouble() -> Signal | None:
    """Return why the API does not work and since when, or None."""
    return Signal.objects.filter(name=gateway.TROUBLE).first()
