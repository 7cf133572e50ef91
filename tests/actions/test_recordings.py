"""Taking recordings in: the file first, the row second, nothing twice."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from callcov_portal.actions import recordings
from callcov_portal.actions.recordings import CallDetails, NotTaken, add_file, add_link
from callcov_portal.models import Agent, Analysis, Contact, Failure, LogEntry, Recording, State
from tests.factories import AgentFactory, CompletedFactory, ProcessingFactory, SegmentFactory
from tests.sounds import wav_file

pytestmark = pytest.mark.django_db
DETAILS = CallDetails(agent="rachel", contact="cust-1")


def add(tmp_path, name: str = "call.wav", details: CallDetails = DETAILS, seed: int = 0, **kwargs) -> Recording:
    path, sha256, size = wav_file(tmp_path, "incoming.part", seed=seed)
    return add_file(path=path, sha256=sha256, size=size, file_name=name, details=details, user=None, **kwargs)


def test_a_file_becomes_a_recording_with_an_analysis_that_is_due(tmp_path) -> None:
    recording = add(tmp_path)
    assert (recording.format, recording.channels, recording.duration_seconds) == ("wav", 1, pytest.approx(1.0))
    assert default_storage.size(recording.stored_name) == recording.size_bytes
    analysis = Analysis.objects.due(timezone.now()).get()
    assert (analysis, analysis.state) == (recording.current_analysis, State.QUEUED)
    assert not (tmp_path / "incoming.part").exists()


def test_the_stored_name_tells_nothing_about_the_call(tmp_path) -> None:
    assert "secret" not in add(tmp_path, "../../secret caller.wav").stored_name


def test_known_bytes_are_refused_naming_the_call_before_anything_is_stored(tmp_path) -> None:
    first = add(tmp_path)
    with pytest.raises(NotTaken) as refused:
        add(tmp_path, "another name.wav")
    assert (refused.value.code, refused.value.duplicate_of) == (Failure.DUPLICATE, first)
    assert f"call #{first.pk}" in str(refused.value)
    assert Analysis.objects.count() == 1


def test_of_two_uploads_of_one_file_at_once_the_second_is_refused_and_its_file_removed(tmp_path, monkeypatch) -> None:
    write = recordings.write_recording

    def somebody_was_faster(*args, **kwargs):
        write(*args, **kwargs)
        raise IntegrityError("UNIQUE constraint failed: portal_recording.sha256")

    monkeypatch.setattr(recordings, "write_recording", somebody_was_faster)
    with pytest.raises(NotTaken) as refused:
        add(tmp_path)
    assert refused.value.code == Failure.DUPLICATE


@pytest.mark.parametrize("content", [b"", b"just words\n" * 100, b"RIFF\x00\x00\x00\x00WAVEfmt "])
def test_what_holds_no_audio_is_refused_whatever_its_name(tmp_path, content) -> None:
    path = tmp_path / "incoming.part"
    path.write_bytes(content)
    with pytest.raises(NotTaken) as refused:
        add_file(path=path, sha256="a" * 64, size=len(content), file_name="a.wav", details=DETAILS, user=None)
    assert refused.value.code == Failure.NOT_AUDIO
    assert not Recording.objects.exists()


def test_agents_and_contacts_are_known_again_whatever_their_case_and_spaces(tmp_path) -> None:
    add(tmp_path, details=CallDetails("Rachel", "Cüst-1"))
    add(tmp_path, details=CallDetails("  RACHEL ", "cÜST-1 "), seed=1)
    assert Agent.objects.get().identifier == "Rachel"
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("contact", ["", "  ", "unknown", "Unknown"])
def test_an_unknown_contact_is_nobody(tmp_path, contact) -> None:
    recording = add(tmp_path, details=CallDetails("rachel", contact))
    assert (recording.contact, recording.contact_identifier) == (None, "unknown")


NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("details", "name", "file_date", "expected", "source"),
    [
        (CallDetails("a", called_at=NOON), "2026-01-01_10-00.wav", NOON - timedelta(1), NOON, "form"),
        (CallDetails("a"), "rachel_20260101-100000.wav", NOON, datetime(2026, 1, 1, 10, tzinfo=UTC), "file_name"),
        (CallDetails("a"), "call.wav", NOON, NOON, "file_date"),
    ],
)
def test_the_time_of_the_call_is_taken_from_the_best_source(
    tmp_path, details, name, file_date, expected, source
) -> None:
    recording = add(tmp_path, name, details, file_date=file_date)
    assert (recording.called_at, recording.called_at_source) == (expected, source)
    assert recording.called_at_is_assumed == (source != "form")


@pytest.mark.parametrize("file_date", [None, datetime(2090, 1, 1, tzinfo=UTC)])
def test_without_any_source_the_time_of_the_upload_is_assumed(tmp_path, file_date) -> None:
    recording = add(tmp_path, file_date=file_date)
    assert recording.called_at_source == "upload"
    assert abs(recording.called_at - timezone.now()) < timedelta(seconds=20)


def test_a_link_becomes_a_recording_that_is_fetched_later() -> None:
    recording = add_link(link="https://example.com/a/call%201.wav?sig=x", details=DETAILS, user=None)
    assert (recording.stored_name, recording.file_name, recording.sha256) == ("", "call%201.wav", None)
    assert recording.current_analysis.state == State.QUEUED


@pytest.mark.parametrize("link", ["http://127.0.0.1/a.wav", "ftp://example.com/a", "http://good\\@127.0.0.1/", "x"])
def test_a_link_to_an_address_that_is_not_allowed_is_refused(link) -> None:
    with pytest.raises(NotTaken) as refused:
        add_link(link=link, details=DETAILS, user=None)
    assert refused.value.code == Failure.BLOCKED


def test_an_internal_host_that_is_allowed_by_setting_is_taken(settings) -> None:
    settings.CALLCOV_FETCH_ALLOW = ["127.0.0.1:9000"]
    assert add_link(link="http://127.0.0.1:9000/a.wav", details=DETAILS, user=None).pk


class TestEditing:
    def test_what_changed_is_written_and_logged(self, tmp_path, alice) -> None:
        recording = add(tmp_path)
        changes = recordings.edit_details(recording, CallDetails("bea", "", NOON, "outbound"), alice)
        recording.refresh_from_db()
        assert (recording.agent.identifier, recording.contact) == ("bea", None)
        assert (recording.called_at, recording.called_at_source, recording.direction) == (NOON, "form", "outbound")
        assert changes[0] == "agent: rachel → bea"
        entry = LogEntry.objects.get()
        assert (entry.user, entry.act, entry.recording_number) == (alice, "edited", recording.pk)

    def test_nothing_changed_logs_nothing(self, tmp_path, alice) -> None:
        recording = add(tmp_path)
        assert recordings.edit_details(recording, CallDetails("rachel", "cust-1"), alice) == []
        assert not LogEntry.objects.exists()


def test_deleting_takes_the_file_and_everything_read_from_it_and_is_logged(
    tmp_path, alice, django_capture_on_commit_callbacks
) -> None:
    recording = add(tmp_path)
    analysis = CompletedFactory(recording=recording)
    SegmentFactory(analysis=analysis)
    number, name = recording.pk, recording.stored_name
    with django_capture_on_commit_callbacks(execute=True):
        recordings.delete(recording, alice)
    assert not default_storage.exists(name)
    assert not Recording.objects.exists()
    assert not Analysis.objects.exists()
    assert LogEntry.objects.get().recording_number == number


def test_the_same_bytes_may_come_again_after_deleting(tmp_path, alice) -> None:
    recordings.delete(add(tmp_path), alice)
    assert add(tmp_path).pk


def test_an_agent_keeps_the_spelling_it_came_with_first() -> None:
    known = AgentFactory(identifier="Agent_John")
    assert recordings.agent_named("agent_john") == known


def test_a_file_that_came_after_the_page_was_read_is_deleted_too(
    tmp_path, alice, django_capture_on_commit_callbacks
) -> None:
    recording = add(tmp_path)
    as_seen = Recording.objects.get(pk=recording.pk)
    as_seen.file.name = ""  # the link was still being fetched
    with django_capture_on_commit_callbacks(execute=True):
        recordings.delete(as_seen, alice)
    assert not default_storage.exists(recording.stored_name)


def test_deleting_twice_is_no_error_and_logged_once(tmp_path, alice) -> None:
    recording = add(tmp_path)
    seen_by_another = Recording.objects.get(pk=recording.pk)
    recordings.delete(recording, alice)
    recordings.delete(seen_by_another, alice)
    assert LogEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_result_that_is_being_written_does_not_stop_a_deletion(alice) -> None:
    analysis = ProcessingFactory()
    written, go_on = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                Analysis.objects.move(analysis.pk, State.COMPLETED, next_attempt_at=None)
                SegmentFactory(analysis=analysis)
                written.set()
                go_on.wait(0.5)
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    written.wait(10)
    recordings.delete(analysis.recording, alice)
    go_on.set()
    thread.join()
    assert not Recording.objects.exists()


def test_a_link_that_is_too_long_to_be_kept_is_refused() -> None:
    with pytest.raises(NotTaken) as refused:
        add_link(link="https://example.com/" + "a" * 2000, details=DETAILS, user=None)
    assert "2000" in str(refused.value)
    assert not Recording.objects.exists()


def test_a_file_whose_row_could_not_be_written_is_not_left_behind(
    tmp_path, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    def broken(*_args, **_kwargs):
        raise RuntimeError("no row")

    monkeypatch.setattr(recordings, "write_recording", broken)
    with pytest.raises(RuntimeError), django_capture_on_commit_callbacks(execute=True):
        add(tmp_path)
    assert [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()] == []


def test_the_log_tells_times_in_the_portal_s_zone(tmp_path, alice, settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    recording = add(tmp_path, details=CallDetails("rachel", called_at=NOON))
    (change,) = recordings.edit_details(recording, CallDetails("rachel", called_at=NOON + timedelta(hours=1)), alice)
    assert change == "time: 2026-03-02 07:00:00-05:00 → 2026-03-02 08:00:00-05:00"
