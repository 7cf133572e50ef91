"""What all kinds of chores have in common, held for every one of them: taken once, kept, put off, given up, gone on with."""

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import chores, schedule
from callcov_portal.models import (
    BatchState,
    BulkAct,
    BulkJob,
    BulkState,
    Export,
    Fingerprint,
    Merge,
    Muting,
    Waveform,
    Way,
)
from tests.factories import BatchFactory, RecordingFactory
from tests.working import due, work

NUMBERS = itertools.count()
MAKE: dict[str, Callable[[Any], Any]] = {
    "muting": lambda now: RecordingFactory(muting=Muting.DUE, muting_at=now),
    "drawing": lambda now: Waveform.objects.create(recording=RecordingFactory(), due_at=now),
    "recognising": lambda now: Fingerprint.objects.create(recording=RecordingFactory(), due_at=now),
    "exporting": lambda now: Export.objects.create(table="calls", format="csv", columns=["call"], due_at=now),
    "bulk": lambda now: BulkJob.objects.create(act=BulkAct.RETRY, state=BulkState.RUNNING, due_at=now),
    "merging": lambda now: Merge.objects.create(side="agent", source=next(NUMBERS), due_at=now),
    "batch": lambda now: BatchFactory(way=Way.MANIFEST, state=BatchState.READING, due_at=now),
}
KINDS = list(tasks.KINDS)


class Row:
    """A due row of a kind, whose columns may have other names, and what its act does."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kind = tasks.KINDS[kind]
        self.pk = MAKE[kind](timezone.now()).pk
        self.acts: list[chores.Turn[Any]] = []
        self.trouble: BaseException | None = None
        changed = {"act": self.act}
        monkeypatch.setitem(tasks.KINDS, kind, chores.Kind(**{**vars(self.kind), **changed}))

    def act(self, turn: chores.Turn[Any]) -> None:
        self.acts.append(turn)
        if self.trouble:
            raise self.trouble
        turn.finish()

    def set(self, **fields: Any) -> None:
        named = {getattr(self.kind.columns, name): value for name, value in fields.items()}
        self.kind.rows.filter(pk=self.pk).update(**named)

    def work(self) -> bool:
        return work(self.kind.name, self.pk)

    @property
    def columns(self) -> tuple[Any, int, str]:
        row, named = self.kind.rows.get(pk=self.pk), self.kind.columns
        return getattr(row, named.due_at), getattr(row, named.attempts), getattr(row, named.detail)


@pytest.fixture(params=KINDS)
def row(request, db, monkeypatch) -> Row:
    return Row(request.param, monkeypatch)


def test_every_kind_is_held_to_what_follows() -> None:
    assert set(MAKE) == set(KINDS)


def test_what_is_due_is_done_once(row) -> None:
    assert due(row.kind.name) == [row.pk]
    assert row.work()
    assert row.columns == (None, 0, "")
    assert not row.work()
    assert due(row.kind.name) == []
    assert len(row.acts) == 1


def test_what_is_not_due_yet_waits_unless_the_clock_was_set_back(row) -> None:
    row.set(due_at=timezone.now() + timedelta(minutes=5))
    assert not row.work()
    row.set(due_at=timezone.now() + timedelta(days=1))  # nothing is ever put off so far
    assert row.work()


def test_who_dies_leaves_it_to_another_once_the_lease_is_over(row) -> None:
    row.trouble = SystemExit()  # as good as SIGKILL: nothing after it runs
    with pytest.raises(SystemExit):
        row.work()
    row.trouble = None
    assert due(row.kind.name) == []
    assert not row.work()
    assert due(row.kind.name, timezone.now() + schedule.LEASE) == [row.pk]
    row.set(due_at=timezone.now())
    assert row.work()
    assert [turn.attempts for turn in row.acts] == [1, 2]


def test_who_was_taken_for_dead_and_comes_late_changes_nothing(row) -> None:
    late = chores.take(row.kind, row.pk)
    row.set(due_at=timezone.now())
    assert late
    assert chores.take(row.kind, row.pk)  # another
    now = row.columns
    assert not late.finish()
    assert not late.go_on()
    late.put_off("late")
    late.give_up("late")
    assert late.renew()
    assert row.columns == now


def test_what_is_asked_for_anew_meanwhile_stays_due(row) -> None:
    turn = chores.take(row.kind, row.pk)
    row.set(due_at=timezone.now(), attempts=0)
    assert turn
    turn.put_off("The old way did not go.")
    assert due(row.kind.name) == [row.pk]


def test_trouble_is_told_and_tried_again_later_and_longer(row) -> None:
    row.trouble = ValueError("odd \0 thing")
    waits = []
    for attempt in range(1, (row.kind.most_tries or 20) + 1):
        row.set(due_at=timezone.now())
        assert row.work()
        due_at, attempts, detail = row.columns
        assert (attempts, detail) == (attempt, "ValueError: odd  thing")
        waits.append(due_at and due_at - timezone.now())
    if row.kind.most_tries:
        assert waits.pop() is None  # given up
    assert waits[3] > 2 * waits[0]
    assert waits[-1] < chores.FARTHEST


def test_what_is_hopeless_is_given_up_at_once_and_what_is_known_told_in_its_own_words(row, monkeypatch) -> None:
    for hopeless in row.kind.hopeless:
        row.set(due_at=timezone.now(), attempts=0)
        row.trouble = hopeless("It is no use.")
        assert row.work()
        assert row.columns == (None, 1, "It is no use.")
    for known in row.kind.known:
        row = Row(row.kind.name, monkeypatch)
        row.trouble = known("The disk is full.")
        assert row.work()
        assert row.columns[1:] == (1, "The disk is full.")
        assert row.columns[0] > timezone.now()


def test_what_kills_its_workers_is_not_begun_for_ever_where_it_may_be_given_up(row) -> None:
    most = row.kind.most_tries
    row.set(attempts=most or 1000, detail="It was killed.")
    assert row.work()
    if most:
        assert row.acts == []
        assert row.columns[0] is None
        assert row.columns[2] == f"It was begun {most} times and never came to an end. It was killed."
    else:
        assert row.columns == (None, 0, "")


def test_a_process_that_is_busy_leaves_it_to_others(row) -> None:
    if row.kind.slot is None:
        pytest.skip("Any number of these at once.")
    with row.kind.slot:
        assert not row.work()
    assert row.work()


def test_a_bit_that_is_done_lets_others_go_first(row) -> None:
    turn = chores.take(row.kind, row.pk)
    assert turn
    assert turn.go_on()
    due_at, attempts, _detail = row.columns
    assert due_at <= timezone.now()
    assert attempts == 0


def test_the_sweep_rings_for_it_and_who_had_a_turn_for_the_next(row, monkeypatch) -> None:
    rung: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks, "send", lambda task, *sent: rung.append(sent) if task is tasks.chore else None)
    name, second = row.kind.name, MAKE[row.kind.name](timezone.now()).pk
    tasks.sweep()
    first = due(name)[0]
    assert rung == [(name, str(pk)) for pk in due(name)[: row.kind.at_once]]
    rung.clear()
    tasks.chore(name, str(first))
    [other] = {row.pk, second} - {first}
    assert rung == [(name, str(other))]
    tasks.chore(name, str(other))
    tasks.chore(name, str(other))
    assert len(rung) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", KINDS)
def test_of_several_that_take_it_at_once_one_wins(kind) -> None:
    pk, won = MAKE[kind](timezone.now()).pk, []

    def take() -> None:
        if chores.take(tasks.KINDS[kind], pk):
            won.append(1)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_while_the_work_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(schedule, "RENEW_EVERY", 0.05)
    row, renewed = Row("drawing", monkeypatch), threading.Event()
    real = chores.Turn.renew

    def renew(turn: chores.Turn[Any]) -> bool:
        done = real(turn)
        renewed.set()
        return done

    def act(turn: chores.Turn[Any]) -> None:
        row.set(due_at=timezone.now() + timedelta(seconds=5))
        renewed.clear()
        assert renewed.wait(10)
        row.acts.append(turn)
        assert row.columns[0] > timezone.now() + timedelta(seconds=15)
        turn.finish()

    monkeypatch.setattr(chores.Turn, "renew", renew)
    assert chores.work(chores.Kind(**{**vars(row.kind), "act": act}), row.pk)
    assert row.columns == (None, 0, "")


def test_a_long_chore_is_done_bit_by_bit(monkeypatch) -> None:
    left, done = [1, 2, 3], []

    def do(one: int) -> None:
        left.remove(one)
        done.append(one)

    assert chores.bit_by_bit(lambda: left[:2], do)
    assert done == [1, 2, 3]
    left[:] = [4, 5]
    monkeypatch.setattr(chores, "BIT", -1.0)
    assert not chores.bit_by_bit(lambda: left[:2], do)
    assert left == [5]
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match="Nothing of it"):
        chores.bit_by_bit(lambda: [5], lambda _one: None)
