"""Errands: done bit by bit, through kills, once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal import tasks
from callcov_portal.actions import errands, recordings, recounting, schedule
from callcov_portal.models import Agent, AgentWeek, Errand, Failure, LogEntry, Recording, State
from tests.factories import NOON, AgentFactory, AnalysisFactory, ContactFactory, FindingFactory, RecordingFactory

pytestmark = pytest.mark.django_db


def calls_of(agent: Agent, count: int) -> None:
    for day in range(count):
        call = RecordingFactory(agent=agent, called_at=NOON + timedelta(days=3 * day))
        FindingFactory(analysis__recording=call, outcome=("met", "violated", "omitted")[day % 3])


def do_all() -> None:
    for pk in errands.due():
        while errands.go_on(pk):
            pass


def test_a_merge_moves_every_call_and_every_sum(alice):
    one, other = AgentFactory(), AgentFactory()
    calls_of(one, 5)
    calls_of(other, 4)
    errands.merge(one, other, alice)
    do_all()
    assert Recording.objects.filter(agent=other).count() == 9
    assert recounting.recount() == recounting.Recount(9, [], 0)
    assert sum(AgentWeek.objects.filter(agent=other).values_list("calls", flat=True)) == 9
    assert sum(AgentWeek.objects.filter(agent=one).values_list("calls", flat=True)) == 0
    assert LogEntry.objects.get(act="merged").text == f"{one.identifier} into {other.identifier}"
    assert (Errand.objects.get().done, errands.due()) == (5, [])


def test_what_comes_later_under_the_old_identifier_goes_to_the_one_that_was_kept(alice):
    old, kept, last = AgentFactory(identifier="A-1"), AgentFactory(), AgentFactory()
    errands.merge(old, kept, alice)
    assert recordings.agent_named(" a-1 ") == kept
    errands.merge(kept, last, alice)
    assert recordings.agent_named("A-1") == last
    contact, other = ContactFactory(identifier="K-1"), ContactFactory()
    errands.merge(contact, other, alice)
    assert recordings.contact_named("k-1") == other


def test_merging_contacts_moves_their_calls(alice):
    contact, other = ContactFactory(), ContactFactory()
    call = RecordingFactory(contact=contact)
    errands.merge(contact, other, alice)
    do_all()
    call.refresh_from_db()
    assert call.contact == other


def test_none_is_merged_twice_or_with_itself(alice):
    one, other, third = AgentFactory(), AgentFactory(), AgentFactory()
    with pytest.raises(errands.CannotMerge, match="itself"):
        errands.merge(one, one, alice)
    errands.merge(one, other, alice)
    for source, target in ((one, third), (third, one), (other, one)):
        with pytest.raises(errands.CannotMerge, match="already"):
            errands.merge(source, target, alice)
    assert LogEntry.objects.filter(act="merged").count() == 1


def test_a_worker_that_dies_halfway_loses_nothing_and_doubles_nothing(alice, monkeypatch):
    one, other = AgentFactory(), AgentFactory()
    calls_of(one, 5)
    errand = errands.merge(one, other, alice)
    real = errands.move_one
    moved: list[int] = []

    def dies(errand: Errand, number: int) -> bool:
        if len(moved) == 2:
            raise SystemExit  # as good as SIGKILL: nothing after it runs
        moved.append(number)
        return real(errand, number)

    monkeypatch.setattr(errands, "move_one", dies)
    with pytest.raises(SystemExit):
        errands.go_on(errand.pk)
    monkeypatch.setattr(errands, "move_one", real)
    assert recounting.recount().is_equal
    assert errands.go_on(errand.pk) is False  # the dead one's lease holds
    assert Recording.objects.filter(agent=other).count() == 2
    Errand.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))  # the lease is over
    do_all()
    assert (Recording.objects.filter(agent=other).count(), Errand.objects.get().done) == (5, 5)
    assert recounting.recount().is_equal


def test_it_gives_the_thread_back_after_some_seconds_and_goes_on_later(alice, monkeypatch):
    monkeypatch.setattr(errands, "BUDGET", -1.0)
    one, other = AgentFactory(), AgentFactory()
    calls_of(one, 3)
    pk = errands.merge(one, other, alice).pk
    assert [errands.go_on(pk) for _ in range(5)] == [True, True, True, False, False]


def test_trouble_is_put_off_and_told(alice, monkeypatch):
    one, other = AgentFactory(), AgentFactory()
    calls_of(one, 1)
    pk = errands.merge(one, other, alice).pk
    monkeypatch.setattr(errands, "do_one", lambda _errand, _number: None)
    assert errands.go_on(pk) is False
    errand = Errand.objects.get()
    assert (errand.attempts, errand.finished_at) == (1, None)
    assert "Nothing of it could be done" in errand.detail
    assert errand.next_attempt_at > timezone.now()


def test_what_fails_again_is_not_retried_for_ever(alice):
    then = timezone.now() - timedelta(minutes=1)
    analysis = AnalysisFactory(state=State.FAILED, failure=Failure.UNREACHABLE, next_attempt_at=None, finished_at=then)
    assert errands.retry_all(Failure.UNREACHABLE, alice)
    assert errands.retry_all(Failure.UNREACHABLE, alice) is None
    do_all()
    analysis.refresh_from_db()
    assert analysis.state == State.QUEUED
    type(analysis).objects.move(analysis.pk, State.FAILED, Failure.UNREACHABLE, finished_at=timezone.now())
    do_all()
    analysis.refresh_from_db()
    assert analysis.state == State.FAILED
    assert errands.retry_all(Failure.UNREACHABLE, alice)  # a person may ask again


def test_the_sweep_rings_for_errands_that_are_due(alice, monkeypatch):
    errand, rung = errands.merge(AgentFactory(), AgentFactory(), alice), []
    monkeypatch.setattr(tasks, "send", lambda task, argument: rung.append((task.name, argument)))
    tasks.sweep()
    assert (tasks.go_on.name, errand.pk) in rung
    tasks.go_on(errand.pk)
    assert Errand.objects.get().finished_at


def test_old_errands_are_forgotten(alice):
    errands.merge(AgentFactory(), AgentFactory(), alice)
    do_all()
    errands.tidy()
    assert Errand.objects.count() == 1
    Errand.objects.update(finished_at=timezone.now() - errands.OLD - schedule.LEASE)
    errands.tidy()
    assert Errand.objects.count() == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5))
def test_however_agents_are_merged_the_sums_equal_a_recount(alice, pairs):
    with transaction.atomic():
        agents = [AgentFactory() for _ in range(4)]
        for agent in agents:
            calls_of(agent, 2)
        for source, target in pairs:
            try:
                errands.merge(agents[source], agents[target], alice)
            except errands.CannotMerge:
                continue
            if source % 2:
                do_all()
        do_all()
        assert not Recording.objects.filter(agent__merged_into__isnull=False).exists()
        assert recounting.recount() == recounting.Recount(8, [], 0)
        transaction.set_rollback(True)
