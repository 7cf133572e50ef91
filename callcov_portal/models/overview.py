"""Questions about the whole: where all calls stand, why some failed, what was sent. Nothing here writes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from callcov_portal.models.analysis import Analysis
from callcov_portal.models.log import Spent
from callcov_portal.models.pace import Signal, Spending
from callcov_portal.models.prepared import Prepared, prepared
from callcov_portal.models.recording import Recording
from callcov_portal.models.states import RETRYABLE, UNFINISHED, WHAT_TO_DO, Failure, State
from callcov_portal.models.tally import AgentWeek


@dataclass(frozen=True)
class Queue:
    """Where the calls stand by their current analysis; every call counts once, so the parts add up to `total`."""

    waiting: int = 0
    working: int = 0
    done: int = 0
    failed: int = 0  # for any cause but being a duplicate
    duplicates: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """How many calls came in."""
        return self.waiting + self.working + self.done + self.failed + self.duplicates + self.cancelled


@dataclass(frozen=True)
class Cause:
    """One cause of failure: how many calls stand failed for it, and what a person can do about it."""

    code: str
    label: str
    count: int
    what_to_do: str


@dataclass(frozen=True)
class Sent:
    """What was sent to the API in a stretch of time: analyses, and minutes of sound where the length is known."""

    analyses: int
    minutes: float


def standings() -> Counter[tuple[str, str]]:
    """Return how many calls stand in each state with each failure code ("" without); three queries.

    What is done is most of all calls, and is not counted but known from the sums by week. The rest is counted in
    indexes that hold all that is asked.
    """
    counts: Counter[tuple[str, str]] = failures()
    under_way = Recording.objects.filter(state__in=(*UNFINISHED, State.CANCELLED)).order_by()
    for state, count in under_way.values_list("state").annotate(n=Count("pk")):
        counts[state, ""] = count
    counts[State.COMPLETED, ""] = AgentWeek.objects.aggregate(n=Coalesce(Sum("analysed"), 0))["n"]
    return counts


def failures() -> Counter[tuple[str, str]]:
    """Return the part of `standings()` that failed; one query."""
    failed = Recording.objects.filter(failure__in=Failure.values).order_by()
    counted = failed.values_list("failure").annotate(n=Count("pk"))
    return Counter({(State.FAILED, failure): count for failure, count in counted})


def retryable() -> dict[str, int]:
    """Return how many calls of each cause of failure may be retried: nothing of them was sent. One query.

    Nobody can have such a call analysed anew, so its failed analysis is its current one.
    """
    failed = Analysis.objects.filter(state=State.FAILED, sent_at=None, failure__in=RETRYABLE).order_by()
    return dict(failed.values_list("failure").annotate(n=Count("pk")))


def queue(counts: Counter[tuple[str, str]]) -> Queue:
    """Sort `standings()` into the parts that are shown."""
    by_state: Counter[str] = Counter()
    for (state, _), count in counts.items():
        by_state[state] += count
    duplicates = counts[State.FAILED, Failure.DUPLICATE]
    return Queue(
        waiting=by_state[State.QUEUED],
        working=by_state[State.SENDING] + by_state[State.PROCESSING],
        done=by_state[State.COMPLETED],
        failed=by_state[State.FAILED] - duplicates,
        duplicates=duplicates,
        cancelled=by_state[State.CANCELLED],
    )


def causes(counts: Counter[tuple[str, str]]) -> list[Cause]:
    """Return the causes of failure in `standings()`, the most frequent first; duplicates are no failure."""
    found = [
        Cause(failure, failure.label, counts[State.FAILED, failure], WHAT_TO_DO[failure])
        for failure in Failure
        if failure != Failure.DUPLICATE and counts[State.FAILED, failure]
    ]
    return sorted(found, key=lambda cause: -cause.count)


def sent_since(moment: datetime) -> Sent:
    """Return what was sent to the API from `moment` on.

    An analysis counts when it was sent, whatever came of it, and also when its call is deleted since.
    """
    kept = Analysis.objects.filter(sent_at__gte=moment).aggregate(
        analyses=Count("pk"), seconds=Sum("recording__duration_seconds")
    )
    gone = Spent.objects.filter(sent_at__gte=moment).aggregate(analyses=Count("pk"), seconds=Sum("seconds"))
    seconds = (kept["seconds"] or 0.0) + (gone["seconds"] or 0.0)
    return Sent(kept["analyses"] + gone["analyses"], seconds / 60)


def spent_since(day: date) -> Spending:
    """Return the sum of what was asked of the API from a day on, and of what it completed; one query."""
    names = ("requests", "submissions", "completed")
    sums = Spending.objects.filter(day__gte=day).aggregate(**{name: Coalesce(Sum(name), 0) for name in names})
    return Spending(day=day, **sums)


def oldest_wait() -> datetime | None:
    """Return since when the call that has waited longest for being sent has waited, or None if none waits."""
    waiting = Analysis.objects.filter(state=State.QUEUED).order_by("created_at")
    return waiting.values_list("created_at", flat=True).first()


def signals(*names: str) -> dict[str, Signal]:
    """Return the facts of these names that are there; one query by primary key."""
    made: Callable[..., Signal] = Signal  # by position, in the order of its columns
    return {row[0]: made(*row) for row in signals_named(names).rows()}


@lru_cache(maxsize=16)
def signals_named(names: tuple[str, ...]) -> Prepared:
    """Return the query of these facts: every page asks it."""
    return prepared(Signal.objects.filter(name__in=names).values_list("name", "at", "until", "text"))
