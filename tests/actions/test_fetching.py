"""Links: their copy is fetched before anything is sent."""

import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from callcov_portal.actions import fetching, recordings, schedule
from callcov_portal.actions.advancing import advance
from callcov_portal.actions.recordings import CallDetails, add_link
from callcov_portal.models import Analysis, Failure, Recording, State
from callcov_portal.sound import Probe, SoundError
from callcov_portal.uploads import incoming_folder
from tests.factories import RecordingFactory
from tests.sounds import wav
from tests.working import again, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(settings, tmp_path):
    """A web server with recordings, allowed by setting; returns its folder's path and its address."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def do_GET(self):
            status = Path(self.path).stem
            if status.isdecimal():
                self.send_error(int(status))
            else:
                super().do_GET()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        settings.CALLCOV_FETCH_ALLOW = [f"127.0.0.1:{port}"]
        yield folder, f"http://127.0.0.1:{port}"
        server.shutdown()


def linked(address: str) -> Analysis:
    analysis = add_link(link=address, details=CallDetails("rachel"), user=None).current_analysis
    assert analysis is not None
    return analysis


def test_a_link_is_fetched_kept_and_sent(api, shelf) -> None:
    (shelf[0] / "a.wav").write_bytes(wav())
    analysis = linked(f"{shelf[1]}/a.wav")
    advance(analysis.pk)
    after = again(analysis)
    assert after.state == State.PROCESSING
    assert after.recording.sha256 == hashlib.sha256(wav()).hexdigest()
    assert (after.recording.format, after.recording.size_bytes) == ("wav", len(wav()))
    assert api.sent[0]["bytes"] == wav()


def test_the_copy_is_fetched_once_even_if_sending_waits(api, shelf, settings) -> None:
    settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 1
    from callcov_portal.actions import pace

    pace.take(pace.SUBMISSION)
    (shelf[0] / "a.wav").write_bytes(wav())
    analysis = linked(f"{shelf[1]}/a.wav")
    advance(analysis.pk)
    (shelf[0] / "a.wav").unlink()
    make_due(analysis)
    advance(analysis.pk)
    after = again(analysis)
    assert (after.state, bool(after.recording.stored_name)) == (State.QUEUED, True)


def test_fetched_bytes_that_are_known_end_as_a_duplicate_and_are_not_sent(api, shelf) -> None:
    known = RecordingFactory(sha256=hashlib.sha256(wav()).hexdigest())
    (shelf[0] / "a.wav").write_bytes(wav())
    analysis = linked(f"{shelf[1]}/a.wav")
    advance(analysis.pk)
    after = again(analysis)
    assert (after.failure, after.duplicate_of, api.sent) == (Failure.DUPLICATE, known, [])


def test_a_link_to_something_that_is_no_audio_says_so(api, shelf) -> None:
    (shelf[0] / "a.wav").write_bytes(b"<html>Sign in first</html>" * 50)
    analysis = linked(f"{shelf[1]}/a.wav")
    advance(analysis.pk)
    assert again(analysis).failure == Failure.NOT_AUDIO


def test_a_link_to_something_too_large_says_so(api, shelf, settings) -> None:
    settings.CALLCOV_MAX_UPLOAD_MB = 1
    (shelf[0] / "a.wav").write_bytes(wav(seconds=70))
    analysis = linked(f"{shelf[1]}/a.wav")
    advance(analysis.pk)
    assert again(analysis).failure == Failure.TOO_LARGE


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_dead_link_fails_at_once_and_can_be_retried(api, shelf, status) -> None:
    analysis = linked(f"{shelf[1]}/{status}.wav")
    advance(analysis.pk)
    after = again(analysis)
    assert (after.failure, after.may_retry) == (Failure.UNREACHABLE, True)
    assert str(status) in after.detail


def test_a_link_in_passing_trouble_is_tried_a_few_times(api, shelf) -> None:
    analysis = linked(f"{shelf[1]}/503.wav")
    for attempt in range(1, schedule.MOST_LINK_TRIES):
        make_due(analysis)
        advance(analysis.pk)
        assert (again(analysis).state, again(analysis).attempts) == (State.QUEUED, attempt)
    make_due(analysis)
    advance(analysis.pk)
    assert again(analysis).failure == Failure.UNREACHABLE


def test_an_address_that_is_not_allowed_any_more_is_blocked(api, shelf, settings) -> None:
    analysis = linked(f"{shelf[1]}/a.wav")
    settings.CALLCOV_FETCH_ALLOW = []
    advance(analysis.pk)
    assert again(analysis).failure == Failure.BLOCKED


def test_nothing_is_left_in_the_incoming_folder(api, shelf) -> None:
    (shelf[0] / "a.wav").write_bytes(b"nothing")
    for name in ("a.wav", "404.wav"):
        advance(linked(f"{shelf[1]}/{name}").pk)
    assert list(incoming_folder().iterdir()) == []


def stored_files(folder) -> list[str]:
    return [path.name for path in (folder / "recordings").rglob("*") if path.is_file()]


def test_a_call_deleted_while_its_link_is_fetched_leaves_no_file(
    api, shelf, alice, tmp_path, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    (shelf[0] / "a.wav").write_bytes(wav())
    analysis = linked(f"{shelf[1]}/a.wav")
    examine = recordings.examine

    def delete_meanwhile(path):
        recordings.delete(analysis.recording, alice)
        return examine(path)

    monkeypatch.setattr(recordings, "examine", delete_meanwhile)
    with django_capture_on_commit_callbacks(execute=True):
        advance(analysis.pk)
    assert (stored_files(tmp_path), api.sent) == ([], [])


def test_two_workers_with_the_same_link_make_no_duplicate_of_itself(
    api, shelf, tmp_path, django_capture_on_commit_callbacks
) -> None:
    (shelf[0] / "a.wav").write_bytes(wav())
    analysis = linked(f"{shelf[1]}/a.wav")
    late = again(analysis)
    assert late.recording.stored_name == ""
    with django_capture_on_commit_callbacks(execute=True):
        assert fetching.fetch_copy(analysis)
        assert not fetching.fetch_copy(late)
    assert (again(analysis).state, again(analysis).failure) == (State.QUEUED, "")
    assert stored_files(tmp_path) == [Path(again(analysis).recording.stored_name).name]


def test_slow_links_leave_threads_for_everything_else(api, shelf, monkeypatch) -> None:
    (shelf[0] / "a.wav").write_bytes(wav())
    analysis = linked(f"{shelf[1]}/a.wav")
    slots = threading.BoundedSemaphore(1)
    monkeypatch.setattr(fetching, "SLOTS", slots)
    with slots:  # another thread's link answers slowly
        assert not advance(analysis.pk)
    after = again(analysis)
    assert (after.state, after.attempts, after.recording.stored_name) == (State.QUEUED, 0, "")
    assert after.next_attempt_at == analysis.next_attempt_at
    make_due(analysis)
    advance(analysis.pk)
    assert again(analysis).state == State.PROCESSING


@pytest.mark.django_db(transaction=True)
def test_bytes_uploaded_while_their_link_is_fetched_are_a_duplicate_and_leave_no_file(
    api, shelf, tmp_path, monkeypatch
) -> None:
    (shelf[0] / "a.wav").write_bytes(wav())
    analysis = linked(f"{shelf[1]}/a.wav")
    examine = recordings.examine

    def upload_meanwhile(path: Path) -> Probe:
        RecordingFactory(sha256=hashlib.sha256(wav()).hexdigest())
        return examine(path)

    monkeypatch.setattr(recordings, "examine", upload_meanwhile)
    advance(analysis.pk)
    after = again(analysis)
    assert (after.failure, after.duplicate_of, api.sent) == (
        Failure.DUPLICATE,
        Recording.objects.exclude(link=analysis.recording.link).get(),
        [],
    )
    assert stored_files(tmp_path) == []


def test_a_machine_that_cannot_look_into_a_file_just_now_tries_again(api, shelf, monkeypatch) -> None:
    (shelf[0] / "a.wav").write_bytes(wav())
    analysis = linked(f"{shelf[1]}/a.wav")

    def busy(_path):
        raise SoundError("The machine is busy.")

    with monkeypatch.context() as patched:
        patched.setattr("callcov_portal.sound.probe", busy)
        advance(analysis.pk)
        assert (again(analysis).state, again(analysis).detail) == (State.QUEUED, "The machine is busy.")
    make_due(analysis)
    advance(analysis.pk)
    assert again(analysis).state == State.PROCESSING
