"""What a worker does when it is rung for, without the bell, and the time that passes until it is rung for again."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import chores, pace
from callcov_portal.models import Analysis, Call, Signal


def work(kind: str, pk: object) -> bool:
    """Have a turn at one chore."""
    return chores.work(tasks.KINDS[kind], pk)


def due(kind: str, now: datetime | None = None) -> list[Any]:
    """Return the keys of what is due of a kind."""
    return tasks.KINDS[kind].next(now or timezone.now(), 100)


def work_all(kind: str) -> None:
    """Have turns until nothing of a kind is due."""
    while pks := due(kind):
        for pk in pks:
            work(kind, pk)


def again(analysis: Analysis) -> Analysis:
    """Return the analysis as the database has it."""
    return Analysis.objects.get(pk=analysis.pk)


def make_due(analysis: Analysis) -> None:
    """Let the time of the next attempt have come."""
    Analysis.objects.filter(pk=analysis.pk).update(next_attempt_at=timezone.now())


def forget_the_limits() -> None:
    """Let the minute be over, and every pause."""
    Call.objects.all().delete()
    Signal.objects.filter(name__startswith=pace.PAUSE).delete()
