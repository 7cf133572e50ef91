"""Sweeping, tidying and holding rows."""

import os
import time
from datetime import timedelta

import pytest
from django.db import Error, connection
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import gateway, housekeeping, leases, marks, refreshing, schedule, sweeping
from callcov_portal.client.errors import Unavailable
from callcov_portal.models import Analysis, Delivery, Signal, State
from callcov_portal.models.analysis import AnalysisQuerySet
from callcov_portal.uploads import incoming_folder
from tests.factories import AnalysisFactory, CompletedFactory, ProcessingFactory, RecordingFactory, UserFactory
from tests.working import again, forget_the_limits


@pytest.mark.django_db
class TestSweeping:
    def test_it_finds_what_is_due_and_nothing_else(self, api) -> None:
        due = ProcessingFactory(state=State.SENDING)
        ProcessingFactory(state=State.SENDING, next_attempt_at=timezone.now() + timedelta(minutes=1))
        CompletedFactory()
        assert sweeping.sweep() == [due.pk]
        assert Signal.objects.filter(name=sweeping.SWEPT).exists()

    def test_an_api_that_is_away_is_asked_about_one_at_a_time_until_it_is_back(self, api) -> None:
        rows = ProcessingFactory.create_batch(3)
        api.trouble = [Unavailable("No answer.")]
        assert sweeping.sweep() == []
        forget_the_limits()
        assert len(sweeping.sweep()) == 1
        gateway.note_answer()
        assert set(sweeping.sweep()) == {row.pk for row in rows}

    def test_a_list_that_our_code_cannot_take_does_not_stop_it(self, api, monkeypatch) -> None:
        due = ProcessingFactory()
        monkeypatch.setattr(refreshing, "look_at_all", lambda: 1 / 0)
        assert sweeping.sweep() == [due.pk]

    def test_the_task_rings_for_each(self, api, monkeypatch) -> None:
        rung = []
        monkeypatch.setattr(tasks, "send", lambda task, *arguments: rung.append((task, *arguments)))
        due = ProcessingFactory.create_batch(2, state=State.SENDING)
        AnalysisFactory.create_batch(2)
        AnalysisFactory(needs_copy=True)
        tasks.sweep()
        assert sorted(row[1] for row in rung if row[0] is tasks.advance) == sorted(str(row.pk) for row in due)
        lines = [task for task, *_ in rung if task in {tasks.send_next, tasks.fetch_next}]
        assert lines == [tasks.send_next, tasks.fetch_next, tasks.fetch_next]


@pytest.mark.django_db
def test_a_broker_that_is_away_never_reaches_the_person(
    monkeypatch, queued, django_capture_on_commit_callbacks
) -> None:
    def away(*_args, **_kwargs):
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.advance, "apply_async", away)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.ring(queued.pk)
        tasks.ring(None)


@pytest.mark.django_db
def test_the_task_advances(api, queued) -> None:
    tasks.advance(str(queued.pk))
    assert again(queued).state == State.PROCESSING


@pytest.mark.django_db
def test_tidying_removes_what_is_old_and_keeps_what_is_new() -> None:
    old, new = incoming_folder() / "old.part", incoming_folder() / "new.part"
    for path in (old, new):
        path.touch()
    os.utime(old, (time.time() - 90_000,) * 2)
    done = CompletedFactory()
    for age in (1, 31):
        Delivery.objects.create(
            analysis=done,
            submission=1,
            received_at=timezone.now() - timedelta(days=age),
            body_sha256=f"{age}",
            body_size=0,
        )
    assert housekeeping.tidy_if_due()
    assert not housekeeping.tidy_if_due()
    assert [path.name for path in incoming_folder().iterdir()] == ["new.part"]
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestHolding:
    def test_a_held_row_is_renewed_while_the_work_goes_on(self, monkeypatch) -> None:
        monkeypatch.setattr(schedule, "RENEW_EVERY", 0.05)
        soon = timezone.now() + timedelta(seconds=5)
        analysis = AnalysisFactory(next_attempt_at=soon)
        with leases.held(analysis):
            deadline = time.monotonic() + 5
            while again(analysis).next_attempt_at == soon and time.monotonic() < deadline:
                time.sleep(0.05)
        assert again(analysis).next_attempt_at > soon + timedelta(seconds=10)

    def test_a_row_that_was_made_due_meanwhile_stays_due(self) -> None:
        analysis = AnalysisFactory()
        before = again(analysis).next_attempt_at
        leases.renew(analysis)
        assert again(analysis).next_attempt_at == before

    def test_a_database_that_is_away_is_tried_again_later(self, monkeypatch) -> None:
        analysis = AnalysisFactory()

        def away(*_args, **_kwargs):
            raise Error("gone")

        monkeypatch.setattr(AnalysisQuerySet, "update", away)
        assert not leases.renew(analysis)

    def test_a_connection_that_broke_is_replaced(self, monkeypatch) -> None:
        monkeypatch.setattr(schedule, "RENEW_EVERY", 0.05)
        soon = timezone.now() + timedelta(seconds=5)
        analysis = AnalysisFactory(next_attempt_at=soon)
        renew, breaks = leases.renew, iter([True])

        def break_once(row: Analysis) -> bool:
            if next(breaks, False):
                connection.ensure_connection()
                connection.connection.close()  # the server went away: Django has not noticed
            return renew(row)

        monkeypatch.setattr(leases, "renew", break_once)
        with leases.held(analysis):
            deadline = time.monotonic() + 5
            while again(analysis).next_attempt_at == soon and time.monotonic() < deadline:
                time.sleep(0.05)
        assert again(analysis).next_attempt_at > soon + timedelta(seconds=10)


@pytest.mark.django_db
def test_an_older_review_does_not_replace_the_mark_of_a_newer_one() -> None:
    recording, now = RecordingFactory(), timezone.now()
    alice, bob = UserFactory(), UserFactory()
    marks.mark_reviewed(recording, reviewer=alice, at=now, verdict="pass")
    marks.mark_reviewed(recording, reviewer=bob, at=now - timedelta(hours=1), verdict="fail")
    recording.refresh_from_db()
    assert (recording.verdict, recording.reviewed_by) == ("pass", alice)
