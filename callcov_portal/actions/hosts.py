"""How fast strangers' servers are asked: so many requests a second to one host, over all workers.

Each host has a row that says when its next request may go. Who takes a place moves that on, in one short transaction,
and waits for its time outside of it; so places are given out in order, whoever dies.
"""

import hashlib
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from callcov_portal.models import Signal

EVERY = timedelta(seconds=0.25)
FARTHEST = timedelta(minutes=5)  # what lies further ahead was written before the clock was set back
KEPT = timedelta(hours=1)
PREFIX = "host "


@transaction.atomic
def take_place(link: str) -> datetime:
    """Return when a link may be asked for: now, or a quarter of a second after the request before it to its host."""
    name = PREFIX + hashlib.sha256(host_of(link).encode()).hexdigest()[:32]
    now = timezone.now()
    Signal.objects.get_or_create(name=name, defaults={"at": now - EVERY})
    last = Signal.objects.select_for_update(no_key=True).get(name=name).at
    place = max(now, last + EVERY) if last < now + FARTHEST else now
    Signal.objects.filter(name=name).update(at=place)
    return place


def host_of(link: str) -> str:
    """Return the host that a link names, "" for none."""
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""


def forget_old(now: datetime) -> None:
    """Remove the rows of hosts that nobody asks any more."""
    Signal.objects.filter(name__startswith=PREFIX, at__lt=now - KEPT).delete()
