"""How much one key may ask: a sliding window of a minute, kept in the database, exact across processes."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone

from callcov_portal.engine.models import CountedRequest

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Budget:
    """What is left of a limit after a request: the three numbers of the `X-RateLimit-*` headers."""

    limit: int
    remaining: int
    reset: float  # Unix seconds: when the oldest request leaves the window
    refused: bool = False

    def write_to(self, response: HttpResponseBase) -> None:
        """Set the rate-limit headers, and Retry-After (whole seconds, at least 1) when refused."""
        response["X-RateLimit-Limit"] = str(self.limit)
        response["X-RateLimit-Remaining"] = str(self.remaining)
        response["X-RateLimit-Reset"] = str(math.ceil(self.reset))
        if self.refused:
            wait = self.reset - timezone.now().timestamp()
            response["Retry-After"] = str(max(1, math.ceil(wait)))


def take(key: str, *, submission: bool) -> Budget:
    """Count one request of a key and return the budget that its answer shows.

    That is the general budget (100 a minute by default), except for a submission refused by its own limit (20).
    A refused request is not counted against the limit that refused it. Two processes that ask at once are
    served one after the other: never is one more let in than the limit says.
    """
    now = timezone.now()
    with transaction.atomic():
        serialise(key)
        general = spend(key, settings.CALLCOV_ENGINE_REQUESTS_PER_MINUTE, now)
        if general.refused or not submission:
            return general
        own = spend(f"{key}:submissions", settings.CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE, now)
        return own if own.refused else general


def untouched() -> Budget:
    """Return the budget shown to a caller without a valid key, for whom nothing is counted."""
    limit = settings.CALLCOV_ENGINE_REQUESTS_PER_MINUTE
    return Budget(limit, limit, (timezone.now() + WINDOW).timestamp())


def serialise(key: str) -> None:
    """Hold up other transactions about the same key until this one ends. On SQLite, IMMEDIATE has done so already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [key])


def spend(bucket: str, limit: int, now: datetime) -> Budget:
    """Log one request in a bucket if its window has room."""
    window = in_window(bucket, now)
    used = window.count()
    refused = used >= limit
    if not refused:
        CountedRequest.objects.create(bucket=bucket, at=now)
    oldest = window.order_by("at").values_list("at", flat=True).first() or now
    return Budget(limit, max(0, limit - used - (not refused)), (oldest + WINDOW).timestamp(), refused)


def in_window(bucket: str, now: datetime) -> QuerySet[CountedRequest]:
    """Return the bucket's requests of the last minute; times from before a clock was set back do not count."""
    return CountedRequest.objects.filter(bucket=bucket, at__gt=now - WINDOW, at__lt=now + WINDOW)


def forget(now: datetime) -> int:
    """Delete what no window needs any more; return how many rows went."""
    return CountedRequest.objects.exclude(at__gt=now - 2 * WINDOW, at__lt=now + 2 * WINDOW).delete()[0]
