"""Call-backs: what they say, to whom they go, when they are tried again, and that they never touch the job."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import time_machine
from django.utils import timezone

from callcov_portal import safefetch
from callcov_portal.engine import auth, callbacks
from callcov_portal.engine.models import Callback, Outcome, State

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Receiver:
    """A webhook on loopback that answers with the statuses it is given, then 200, and keeps what it got."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[tuple[dict, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    """The portal's own webhook, which is allowed though it is on loopback."""
    receiver = Receiver()
    settings.CALLCOV_HOOK_ORIGIN = receiver.origin
    yield receiver
    receiver.close()


@pytest.fixture
def final(make_job):
    """Return a function that makes a final job with a call-back that is due."""

    def make(url, state=State.COMPLETED, **fields):
        job = make_job(state=state, webhook_url=url, completed_at=timezone.now(), **fields)
        if state == State.COMPLETED:
            Outcome.objects.create(job=job, transcript='{"text":"Hi"}', results='{"compliance":{}}')
        return Callback.objects.create(job=job)

    return make


def test_a_completed_analysis_is_told_in_the_documented_wrapper(final, receiver):
    callback = final(f"{receiver.origin}/hooks/1")

    assert callbacks.deliver(callback.pk)

    [(_, body)] = receiver.got
    document = json.loads(body)
    assert document["event"] == "analysis.completed"
    assert document["data"]["id"] == str(callback.pk)
    assert document["data"]["object"] == "analysis"
    assert document["data"]["status"] == "completed"
    assert document["data"]["results"] == {"compliance": {}}
    assert document["data"]["transcript"] == {"text": "Hi"}
    callback.refresh_from_db()
    assert callback.settled_at is not None
    assert (callback.delivered, callback.attempts, callback.last_status) == (True, 1, 200)


def test_a_failed_analysis_is_told_as_well(final, receiver):
    callbacks.deliver(final(f"{receiver.origin}/x", State.FAILED, error_message="There is no sound in it.").pk)

    document = json.loads(receiver.got[0][1])
    assert document["event"] == "analysis.failed"
    assert document["data"]["error_message"] == "There is no sound in it."


@pytest.mark.parametrize("livemode", [True, False])
def test_the_body_is_signed_with_the_key_that_made_the_analysis(final, receiver, livemode):
    callback = final(f"{receiver.origin}/x", livemode=livemode)

    callbacks.deliver(callback.pk)

    headers, body = receiver.got[0]
    digest = hmac.new(auth.secret(livemode).encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-CallCov-Engine-Signature"] == f"sha256={digest}"
    assert headers["X-CallCov-Engine-Delivery"] == f"{callback.pk}.1"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(final, receiver, status):
    receiver.statuses = [status]
    callback = final(f"{receiver.origin}/x")

    callbacks.deliver(callback.pk)

    callback.refresh_from_db()
    assert callback.delivered


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 429, 500, 503])
def test_everything_else_is_tried_again_and_redirects_are_not_followed(final, receiver, status):
    receiver.statuses = [status]
    callback = final(f"{receiver.origin}/x")

    with time_machine.travel(timezone.now(), tick=False):
        callbacks.deliver(callback.pk)
        callback.refresh_from_db()
        assert callback.next_attempt_at == timezone.now() + timedelta(seconds=5)

    assert (callback.settled_at, callback.delivered, callback.last_status) == (None, False, status)
    assert str(status) in callback.last_error
    assert len(receiver.got) == 1


def test_it_is_tried_seven_times_with_growing_pauses_and_then_given_up(final, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise safefetch.Unreachable("The receiver does not answer.")

    monkeypatch.setattr(safefetch, "post", refuse)
    pauses = []
    with time_machine.travel(NOON, tick=False) as clock:
        callback = final("https://example.com/hook")
        while callback.settled_at is None:
            assert callbacks.deliver(callback.pk)
            callback.refresh_from_db()
            pause = callback.next_attempt_at - timezone.now()
            if callback.settled_at is None:
                clock.shift(pause - timedelta(seconds=1))
                assert not callbacks.deliver(callback.pk)
                clock.shift(1)
                pauses.append(pause.total_seconds())
        assert not callbacks.deliver(callback.pk)

    assert pauses == [5, 30, 120, 600, 3600, 21600]
    assert (callback.attempts, callback.delivered) == (7, False)
    assert callback.last_error == "The receiver does not answer."


def test_after_trouble_the_next_attempt_can_still_deliver(final, receiver):
    receiver.statuses = [500]
    callback = final(f"{receiver.origin}/x")

    callbacks.deliver(callback.pk)
    with time_machine.travel(timezone.now() + timedelta(seconds=6)):
        assert callbacks.deliver(callback.pk)

    callback.refresh_from_db()
    assert (callback.delivered, callback.attempts, callback.last_error) == (True, 2, "")
    assert receiver.got[1][0]["X-CallCov-Engine-Delivery"].endswith(".2")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x",
        "http://10.0.0.1/x",
        "http://localhost/x",
        "http://user:secret@example.com/x",
    ],
)
def test_a_call_back_to_an_address_that_is_not_public_is_given_up_and_changes_nothing(final, url, settings):
    settings.CALLCOV_HOOK_ORIGIN = "http://127.0.0.1:8000"
    callback = final(url)

    callbacks.deliver(callback.pk)

    callback.refresh_from_db()
    assert callback.settled_at is not None
    assert not callback.delivered
    assert callback.last_error
    assert callback.job.state == State.COMPLETED


def test_only_exactly_the_portals_origin_is_excepted(final, receiver, settings):
    settings.CALLCOV_HOOK_ORIGIN = f"http://127.0.0.1:{receiver.server.server_port + 1}"

    callbacks.deliver(final(f"{receiver.origin}/x").pk)

    assert receiver.got == []


def test_hosts_the_administrator_allows_are_excepted_too(final, receiver, settings):
    settings.CALLCOV_HOOK_ORIGIN = "http://127.0.0.1:8000"
    settings.CALLCOV_FETCH_ALLOW = [f"127.0.0.1:{receiver.server.server_port}"]

    callbacks.deliver(final(f"{receiver.origin}/x").pk)

    assert len(receiver.got) == 1


def test_one_call_back_is_made_at_a_time(final, receiver):
    callback = final(f"{receiver.origin}/x")

    with callbacks.CALLING:
        assert not callbacks.deliver(callback.pk)

    callback.refresh_from_db()
    assert callback.attempts == 0
    assert callbacks.deliver(callback.pk)


def test_a_call_back_is_made_once_however_often_it_is_rung_for(final, receiver):
    callback = final(f"{receiver.origin}/x")

    assert [callbacks.deliver(callback.pk) for _ in range(3)] == [True, False, False]
    assert len(receiver.got) == 1


def test_a_call_back_whose_worker_died_is_due_again_after_its_lease(final, receiver):
    callback = final(f"{receiver.origin}/x")
    assert Callback.objects.claim(callback.pk, timezone.now(), until=timezone.now() + callbacks.LEASE)
    assert not callbacks.deliver(callback.pk)

    with time_machine.travel(timezone.now() + callbacks.LEASE):
        assert callbacks.deliver(callback.pk)

    callback.refresh_from_db()
    assert (callback.attempts, callback.delivered) == (2, True)


def test_trouble_nobody_foresaw_counts_as_an_attempt_and_is_not_made_for_ever(final, monkeypatch, caplog):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(safefetch, "post", broken)
    callback = final("https://example.com/hook")
    for pause in (0, *callbacks.PAUSES):
        Callback.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=pause))
        assert callbacks.deliver(callback.pk)

    callback.refresh_from_db()
    assert callback.settled_at is not None
    assert "internal error" in callback.last_error
    assert "division by zero" in caplog.text


def test_a_job_without_a_call_back_is_left_alone(make_job):
    assert not callbacks.deliver(make_job(state=State.COMPLETED).pk)
