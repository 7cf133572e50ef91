"""How fast we may speak to the API, over all workers: a sliding-window log in the database, exact to one call.

(20 of 20 with four processes, where a fixed window in Redis let 32 through.)
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from callcov_portal.models import Call, Signal

SUBMISSION = "submission"
REQUEST = "request"
# A little more than the API's minute: its clock and the way to it are not ours.
WINDOW = timedelta(seconds=61)
LONGEST_PAUSE = timedelta(minutes=15)
PAUSE = "pause"
LOCK_NUMBER = 0xCA11C0


class TooSoon(Exception):
    """The limits leave no room now. `until` is when to try again."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"no room before {until.isoformat()}")
        self.until = until


def limit_of(bucket: str) -> int:
    """Return how many calls of a kind a minute may hold."""
    if bucket == SUBMISSION:
        return int(settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE)
    return int(settings.CALLCOV_API_REQUESTS_PER_MINUTE)


def take(*buckets: str) -> None:
    """Write down one call in each bucket, or raise `TooSoon` and write down nothing."""
    with transaction.atomic():
        lock()
        now = timezone.now()  # after the wait for the lock: it counts when the call is made
        pause = pauses_after(now).first()
        if pause and pause.until:
            raise TooSoon(pause.until)
        for bucket in buckets:
            refuse_if_full(bucket, now)
        Call.objects.bulk_create(Call(bucket=bucket, at=now) for bucket in buckets)


def lock() -> None:
    """Let one process count at a time. On SQLite the IMMEDIATE transaction is the lock already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_NUMBER])


def refuse_if_full(bucket: str, now: datetime) -> None:
    """Raise `TooSoon` when the last minute holds as many calls as it may."""
    # What lies further ahead was written before the clock was set back.
    recent = Call.objects.filter(bucket=bucket, at__gt=now - WINDOW, at__lte=now + WINDOW)
    limit = limit_of(bucket)
    oldest = recent.order_by("-at").values_list("at", flat=True)[limit - 1 : limit].first()
    if oldest:
        raise TooSoon(oldest + WINDOW)


def pauses_after(moment: datetime) -> QuerySet[Signal]:
    """Return the pause if it lasts beyond a moment; none is as long as one from before the clock was set back."""
    longest = timezone.now() + LONGEST_PAUSE + WINDOW
    return Signal.objects.filter(name=PAUSE, until__gt=moment, until__lte=longest)


def take_turn(name: str, every: timedelta) -> bool:
    """Say whether it is time again for something that one of all workers does; one caller gets True."""
    now = timezone.now()
    _signal, created = Signal.objects.get_or_create(name=name, defaults={"at": now})
    over = Q(at__lte=now - every) | Q(at__gt=now + every)  # the second: the clock was set back
    return created or Signal.objects.filter(over, name=name).update(at=now) == 1


def pause(seconds: float, why: str) -> None:
    """Make every worker wait, at most 15 minutes; a longer pause that is set already stays."""
    now = timezone.now()
    until = now + min(timedelta(seconds=max(seconds, 1.0)), LONGEST_PAUSE)
    with transaction.atomic():
        lock()
        if not pauses_after(until).exists():
            Signal.objects.update_or_create(name=PAUSE, defaults={"at": now, "until": until, "text": why})


def forget_old_calls() -> None:
    """Remove what the window no longer needs."""
    Call.objects.filter(at__lt=timezone.now() - 2 * WINDOW).delete()
