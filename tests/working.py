"""What a worker does when it is rung for, without the bell."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import chores


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
