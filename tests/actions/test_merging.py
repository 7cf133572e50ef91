"""Merges: done bit by bit, through kills, once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal import tasks
from callcov_portal.actions import chores, merging, recordings, recounting, schedule
from callcov_portal.models import Agent, AgentWeek, LogEntry, Merge, Recording
from tests.factories import NOON, AgentFactory, ContactFactory, FindingFactory, RecordingFactory
from tests.working import due, work, work_all

pytestmark = pytest.mark.django_db


def calls_of(agent: Agent, count: int) -> None:
    for day in range(count):
        call = RecordingFactory(agent=agent, called_at=NOON + timedelta(days=3 * day))
        FindingFactory(analysis__recording=call, outcome=("met", "violated", "omitted")[day % 3])


def do_all() -> None:
    work_all("merging")


def test_a_merge_moves_every_call_and_every_sum(alice):
    one, other = AgentFactory(), AgentFactory()
    calls_of(one, 5)
    calls_of(other, 4)
    merging.merge(one, other, alice)
    do_all()
    assert Recording.objects.filter(agent=other).count() == 9
    assert recounting.recount() == recounting.Recount(9, [], 0)
    assert sum(AgentWeek.objects.filter(agent=other).values_list("calls", flat=True)) == 9
    assert sum(AgentWeek.objects.filter(agent=one).values_list("calls", flat=True)) == 0
    assert LogEntry.objects.get(act="merged").text == f"{one.identifier} into {other.identifier}"
    assert (Merge.objects.get().done, due("merging")) == (5, [])


def test_what_comes_later_under_the_old_identifier_goes_to_the_one_that_was_kept(alice):
    old, kept, last = AgentFactory(identifier="A-1"), AgentFactory(), AgentFactory()
    merging.merge(old, kept, alice)
    assert recordings.agent_named(" a-1 ") == kept
    merging.merge(kept, last, alice)
    assert recordings.agent_named("A-1") == last
    contact, other = ContactFactory(identifier="K-1"), ContactFactory()
    merging.merge(contact, other, alice)
    assert recordings.contact_named("k-1") == other


def test_merging_contacts_moves_their_calls(alice):
    contact, other = ContactFactory(), ContactFactory()
    call = RecordingFactory(contact=contact)
    merging.merge(contact, other, alice)
    do_all()
    call.refresh_from_db()
    assert call.contact == other


def test_none_is_merged_twice_or_with_itself(alice):
    one, other, third = AgentFactory(), AgentFactory(), AgentFactory()
    with pytest.raises(merging.CannotMerge, match="itself"):
        merging.merge(one, one, alice)
    merging.merge(one, other, alice)
    for source, target in ((one, third), (third, one), (other, one)):
        with pytest.raises(merging.CannotMerge, match="already"):
            merging.merge(source, target, alice)
    assert LogEntry.objects.filter(act="merged").count() == 1


def test_a_worker_that_dies_halfway_loses_nothing_and_doubles_nothing(alice, monkeypatch):
    one, other = AgentFactory(), AgentFactory()
    calls_of(one, 5)
    begun = merging.merge(one, other, alice)
    real = merging.move
    moved: list[int] = []

    def dies(one: Merge, number: int) -> None:
        if len(moved) == 2:
            raise SystemExit  # as good as SIGKILL: nothing after it runs
        moved.append(number)
        real(one, number)

    monkeypatch.setattr(merging, "move", dies)
    with pytest.raises(SystemExit):
        work("merging", begun.pk)
    monkeypatch.setattr(merging, "move", real)
    assert recounting.recount().is_equal
    assert work("merging", begun.pk) is False  # the dead one's lease holds
    assert Recording.objects.filter(agent=other).count() == 2
    Merge.objects.update(due_at=timezone.now() - timedelta(seconds=1))  # the lease is over
    do_all()
    assert (Recording.objects.filter(agent=other).count(), Merge.objects.get().done) == (5, 5)
    assert recounting.recount().is_equal


def test_it_gives_the_thread_back_after_some_seconds_and_goes_on_later(alice, monkeypatch):
    monkeypatch.setattr(chores, "BIT", -1.0)
    one, other = AgentFactory(), AgentFactory()
    calls_of(one, 3)
    pk = merging.merge(one, other, alice).pk
    assert [work("merging", pk) for _ in range(5)] == [True, True, True, True, False]  # the fourth finds nothing left
    assert Merge.objects.get().finished_at


def test_trouble_is_put_off_and_told(alice, monkeypatch):
    one, other = AgentFactory(), AgentFactory()
    calls_of(one, 1)
    pk = merging.merge(one, other, alice).pk
    monkeypatch.setattr(merging, "move", lambda _merge, _number: None)
    assert work("merging", pk)
    assert due("merging") == []
    row = Merge.objects.get()
    assert (row.attempts, row.finished_at) == (1, None)
    assert "Nothing of it could be done" in row.detail
    assert row.due_at
    assert row.due_at > timezone.now()


def test_the_sweep_rings_for_merges_that_are_due(alice, monkeypatch):
    one, rung = merging.merge(AgentFactory(), AgentFactory(), alice), []
    monkeypatch.setattr(tasks, "send", lambda task, *arguments: rung.append((task.name, *arguments)))
    tasks.sweep()
    assert (tasks.chore.name, "merging", str(one.pk)) in rung
    tasks.chore("merging", str(one.pk))
    assert Merge.objects.get().finished_at


def test_old_merges_are_forgotten(alice):
    merging.merge(AgentFactory(), AgentFactory(), alice)
    do_all()
    merging.forget_old(timezone.now())
    assert Merge.objects.count() == 1
    Merge.objects.update(finished_at=timezone.now() - merging.KEPT - schedule.LEASE)
    merging.forget_old(timezone.now())
    assert Merge.objects.count() == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5))
def test_however_agents_are_merged_the_sums_equal_a_recount(alice, pairs):
    with transaction.atomic():
        agents = [AgentFactory() for _ in range(4)]
        for agent in agents:
            calls_of(agent, 2)
        for source, target in pairs:
            try:
                merging.merge(agents[source], agents[target], alice)
            except merging.CannotMerge:
                continue
            if source % 2:
                do_all()
        do_all()
        assert not Recording.objects.filter(agent__merged_into__isnull=False).exists()
        assert recounting.recount() == recounting.Recount(8, [], 0)
        transaction.set_rollback(True)
