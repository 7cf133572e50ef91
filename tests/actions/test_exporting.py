"""Exports in the background: made exactly once, whoever dies."""

import hashlib
import json
import shutil
import threading
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal import choosing, tasks
from callcov_portal.actions import exporting, housekeeping, schedule
from callcov_portal.exports import NotPossible, Tally, wish_for
from callcov_portal.models import Export, ExportState, LogEntry, Recording
from callcov_portal.uploads import DiskFull, incoming_folder
from tests.factories import CompletedFactory, FindingFactory, RecordingFactory

pytestmark = pytest.mark.django_db


def ordered(form="csv", user=None, **options) -> Export:
    return exporting.order(wish_for("calls", form, **options), user)


def content(export: Export) -> bytes:
    with default_storage.open(export.stored_name) as file:
        return file.read()


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx", "zip"])
def test_an_export_is_made_with_its_manifest(form, bob):
    FindingFactory(analysis=CompletedFactory(rules="c" * 64))
    RecordingFactory()
    export = ordered(form, bob, columns=["call", "met"])
    assert (export.state, exporting.due(timezone.now())) == (ExportState.WAITING, [export.pk])
    assert exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert (export.state, export.rows, export.due_at) == (ExportState.READY, 2, None)
    held = content(export)
    assert (export.size_bytes, export.sha256) == (len(held), hashlib.sha256(held).hexdigest())
    expected = {
        "export": export.pk, "made_by": "bob", "table": "calls", "format": form, "columns": ["call", "met"],
        "filters": "", "rows": 2, "sensitive_data": "masked", "size_bytes": len(held), "sha256": export.sha256,
        "rule_versions": ["c" * 64], "software": "callcov-portal 0.1.0",
    }  # fmt: skip
    assert export.manifest.items() >= expected.items()
    assert export.file_name.endswith(f".{form}")
    assert list(incoming_folder().iterdir()) == []
    assert not exporting.make(export.pk, choosing.calls_of)


def test_rows_that_tell_nothing_of_an_analysis_name_no_rules():
    CompletedFactory(rules="c" * 64)
    export = ordered(columns=["call", "agent"])
    exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert export.manifest.items() >= {"rows": 1, "rule_versions": []}.items()


def test_the_filters_choose_the_calls():
    chosen = RecordingFactory()
    RecordingFactory()
    export = exporting.order(wish_for("calls").of(f"agent={chosen.agent.identifier}"), None)
    exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert export.rows == 1


def test_filters_that_cannot_be_read_end_it_at_once_with_the_cause():
    export = exporting.order(wish_for("calls").of("since=yesterday"), None)
    exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert export.state == ExportState.FAILED
    assert "since: Enter a valid date." in export.detail
    assert exporting.retry(export)
    assert not exporting.retry(export)
    export.refresh_from_db()
    assert (export.state, export.detail, export.attempts) == (ExportState.WAITING, "", 0)


def test_a_column_that_this_version_has_no_more_is_a_cause_too():
    export = ordered()
    Export.objects.update(columns=["call", "mood"])
    exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert "no column mood" in export.detail


def test_trouble_is_tried_again_later_and_given_up_in_the_end():
    export = ordered()

    def full(_query):
        raise DiskFull("The disk has only 1 MB left.")

    for attempt in range(1, exporting.MOST_TRIES + 1):
        Export.objects.update(due_at=timezone.now())
        assert exporting.make(export.pk, full)
        export.refresh_from_db()
        assert (export.attempts, export.detail) == (attempt, "The disk has only 1 MB left.")
    assert (export.state, export.due_at) == (ExportState.FAILED, None)
    assert not exporting.make(export.pk, choosing.calls_of)


def test_an_unexpected_error_does_not_stop_the_line():
    bad, good = ordered(), ordered()

    def broken(query):
        raise RuntimeError("boom")

    assert exporting.make(bad.pk, broken)
    bad.refresh_from_db()
    assert (bad.state, bad.detail) == (ExportState.WAITING, "RuntimeError: boom")
    assert bad.due_at > timezone.now()
    assert exporting.due(timezone.now()) == [good.pk]


def test_what_a_killed_worker_began_is_made_by_another_once_its_lease_is_over(monkeypatch):
    RecordingFactory()
    export = ordered()
    assert Export.objects.claim(export, timezone.now() + schedule.LEASE)  # and dies
    assert not exporting.make(export.pk, choosing.calls_of)
    Export.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert (export.state, export.rows, export.runs) == (ExportState.READY, 1, 2)


def test_what_kills_its_workers_again_and_again_is_given_up():
    export = ordered()
    Export.objects.update(attempts=exporting.MOST_TRIES, runs=exporting.MOST_TRIES)
    exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert export.state == ExportState.FAILED
    assert "never came to an end" in export.detail


def test_a_worker_that_was_taken_for_dead_neither_overwrites_nor_leaves_a_file(monkeypatch):
    export = ordered()

    def choose(query):
        Export.objects.update(runs=99)  # another has taken it meanwhile
        return Recording.objects.all()

    exporting.make(export.pk, choose)
    export.refresh_from_db()
    assert (export.runs, export.state, export.stored_name) == (99, ExportState.MAKING, "")


def test_of_two_that_claim_one_wins():
    export = ordered()
    first, second = Export.objects.get(pk=export.pk), Export.objects.get(pk=export.pk)
    until = timezone.now() + schedule.LEASE
    assert Export.objects.claim(first, until)
    assert not Export.objects.claim(second, until)


def test_an_export_that_is_deleted_while_it_is_made_stops(monkeypatch):
    monkeypatch.setattr(exporting, "TOLD_EVERY", 0.0)
    RecordingFactory()
    export = ordered()

    def choose(query):
        Export.objects.all().delete()
        return Recording.objects.all()

    assert exporting.make(export.pk, choose)
    assert not Export.objects.exists()
    assert list(incoming_folder().iterdir()) == []


def test_progress_is_written_down(monkeypatch):
    monkeypatch.setattr(exporting, "TOLD_EVERY", 0.0)
    seen = []
    real = exporting.own
    monkeypatch.setattr(exporting, "own", lambda export: seen.append(export.pk) or real(export))
    RecordingFactory.create_batch(2)
    export = ordered()
    tally = Tally(rows=5)
    assert Export.objects.claim(export, timezone.now() + schedule.LEASE)
    export.runs += 1
    exporting.note_of(export)(tally)
    export.refresh_from_db()
    assert (export.rows, seen) == (5, [export.pk])


def test_a_process_makes_one_at_a_time():
    export = ordered()
    assert exporting.SLOTS.acquire(blocking=False)
    try:
        held = []
        thread = threading.Thread(target=lambda: held.append(exporting.make(export.pk, choosing.calls_of)))
        thread.start()
        thread.join()
        assert held == [False]
    finally:
        exporting.SLOTS.release()


def test_the_lease_is_pushed_while_it_is_ours():
    export = ordered()
    Export.objects.claim(export, timezone.now())
    export.runs += 1
    assert exporting.renew(export)
    export.refresh_from_db()
    assert export.due_at > timezone.now() + schedule.LEASE / 2


def test_deleting_takes_the_file_along(django_capture_on_commit_callbacks):
    export = ordered()
    exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        exporting.remove(export)
        exporting.remove(export)
    assert not default_storage.exists(export.stored_name)


def test_housekeeping_removes_what_is_over_and_what_killed_workers_left(settings, django_capture_on_commit_callbacks):
    settings.CALLCOV_EXPORT_KEEP_DAYS = 3
    export, fresh = ordered(), ordered()
    exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert timedelta(days=2.9) < export.expires_at - timezone.now() < timedelta(days=3)
    Export.objects.filter(pk=export.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    left = incoming_folder() / f"x{exporting.WORK_SUFFIX}"
    left.mkdir()
    with django_capture_on_commit_callbacks(execute=True):
        housekeeping.tidy()
    assert list(Export.objects.all()) == [fresh]
    assert not default_storage.exists(export.stored_name)
    assert left.exists()
    import os

    os.utime(left, (0, 0))
    housekeeping.tidy()
    assert not left.exists()
    shutil.rmtree(left, ignore_errors=True)


def test_sensitive_data_is_logged_when_it_is_ordered(dora):
    ordered(user=dora, unmasked=True)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.act, entry.text) == (dora, "sensitive data exported", "calls: all calls")


def test_the_sweep_rings_for_what_is_due(monkeypatch):
    rung = []
    monkeypatch.setattr(tasks, "send", lambda task, pk: rung.append((task.name, pk)))
    first, second = ordered(), ordered()
    tasks.sweep()
    assert [(name, pk) for name, pk in rung if name.endswith("make_export")] == [
        ("callcov_portal.tasks.make_export", first.pk),
        ("callcov_portal.tasks.make_export", second.pk),
    ]
    rung.clear()
    tasks.make_export(first.pk)
    assert rung == [("callcov_portal.tasks.make_export", second.pk)]


def test_a_choice_of_calls_that_cannot_be_read_is_named():
    with pytest.raises(NotPossible, match="outcome: Select a valid choice"):
        choosing.calls_of("outcome=nonsense")


def test_a_manifest_is_json():
    export = ordered("zip")
    exporting.make(export.pk, choosing.calls_of)
    export.refresh_from_db()
    assert json.loads(json.dumps(export.manifest)) == export.manifest
