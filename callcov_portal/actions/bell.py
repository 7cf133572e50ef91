"""Whether the doorbell rings: a broker that is away costs a delay, and every page says so."""

from datetime import timedelta

import structlog
from django.db import DatabaseError
from django.utils import timezone

from callcov_portal.models import Signal

log = structlog.get_logger(__name__)

TROUBLE = "bell_trouble"  # since when no message can be sent; `until`: believed without news
BELIEVED = timedelta(minutes=2)


def note_trouble(error: Exception) -> None:
    """Write down that a message could not be sent; `at` stays the time at which that began. Never raises."""
    now = timezone.now()
    values = {"until": now + BELIEVED, "text": type(error).__name__}
    try:
        if not Signal.objects.filter(name=TROUBLE, until__gt=now).update(**values):
            Signal.objects.update_or_create(name=TROUBLE, defaults={"at": now, **values})
    except DatabaseError as also:
        log.warning("bell_trouble_not_noted", error=str(also))


def note_rung() -> None:
    """Write down that messages can be sent. Never raises."""
    try:
        Signal.objects.filter(name=TROUBLE).delete()
    except DatabaseError as error:
        log.warning("bell_not_noted", error=str(error))
