"""The limits: exact, per key, shown on every answer."""

import io
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, connections

from callcov_portal.engine import throttling
from callcov_portal.engine.models import CountedRequest, Job

ROOT = "/api/v1/analysis/"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def limits(settings):
    settings.CALLCOV_ENGINE_REQUESTS_PER_MINUTE = 5
    settings.CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE = 2
    return settings


def test_every_answer_shows_what_is_left_and_until_when(caller):
    with time_machine.travel(NOON, tick=False) as clock:
        first = caller.get(ROOT)
        clock.shift(10)
        second = caller.get("/api/v1/nothing")

    for answer, left in ((first, "99"), (second, "98")):
        assert answer["X-RateLimit-Limit"] == "100"
        assert answer["X-RateLimit-Remaining"] == left
        assert answer["X-RateLimit-Reset"] == str(int(NOON.timestamp()) + 60)
        assert "Retry-After" not in answer


def test_above_the_limit_is_a_429_that_says_how_long_to_wait(caller, limits):
    with time_machine.travel(NOON, tick=False) as clock:
        assert [caller.get(ROOT).status_code for _ in range(5)] == [200] * 5
        clock.shift(15.5)
        refused = caller.get(ROOT)
        assert refused.status_code == 429
        assert refused.json() == {"detail": "Rate limit exceeded: 5 requests per minute."}
        assert refused["Retry-After"] == "45"
        assert refused["X-RateLimit-Remaining"] == "0"
        assert refused["X-RateLimit-Reset"] == str(int(NOON.timestamp()) + 60)
        clock.shift(45)
        assert caller.get(ROOT).status_code == 200


def test_a_window_slides_and_does_not_start_anew(caller, limits):
    with time_machine.travel(NOON, tick=False) as clock:
        caller.get(ROOT)
        clock.shift(59)
        assert [caller.get(ROOT).status_code for _ in range(5)] == [200] * 4 + [429]
        clock.shift(1)
        assert [caller.get(ROOT).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("path", [ROOT, "/api/v1/analysis", "/api/v1/calls/analyze"])
def test_submissions_have_a_limit_of_their_own(caller, limits, order, path):
    def submit():
        return caller.post(path, order, content_type="application/json")

    assert [submit().status_code for _ in range(2)] == [201] * 2
    refused = submit()

    assert refused.status_code == 429
    assert refused["X-RateLimit-Limit"] == "2"
    assert refused["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert caller.get(ROOT).status_code == 200
    assert Job.objects.count() == 2


def test_keys_do_not_use_up_each_others_limit(caller, tester, limits):
    for _ in range(5):
        caller.get(ROOT)

    assert caller.get(ROOT).status_code == 429
    assert tester.get(ROOT).status_code == 200


def test_strangers_health_and_the_description_are_not_counted(stranger, db):
    for path in (ROOT, "/health", "/api/v1/openapi.json"):
        stranger.get(path)

    assert not CountedRequest.objects.exists()


def test_a_clock_that_was_set_back_does_not_lock_anybody_out(caller, limits):
    with time_machine.travel(NOON, tick=False):
        for _ in range(5):
            caller.get(ROOT)
    with time_machine.travel(NOON - timedelta(hours=1), tick=False):
        assert caller.get(ROOT).status_code == 200


def test_what_no_window_needs_is_forgotten(db):
    for minutes in (-60, -3, -1, 0, 60):
        CountedRequest.objects.create(bucket="k", at=NOON + timedelta(minutes=minutes))

    assert throttling.forget(NOON) == 3
    assert CountedRequest.objects.count() == 2


def test_threads_together_get_exactly_the_limit(transactional_db, settings):
    settings.CALLCOV_ENGINE_REQUESTS_PER_MINUTE = 50
    settings.CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE = 20
    granted: list[throttling.Budget] = []
    errors: list[BaseException] = []

    def ask():
        try:
            granted.extend(budget for _ in range(8) if not (budget := throttling.take("key", submission=True)).refused)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len(granted) == 20
    assert CountedRequest.objects.filter(bucket="key:submissions").count() == 20
    assert CountedRequest.objects.filter(bucket="key").count() == 48


def test_postgresql_is_told_to_serve_one_after_the_other(db, monkeypatch):
    if connection.vendor == "postgresql":
        throttling.serialise("key")
        return
    said: list[tuple] = []

    class Cursor:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def execute(self, *statement):
            said.append(statement)

    monkeypatch.setattr(type(connection), "vendor", "postgresql", raising=False)
    monkeypatch.setattr(type(connection), "cursor", lambda _self: Cursor(), raising=False)
    throttling.serialise("key")

    assert said == [("SELECT pg_advisory_xact_lock(hashtext(%s))", ["key"])]


@pytest.mark.parametrize("length", [100, 5_000_000])
def test_nobody_waits_for_the_body_of_a_refused_request(stranger, length):
    body = io.BytesIO(bytes(5_000_000))

    answer = stranger.generic(
        "POST", ROOT, content_type="text/plain", CONTENT_LENGTH=str(length), **{"wsgi.input": body}
    )

    assert answer.status_code == 401
    assert body.tell() == 0
