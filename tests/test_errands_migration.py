"""What was under way as an errand goes on as a merge or a bulk job: nothing is lost, nothing done twice."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from callcov_portal.models import BulkJob, BulkState, Failure, LogEntry, Merge, Recording, State
from tests.factories import AgentFactory, AnalysisFactory, ContactFactory, RecordingFactory
from tests.working import work_all

BEFORE = [("portal", "0042_chores")]


@pytest.fixture
def go_back(transactional_db) -> Iterator[Callable[[], Any]]:
    """Return what takes the tables back to when there were errands, and returns these; afterwards all is as today.

    Calls are made before: what makes them knows the tables of today.
    """

    def back() -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate(BEFORE)
        return executor.loader.project_state(BEFORE).apps.get_model("portal", "Errand").objects

    yield back
    migrate()


def migrate() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def failed(failure: Failure, **fields):
    fields = {"finished_at": timezone.now() - timedelta(hours=1)} | fields
    return AnalysisFactory(state=State.FAILED, failure=failure, next_attempt_at=None, **fields)


def test_merges_go_on_where_they_were(go_back, alice) -> None:
    merged = {}
    for side, make in (("agent", AgentFactory), ("contact", ContactFactory)):
        kept = make()
        old = make(merged_into=kept)
        RecordingFactory.create_batch(2, **{side: old})
        merged[side] = old, kept
    asked = timezone.now() - timedelta(hours=1)
    errands = go_back()
    for side, (old, _) in merged.items():
        errands.create(
            kind=f"merge_{side}s", source=old.pk, user_id=alice.pk, done=5, created_at=asked, next_attempt_at=asked
        )
    migrate()
    assert Merge.objects.count() == 2
    for side, (old, _) in merged.items():
        one = Merge.objects.get(side=side)
        assert (one.source, one.user, one.done, one.created_at) == (old.pk, alice, 5, asked)
    work_all("merging")
    for side, (_, kept) in merged.items():
        one = Merge.objects.get(side=side)
        assert (one.done, one.due_at) == (7, None)
        assert one.finished_at
        assert Recording.objects.filter(**{side: kept}).count() == 2


def test_a_retry_goes_on_with_what_is_left_and_nothing_else(go_back, alice) -> None:
    waiting = failed(Failure.UNREACHABLE)
    others = [
        failed(Failure.BLOCKED),
        failed(Failure.UNREACHABLE, finished_at=timezone.now() + timedelta(hours=1)),  # failed again since
        failed(Failure.UNREACHABLE, sent_at=timezone.now()),
    ]
    errands = go_back()
    errands.create(kind="retry", failure="unreachable", user_id=alice.pk, done=3, created_at=timezone.now())
    errands.update(next_attempt_at=timezone.now() + timedelta(seconds=20))  # a worker that was stopped had it
    migrate()
    job = BulkJob.objects.get()
    assert (job.failure, job.done, job.total, job.state) == ("unreachable", 3, 4, BulkState.RUNNING)
    work_all("bulk")
    job.refresh_from_db()
    assert (job.state, job.done, job.refused) == (BulkState.FINISHED, 4, 0)
    waiting.refresh_from_db()
    assert waiting.state == State.QUEUED
    for other in others:
        other.refresh_from_db()
        assert other.state == State.FAILED
    assert LogEntry.objects.filter(act="retried", user=alice).count() == 1


def test_what_was_finished_is_forgotten_and_beginning_again_does_nothing_twice(go_back, alice) -> None:
    now = timezone.now()
    errands = go_back()
    errands.create(kind="merge_agents", source=1, user_id=alice.pk, created_at=now, finished_at=now)
    errands.create(kind="merge_agents", source=2, user_id=alice.pk, created_at=now, next_attempt_at=now)
    carry_over = import_module("callcov_portal.migrations.0043_errands_go_on").carry_over
    apps = MigrationExecutor(connection).loader.project_state(BEFORE).apps
    for _ in range(2):
        carry_over(apps, None)
    migrate()
    assert Merge.objects.get().source == 2
    assert not BulkJob.objects.exists()
