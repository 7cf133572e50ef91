"""Exports in the background: made exactly once, whoever dies."""

import hashlib
import json
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal import choosing, tasks
from callcov_portal.actions import chores, exporting, housekeeping, schedule
from callcov_portal.exports import NotPossible, Tally, wish_for
from callcov_portal.models import Export, ExportState, LogEntry, Recording
from callcov_portal.uploads import DiskFull, incoming_folder
from tests.factories import CompletedFactory, FindingFactory, RecordingFactory
from tests.working import due, work

pytestmark = pytest.mark.django_db


def ordered(form="csv", user=None, **options) -> Export:
    return exporting.order(wish_for("calls", form, **options), user)


def taken(export: Export) -> chores.Turn[Export] | None:
    return chores.take(tasks.KINDS["exporting"], export.pk)


def content(export: Export) -> bytes:
    with default_storage.open(export.stored_name) as file:
        return file.read()


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx", "zip"])
def test_an_export_is_made_with_its_manifest(form, bob):
    FindingFactory(analysis=CompletedFactory(rules="c" * 64))
    RecordingFactory()
    export = ordered(form, bob, columns=["call", "met"])
    assert (export.state, due("exporting")) == (ExportState.WAITING, [export.pk])
    assert work("exporting", export.pk)
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
    assert not work("exporting", export.pk)


def test_rows_that_tell_nothing_of_an_analysis_name_no_rules():
    CompletedFactory(rules="c" * 64)
    export = ordered(columns=["call", "agent"])
    work("exporting", export.pk)
    export.refresh_from_db()
    assert export.manifest.items() >= {"rows": 1, "rule_versions": []}.items()


def test_the_filters_choose_the_calls():
    chosen = RecordingFactory()
    RecordingFactory()
    export = exporting.order(wish_for("calls").of(f"agent={chosen.agent.identifier}"), None)
    work("exporting", export.pk)
    export.refresh_from_db()
    assert export.rows == 1


def test_filters_that_cannot_be_read_end_it_at_once_with_the_cause():
    export = exporting.order(wish_for("calls").of("since=yesterday"), None)
    work("exporting", export.pk)
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
    work("exporting", export.pk)
    export.refresh_from_db()
    assert "no column mood" in export.detail


def test_trouble_is_tried_again_later_and_given_up_in_the_end():
    export = ordered()

    def full(_query):
        raise DiskFull("The disk has only 1 MB left.")

    for attempt in range(1, exporting.MOST_TRIES + 1):
        Export.objects.update(due_at=timezone.now())
        assert chores.work(exporting.kind(full), export.pk)
        export.refresh_from_db()
        assert (export.attempts, export.detail) == (attempt, "The disk has only 1 MB left.")
    assert (export.state, export.due_at) == (ExportState.FAILED, None)
    assert not work("exporting", export.pk)


def test_an_unexpected_error_does_not_stop_the_line():
    bad, good = ordered(), ordered()

    def broken(query):
        raise RuntimeError("boom")

    assert chores.work(exporting.kind(broken), bad.pk)
    bad.refresh_from_db()
    assert (bad.state, bad.detail) == (ExportState.WAITING, "RuntimeError: boom")
    assert bad.due_at > timezone.now()
    assert due("exporting") == [good.pk]


def test_what_a_killed_worker_began_is_made_by_another_once_its_lease_is_over(monkeypatch):
    RecordingFactory()
    export = ordered()
    assert taken(export)  # and dies
    assert not work("exporting", export.pk)
    Export.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert work("exporting", export.pk)
    export.refresh_from_db()
    assert (export.state, export.rows, export.attempts) == (ExportState.READY, 1, 0)


def test_what_kills_its_workers_again_and_again_is_given_up():
    export = ordered()
    Export.objects.update(attempts=exporting.MOST_TRIES)
    work("exporting", export.pk)
    export.refresh_from_db()
    assert export.state == ExportState.FAILED
    assert "never came to an end" in export.detail


def test_a_worker_that_was_taken_for_dead_neither_overwrites_nor_leaves_a_file(django_capture_on_commit_callbacks):
    export = ordered()

    def choose(query):
        Export.objects.update(attempts=2)  # another has taken it meanwhile
        return Recording.objects.all()

    with django_capture_on_commit_callbacks(execute=True):
        chores.work(exporting.kind(choose), export.pk)
    export.refresh_from_db()
    assert (export.attempts, export.state, export.stored_name) == (2, ExportState.MAKING, "")
    assert [path for path in Path(default_storage.path("")).rglob("*") if path.is_file()] == []


def test_of_two_that_claim_one_wins():
    export = ordered()
    assert taken(export)
    assert not taken(export)


def test_an_export_that_is_deleted_while_it_is_made_stops(monkeypatch):
    monkeypatch.setattr(exporting, "TOLD_EVERY", 0.0)
    RecordingFactory()
    export = ordered()

    def choose(query):
        Export.objects.all().delete()
        return Recording.objects.all()

    assert chores.work(exporting.kind(choose), export.pk)
    assert not Export.objects.exists()
    assert list(incoming_folder().iterdir()) == []


def test_progress_is_written_down(monkeypatch):
    monkeypatch.setattr(exporting, "TOLD_EVERY", 0.0)
    RecordingFactory.create_batch(2)
    export = ordered()
    tally = Tally(rows=5)
    turn = taken(export)
    assert turn
    exporting.note_of(turn)(tally)
    export.refresh_from_db()
    assert export.rows == 5
    Export.objects.update(attempts=2)  # another has taken it meanwhile
    with pytest.raises(chores.Taken):
        exporting.note_of(turn)(tally)


def test_a_process_makes_one_at_a_time():
    export = ordered()
    assert exporting.SLOT.acquire(blocking=False)
    try:
        held = []
        thread = threading.Thread(target=lambda: held.append(work("exporting", export.pk)))
        thread.start()
        thread.join()
        assert held == [False]
    finally:
        exporting.SLOT.release()


def test_the_lease_is_pushed_while_it_is_ours():
    export = ordered()
    turn = taken(export)
    Export.objects.update(due_at=timezone.now())
    assert turn.renew()
    export.refresh_from_db()
    assert export.due_at > timezone.now() + schedule.LEASE / 2


def test_deleting_takes_the_file_along(django_capture_on_commit_callbacks):
    export = ordered()
    work("exporting", export.pk)
    export.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        exporting.remove(export)
        exporting.remove(export)
    assert not default_storage.exists(export.stored_name)


def test_housekeeping_removes_what_is_over_and_what_killed_workers_left(settings, django_capture_on_commit_callbacks):
    settings.CALLCOV_EXPORT_KEEP_DAYS = 3
    export, fresh = ordered(), ordered()
    work("exporting", export.pk)
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
    monkeypatch.setattr(tasks, "send", lambda task, *sent: rung.append((task.name, *sent)))
    first, second = ordered(), ordered()
    tasks.sweep()
    assert [(name, kind, pk) for name, kind, pk in rung if kind == "exporting"] == [
        ("callcov_portal.tasks.chore", "exporting", str(first.pk)),
        ("callcov_portal.tasks.chore", "exporting", str(second.pk)),
    ]
    rung.clear()
    tasks.chore("exporting", str(first.pk))
    assert rung == [("callcov_portal.tasks.chore", "exporting", str(second.pk))]


def test_a_choice_of_calls_that_cannot_be_read_is_named():
    with pytest.raises(NotPossible, match="outcome: Select a valid choice"):
        choosing.calls_of("outcome=nonsense")


def test_a_manifest_is_json():
    export = ordered("zip")
    work("exporting", export.pk)
    export.refresh_from_db()
    assert json.loads(json.dumps(export.manifest)) == export.manifest
