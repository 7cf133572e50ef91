"""Whatever is away: the portal keeps taking calls, says in one banner what it is, and goes on by itself afterwards."""

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from celery.schedules import schedule as celery_schedule
from django.db import OperationalError
from django.utils import timezone

from callcov_portal import pulse, tasks
from callcov_portal.actions import bell, gateway, recordings, sweeping, turns
from callcov_portal.client import api as client_api
from callcov_portal.client.api import Api
from callcov_portal.client.errors import Unavailable
from callcov_portal.models import Analysis, Recording, Signal, State
from callcov_portal.uploads import incoming_folder
from tests.client.peer import Peer, answer, closed_port
from tests.fakes import FakeApi
from tests.views.pages import text_of
from tests.views.sending import FILES, JSON, sound_file
from tests.working import forget_the_limits

KEY_REFUSED = {"detail": "Invalid authentication credentials"}
ANSWERS = {
    "401": (answer(401, KEY_REFUSED), "Invalid authentication credentials. Check CALLCOV_API_KEY."),
    "403": (answer(403, b"Forbidden"), "The API does not accept the key. (HTTP 403). Check CALLCOV_API_KEY."),
    "500": (answer(500, b"oops"), "The API had trouble with the recording. (HTTP 500)"),
    "503": (answer(503, b"<html>busy</html>"), "HTTP 503"),
    "a page of HTML": (answer(201, b"<!doctype html><h1>Welcome</h1>"), "without an id"),
    "half a document": (answer(201, b'{"id": "0190'), "without an id"),
    "too much": (answer(201, b'{"id": "' + b"9" * 70_000), "The answer is larger than"),
    "nothing at all": (lambda connection: connection.close(), "No answer to the submission"),
    "nothing for long": (lambda _connection: time.sleep(0.6), "No answer to the submission"),
}


@pytest.fixture
def at(monkeypatch) -> Callable[[str], None]:
    """Return what lets the portal talk to an address, and wait a quarter of a second for its answers."""

    def talk_to(address: str) -> None:
        monkeypatch.setattr(gateway, "api", lambda: Api(address, "sk_live_x", read_timeout=0.25, sleep=lambda _s: None))
        monkeypatch.setattr(client_api, "LARGEST_ANSWER", 65_536)

    return talk_to


@pytest.fixture
def back(monkeypatch) -> Callable[[], FakeApi]:
    """Return what lets the API be there again."""

    def come_back() -> FakeApi:
        fake = FakeApi()
        monkeypatch.setattr(gateway, "api", lambda: fake)
        return fake

    return come_back


@contextmanager
def ringing(monkeypatch) -> Iterator[list]:
    """Collect what is rung for."""
    bells: list = []
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "send", lambda task, *arguments: bells.append((task, arguments)))
        yield bells


def work_until(done: Callable[[], bool], monkeypatch, most: int = 30) -> None:
    """Let the beat and a worker go on, as long as it takes for waits and pauses to be over."""
    monkeypatch.setattr(turns, "sleep", lambda _seconds: None)
    for _ in range(most):
        if done():
            return
        forget_the_limits()
        Analysis.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
        Signal.objects.filter(name__in=["live_look", "collect_in_vain"]).delete()
        with ringing(monkeypatch) as bells:
            tasks.sweep()
            for task, arguments in bells[:20]:
                task(*arguments)
    pytest.fail("it did not go on")


def upload(client, seed: int = 0):
    return client.post(FILES, {"agent": "nora", "files": sound_file(f"{seed}.wav", seed=seed)}, headers=JSON)


def banner(client) -> str:
    page = client.get("/calls/add/")
    assert page.content.count(b'class="banner"') <= 1
    text = text_of(page)
    return text[text.index("⚠") :].partition("Status")[0] if "⚠" in text else ""


def all_are(state: State) -> bool:
    return set(Analysis.objects.values_list("state", flat=True)) == {state}


def check_an_outage(as_bob, monkeypatch, words: str, back: Callable[[], FakeApi]) -> None:
    """Two calls are taken while the API does not work; each is sent once when it does."""
    Signal.objects.create(name=sweeping.SWEPT, at=timezone.now())
    for seed in range(2):
        assert upload(as_bob, seed).json()["fates"][0]["outcome"] == "stored"
    for pk in Analysis.objects.values_list("pk", flat=True):
        tasks.advance(str(pk))
    said = banner(as_bob)
    assert said.startswith("⚠ The API does not work:")
    assert words in said
    assert "Calls wait; none is lost." in said
    assert "Since" in said
    assert not Analysis.objects.filter(state=State.FAILED).exists()
    fake = back()
    work_until(lambda: all_are(State.PROCESSING), monkeypatch)
    assert len(fake.sent) == 2
    assert banner(as_bob) == ""


@pytest.mark.parametrize(("reply", "words"), ANSWERS.values(), ids=ANSWERS)
def test_an_api_that_answers_badly(as_bob, at, back, monkeypatch, reply, words):
    with Peer([reply]) as peer:
        at(peer.url)
        check_an_outage(as_bob, monkeypatch, words, back)


def test_an_api_that_refuses_connections(as_bob, at, back, monkeypatch):
    at(f"http://127.0.0.1:{closed_port()}/api/v1")
    check_an_outage(as_bob, monkeypatch, "Connection refused", back)


def test_an_api_whose_name_is_not_known(as_bob, at, back, monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        at("http://api.example.com/api/v1")
        check_an_outage(as_bob, monkeypatch, "Name or service not known", back)


def test_a_refused_key_uses_up_no_try_however_long_it_lasts(as_bob, at, back, monkeypatch):
    with Peer([answer(401, KEY_REFUSED)]) as peer:
        at(peer.url)
        upload(as_bob)
        analysis = Analysis.objects.get()
        for _ in range(20):
            forget_the_limits()
            Analysis.objects.update(next_attempt_at=timezone.now())
            tasks.advance(str(analysis.pk))
    analysis.refresh_from_db()
    assert (analysis.state, analysis.submissions, analysis.sent_at) == (State.QUEUED, 0, None)
    back()
    work_until(lambda: all_are(State.PROCESSING), monkeypatch)


class TestBroker:
    @pytest.fixture
    def away(self, monkeypatch):
        def refuse(*_args, **_kwargs):
            raise ConnectionError("amqp://name:secret@mq refused")

        with monkeypatch.context() as patch:
            for task in (tasks.advance, tasks.sweep, tasks.send_next):
                patch.setattr(task, "apply_async", refuse)
            yield patch

    def test_a_broker_that_is_down(self, as_bob, away, back, monkeypatch, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            assert upload(as_bob).json()["fates"][0]["outcome"] == "stored"
        said = banner(as_bob)
        assert said.startswith("⚠ The broker cannot be reached:")
        assert "secret" not in said
        assert "Since" in said
        back()
        away.undo()
        bell.note_rung()
        assert "broker" not in banner(as_bob)
        work_until(lambda: all_are(State.PROCESSING), monkeypatch)

    def test_the_beat_finds_out_and_takes_it_back(self, away, db):
        from callcov_portal.celery import app

        scheduler = pulse.TickingScheduler(app, lazy=True)
        entry = scheduler.Entry(name="sweep", task=tasks.sweep.name, schedule=celery_schedule(5.0), app=app)
        with pytest.raises(Exception, match="refused"):
            scheduler.apply_async(entry, advance=False)
        began = Signal.objects.get(name=bell.TROUBLE).at
        bell.note_trouble(ConnectionError())
        assert Signal.objects.get(name=bell.TROUBLE).at == began
        away.undo()
        scheduler.apply_async(entry, advance=False)
        assert not Signal.objects.filter(name=bell.TROUBLE).exists()

    def test_what_was_found_out_long_ago_is_not_believed(self, as_bob, time_machine):
        time_machine.move_to(timezone.now())
        bell.note_trouble(ConnectionError())
        assert "broker" in banner(as_bob)
        time_machine.shift(2 * bell.BELIEVED)
        assert "broker" not in banner(as_bob)


class TestDisk:
    @pytest.fixture
    def free(self, monkeypatch) -> Callable[[float], None]:
        def leave(megabytes: float) -> None:
            usage = SimpleNamespace(free=int(megabytes * 1e6), total=int(100e9), used=0)
            monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

        return leave

    def test_a_full_disk(self, as_bob, free, back, monkeypatch):
        free(150)
        refused = upload(as_bob)
        assert refused.status_code == 507
        assert "make room" in text_of(refused)
        assert not Recording.objects.exists()
        assert not list(incoming_folder().iterdir())
        assert banner(as_bob).startswith("⚠ The disk is full: no file is taken until there is room.")
        free(50_000)
        assert banner(as_bob) == ""
        back()
        assert upload(as_bob).json()["fates"][0]["outcome"] == "stored"
        work_until(lambda: all_are(State.PROCESSING), monkeypatch)

    def test_a_disk_that_is_nearly_full_is_said_before(self, as_bob, free):
        free(900)
        assert banner(as_bob).startswith("⚠ The disk is nearly full: 900 MB are free.")


def away(*_args, **_kwargs):
    raise OperationalError("database is locked")


class TestDatabase:
    def test_a_database_that_is_locked_or_restarted(self, as_bob, back, monkeypatch):
        as_bob.raise_request_exception = False
        with monkeypatch.context() as patch:
            patch.setattr(recordings, "write_recording", away)
            refused = upload(as_bob)
        assert (refused.status_code, refused["Retry-After"]) == (503, "10")
        assert "The database does not answer" in text_of(refused)
        assert not list(incoming_folder().iterdir())
        fake = back()
        assert upload(as_bob).json()["fates"][0]["outcome"] == "stored"
        work_until(lambda: all_are(State.PROCESSING), monkeypatch)
        assert len(fake.sent) == 1

    def test_a_database_that_goes_away_while_the_answer_is_awaited_costs_no_second_submission(
        self, as_bob, back, monkeypatch
    ):
        fake = back()
        upload(as_bob)
        with monkeypatch.context() as patch:
            patch.setattr("callcov_portal.actions.submitting.accept", away)
            tasks.advance(str(Analysis.objects.get().pk))
        assert all_are(State.SENDING)
        work_until(lambda: all_are(State.PROCESSING), monkeypatch)
        assert len(fake.sent) == 1


def test_of_several_troubles_one_is_said_and_it_explains_the_others(as_bob):
    gateway.note_trouble(Unavailable("No answer from the API."))
    assert "The API does not work" in banner(as_bob)
    Signal.objects.create(name=sweeping.SWEPT, at=timezone.now() - bell.BELIEVED)
    assert "The worker does not run" in banner(as_bob)
    bell.note_trouble(ConnectionError())
    assert "The broker cannot be reached" in banner(as_bob)
