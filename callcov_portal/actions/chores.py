"""Chores: what stands in a row of the database to be done soon, by one worker at a time, whoever dies.

    due ──▶ taken ──▶ finished, or a bit of it: due again at once
     ▲        │ trouble: put off, longer each time ─▶ given up with the cause, if there were too many tries
     └────────┤ the worker died: nobody renews its lease
              └ another try is hopeless: given up

A row is taken by one conditional UPDATE, which counts the try and moves `due_at` on: that is the lease. It is renewed
while the work goes on, so that a killed worker's row is due again within `schedule.LEASE`. Whoever comes back late finds
that the row is no longer his and changes nothing. Who makes a row due sets `due_at`, and `attempts` to 0.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import structlog
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from callcov_portal.actions import leases, schedule
from callcov_portal.storage import AWAY, StorageAway

log = structlog.get_logger(__name__)

FARTHEST = timedelta(minutes=20)  # nothing is put off longer
BIT = 3.0  # seconds of a long chore before others have their turn

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")


class Taken(Exception):
    """The row is gone, or somebody else's by now."""


@dataclass(frozen=True)
class Columns:
    """What the columns of `models.chore.Chore` are called in a table."""

    due_at: str = "due_at"
    attempts: str = "attempts"
    detail: str = "detail"


@dataclass(frozen=True)
class Kind(Generic[Row]):
    """One kind of chore: the rows that are its record, what is done, and when that is given up."""

    name: str
    model: type[Row]
    act: Callable[["Turn[Row]"], None]  # returns when the row says what became of it (`finish`, `go_on`), or raises
    most_tries: int | None = None  # None: it is tried until it is done
    hopeless: tuple[type[Exception], ...] = ()  # given up at once, in these words
    known: tuple[type[Exception], ...] = ()  # put off, in these words
    slot: threading.Semaphore | None = None  # of this process, for what keeps a processor busy
    may_begin: Callable[[], bool] = lambda: True
    order: str = ""  # which is the next; the longest due if nothing is said
    at_once: int = 20  # that a sweep rings for
    columns: Columns = Columns()
    begun: Mapping[str, Any] = field(default_factory=dict)  # further columns, when it is taken
    waiting: Mapping[str, Any] = field(default_factory=dict)  # when it is put off
    failed: Callable[[], Mapping[str, Any]] = dict  # when it is given up
    given_up: Callable[[Any], object] = id  # and what else is done with it then, in the same transaction

    @property
    def rows(self) -> QuerySet[Row]:
        """All rows, whether due or not."""
        return self.model._default_manager.order_by()

    def due(self, now: datetime) -> QuerySet[Row]:
        """Return the rows that somebody is to take now, the next one first.

        One that was put off further than anything ever is was written before the clock was set back.
        """
        at = self.columns.due_at
        is_due = Q(**{f"{at}__lte": now}) | Q(**{f"{at}__gt": now + FARTHEST})
        # Said twice, so that SQLite sees that the partial index of what is due has all of it.
        return self.rows.filter(is_due, **{f"{at}__isnull": False}).order_by(self.order or at)

    def next(self, now: datetime, most: int = 1) -> list[Any]:
        """Return the keys of the rows that are next."""
        return list(self.due(now).values_list("pk", flat=True)[:most])


@dataclass(frozen=True)
class Turn(Generic[Row]):
    """One try at a chore. What it writes changes nothing once the row is somebody else's."""

    kind: Kind[Row]
    row: Row
    attempts: int  # this one included

    @property
    def name(self) -> str:
        """What the log calls it."""
        return f"{self.kind.name}-{self.row.pk}"

    def write(self, **fields: Any) -> bool:
        """Change the row if it is still ours: whoever takes, finishes or asks for it anew changes one of these columns."""
        named = self.kind.columns
        own = {named.attempts: self.attempts, f"{named.due_at}__isnull": False}
        return self.kind.rows.filter(pk=self.row.pk, **own).update(**fields) == 1

    def schedule(self, due_at: datetime | None, detail: str, attempts: int, fields: Mapping[str, Any]) -> bool:
        """Say when the row is due next, and why."""
        named = self.kind.columns
        told = detail.replace("\0", "")[:500]
        return self.write(**{named.due_at: due_at, named.detail: told, named.attempts: attempts, **fields})

    def finish(self, **fields: Any) -> bool:
        """Write down that it is done; False if that was no longer ours to do."""
        return self.schedule(None, "", 0, fields)

    def go_on(self) -> bool:
        """Write down that a bit is done and more is left; whoever is rung for goes on."""
        return self.schedule(timezone.now(), "", 0, {})

    def put_off(self, detail: str) -> None:
        """Try again later, longer each time; give up after the last try."""
        if self.kind.most_tries and self.attempts >= self.kind.most_tries:
            self.give_up(detail)
            return
        log.info("chore_put_off", chore=self.name, attempts=self.attempts, detail=detail)
        later = timezone.now() + schedule.back_off(self.attempts)
        self.schedule(later, detail, self.attempts, self.kind.waiting)

    def wait_for_storage(self, why: StorageAway) -> None:
        """Try again in half a minute or so, as often as it takes: that the storage is away is not the chore's fault."""
        log.info("chore_waits_for_storage", chore=self.name, detail=str(why))
        self.schedule(timezone.now() + schedule.back_off(4), AWAY, self.attempts - 1, self.kind.waiting)

    def give_up(self, detail: str) -> None:
        """Write down why it is not tried any more."""
        log.warning("chore_given_up", chore=self.name, detail=detail)
        with transaction.atomic():
            if self.schedule(None, detail, self.attempts, self.kind.failed()):
                self.kind.given_up(self.row)

    def renew(self) -> bool:
        """Push the lease; False if the database is away."""
        until = {self.kind.columns.due_at: timezone.now() + schedule.LEASE}
        return leases.pushed(lambda: self.write(**until), self.name)


def take(kind: Kind[Row], pk: Any) -> Turn[Row] | None:
    """Take a due row for oneself, and count the try; of several callers one wins, the others get None."""
    now, named = timezone.now(), kind.columns
    row = kind.due(now).filter(pk=pk).first()
    if row is None:
        return None
    seen = {column: getattr(row, column) for column in (named.due_at, named.attempts)}
    attempts = seen[named.attempts] + 1
    taken = {named.due_at: now + schedule.LEASE, named.attempts: attempts, **kind.begun}
    won = kind.rows.filter(pk=row.pk, **seen).update(**taken)
    return Turn(kind, row, attempts) if won else None


def work(kind: Kind[Any], pk: Any) -> bool:
    """Have a turn at a chore; False if it is not due, or somebody else is at it, or this process at another.

    Whatever goes wrong with it is written into its row, which is put off so that the line goes on.
    """
    if not kind.may_begin():
        return False
    if kind.slot and not kind.slot.acquire(blocking=False):
        return False
    try:
        turn = take(kind, pk)
        if turn:
            have(turn)
        return turn is not None
    finally:
        if kind.slot:
            kind.slot.release()


def have(turn: Turn[Any]) -> None:
    """Do what a taken chore is about, unless it was begun so often that it may be what kills the workers."""
    kind = turn.kind
    if kind.most_tries and turn.attempts > kind.most_tries:
        last = getattr(turn.row, kind.columns.detail)
        turn.give_up(f"It was begun {kind.most_tries} times and never came to an end. {last}".strip())
        return
    try:
        with leases.kept(turn.renew, turn.name):
            kind.act(turn)
    except Taken:
        log.info("chore_taken", chore=turn.name)
    except StorageAway as error:
        turn.wait_for_storage(error)
    except kind.hopeless as error:
        turn.give_up(str(error))
    except kind.known as error:
        turn.put_off(str(error))
    except Exception as error:
        log.exception("chore_failed", chore=turn.name)
        turn.put_off(f"{type(error).__name__}: {error}")


def bit_by_bit(left: Callable[[], Sequence[Item]], do: Callable[[Item], object]) -> bool:
    """Do what is left, some at a time, until there is nothing (True) or it is time to let others work."""
    until, before = time.monotonic() + BIT, None
    while some := left():
        if some == before:
            raise RuntimeError("Nothing of it could be done.")
        before = some
        for one in some:
            do(one)
            if time.monotonic() > until:
                return False
    return True
