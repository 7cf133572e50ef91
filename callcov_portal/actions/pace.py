"""How fast we may speak to the API, over all workers: a sliding-window log in the database, exact to one call.

(20 of 20 with four processes, where a fixed window in Redis let 32 through.)
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from callcov_portal.actions import spending
from callcov_portal.actions.locks import PACE, lock
from callcov_portal.models import Call, Signal
from callcov_portal.models.overview import signals
from callcov_portal.models.prepared import Prepared, moment, prepared

SUBMISSION = "submission"
REQUEST = "request"
# The API's minute, and a little more for a clock that runs a little faster than ours.
WINDOW = timedelta(seconds=60.05)
# By then the API has counted a call that we begin now, however long its body is; its answer may tell sooner.
ON_THE_WAY = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=15)
PAUSE = "pause"


class TooSoon(Exception):
    """The limits leave no room now. `until` is when to try again."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"no room before {until.isoformat()}")
        self.until = until


@dataclass
class Place:
    """Room for one call from `at` on, which may lie a little ahead."""

    at: datetime
    rows: list[int]
    is_used: bool = False


def limit_of(bucket: str) -> int:
    """Return how many calls of a kind a minute may hold."""
    if bucket == SUBMISSION:
        return int(settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE)
    return int(settings.CALLCOV_API_REQUESTS_PER_MINUTE)


def take(*buckets: str, within: timedelta = timedelta()) -> Place:
    """Write down one call in each bucket, at the first moment with room for it, or raise `TooSoon` and write nothing.

    That moment is now, or at most `within` ahead: until then the caller waits.
    """
    with transaction.atomic():
        lock(PACE)
        now = timezone.now()  # after the wait for the lock: it counts when the call is made
        at = first_room(buckets, now)
        if at > now + within:
            raise TooSoon(at)
        rows = [written(bucket, at + ON_THE_WAY) for bucket in buckets]
        spending.count(requests=buckets.count(REQUEST), submissions=buckets.count(SUBMISSION))
    return Place(at, rows)


def written(bucket: str, at: datetime) -> int:
    """Write down one call, and return its number in the log."""
    [(number,)] = WRITE.rows([bucket, moment(at)])
    return int(number)


WRITE = Prepared(f"INSERT INTO {Call._meta.db_table} (bucket, at) VALUES (%s, %s) RETURNING id")  # noqa: S608


def note_repeat() -> None:
    """Count a question that is asked once more at once: nobody waits for room in the middle of it."""
    with transaction.atomic():
        lock(PACE)
        written(REQUEST, timezone.now() + ON_THE_WAY)
        spending.count(requests=1)


def note_answered(place: Place) -> None:
    """Note that a call was answered: the API has counted it by now, so its place is free again a minute from now."""
    now = timezone.now()
    Call.objects.filter(pk__in=place.rows, at__gt=now).update(at=now)


def give_back(place: Place) -> None:
    """Take back what was written down for a call that is not made; of one that was made, nothing."""
    if not place.is_used:
        place.is_used = True
        with transaction.atomic():
            gone = Counter(Call.objects.filter(pk__in=place.rows).values_list("bucket", flat=True))
            Call.objects.filter(pk__in=place.rows).delete()
            spending.count(requests=-gone[REQUEST], submissions=-gone[SUBMISSION])


def first_room(buckets: Sequence[str], now: datetime) -> datetime:
    """Return the first moment, not before now, at which no pause is on and every bucket has room."""
    return max(
        [
            now,
            *pauses_after(now, *buckets),
            *(free_from(bucket, limit_for(bucket, buckets, now), now) for bucket in buckets),
        ]
    )


def limit_for(bucket: str, buckets: Sequence[str], now: datetime) -> int:
    """Return how many calls the minute may hold for these: questions leave room for the submissions still to come."""
    limit = limit_of(bucket)
    if bucket == REQUEST and SUBMISSION not in buckets:
        to_come = max(limit_of(SUBMISSION) - count_of(SUBMISSION, now), 0)
        return limit - min(to_come, limit // 2)
    return limit


def free_from(bucket: str, limit: int, now: datetime) -> datetime:
    """Return when the minute before holds fewer calls than the limit."""
    oldest = nth_newest(limit).rows(recent(bucket, now))
    return oldest[0][0] + WINDOW if oldest else now


def count_of(bucket: str, now: datetime) -> int:
    """Return how many calls count now."""
    [(number,)] = COUNT.rows(recent(bucket, now))
    return int(number)


def recent(bucket: str, now: datetime) -> list[Any]:
    """Return which calls count now, as statements take it. What lies further ahead was written before the clock was set back."""
    return [moment(now - WINDOW), moment(now + WINDOW), bucket]


COUNT = Prepared(f"SELECT COUNT(*) FROM {Call._meta.db_table} WHERE at > %s AND at <= %s AND bucket = %s")  # noqa: S608


@lru_cache(maxsize=256)
def nth_newest(limit: int) -> Prepared:
    """Return the query for when the one of the calls that count now was made that is the last the limit allows."""
    beginning = datetime.min.replace(tzinfo=UTC)
    calls = Call.objects.filter(at__gt=beginning, at__lte=beginning).filter(bucket="").order_by("-at")
    return prepared(calls.values_list("at")[limit - 1 : limit])


def room() -> int:
    """Return for how many questions there is room now."""
    now = timezone.now()
    if pauses_after(now, REQUEST):
        return 0
    return max(limit_for(REQUEST, [REQUEST], now) - count_of(REQUEST, now), 0)


def submissions_used() -> int:
    """Return how many submissions of the last minute there are, of as many as `limit_of` allows."""
    return count_of(SUBMISSION, timezone.now())


def pauses_after(moment: datetime, *buckets: str) -> list[datetime]:
    """Return until when the pauses last, of all calls or of some kind, that last beyond a moment.

    None is as long as one from before the clock was set back.
    """
    longest = timezone.now() + LONGEST_PAUSE + WINDOW
    ends = [pause.until for pause in signals(PAUSE, *map(pause_of, buckets)).values()]
    return [end for end in ends if end and moment < end <= longest]


def pause_of(bucket: str) -> str:
    """Return the name of the pause of one kind of calls; "" for all."""
    return f"{PAUSE}_{bucket}" if bucket else PAUSE


def take_turn(name: str, every: timedelta) -> bool:
    """Say whether it is time again for something that one of all workers does; one caller gets True."""
    now = timezone.now()
    _signal, created = Signal.objects.get_or_create(name=name, defaults={"at": now})
    over = Q(at__lte=now - every) | Q(at__gt=now + every)  # the second: the clock was set back
    return created or Signal.objects.filter(over, name=name).update(at=now) == 1


def pause(seconds: float, why: str, bucket: str = "") -> None:
    """Make every worker wait with calls of a kind, or with all, at most 15 minutes; a longer pause that is set stays."""
    now = timezone.now()
    until = now + min(timedelta(seconds=max(seconds, 1.0)), LONGEST_PAUSE)
    with transaction.atomic():
        lock(PACE)
        if not pauses_after(until, *filter(None, [bucket])):
            Signal.objects.update_or_create(name=pause_of(bucket), defaults={"at": now, "until": until, "text": why})


def is_spent(bucket: str) -> bool:
    """Say whether our own log knows the limit to be used up, so that nobody asks before there is room."""
    now = timezone.now()
    return free_from(bucket, limit_of(bucket), now) > now


def forget_old_calls() -> None:
    """Remove what the window no longer needs."""
    Call.objects.filter(at__lt=timezone.now() - 2 * WINDOW).delete()
