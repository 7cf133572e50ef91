"""The engine in its own role: its addresses and middleware, a caller with a key, recordings and jobs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.testcases import LiveServerThread

from callcov_portal.engine import auth, holding, housekeeping, intake, pipeline
from callcov_portal.engine.models import Job
from tests.sound import samples

LINK = "https://example.com/recordings/call-001.wav"


@pytest.fixture
def engine(settings) -> None:
    """Let the process play the engine's role."""
    settings.CALLCOV_ROLE = "engine"
    settings.ROOT_URLCONF = "callcov_portal.engine.urls"
    settings.MIDDLEWARE = settings.ENGINE_MIDDLEWARE
    settings.CALLCOV_ENGINE_MODEL = "scripted"


@pytest.fixture
def key() -> str:
    return auth.secret(livemode=True)


@pytest.fixture
def caller(engine, key, db) -> Client:
    """A caller with the live key, who gets a 500 as an answer and not as an exception."""
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def tester(engine, db) -> Client:
    """A caller with the test key."""
    return Client(raise_request_exception=False, headers={"X-API-Key": auth.secret(livemode=False)})


@pytest.fixture
def stranger(engine, db) -> Client:
    """A caller without any key."""
    return Client(raise_request_exception=False)


@pytest.fixture
def order() -> dict[str, str]:
    """The create body of the documentation."""
    return {"audio_url": LINK, "agent_id": "agent_john_doe", "contact_id": "customer_12345"}


@pytest.fixture
def recording(tmp_path) -> Path:
    """Three seconds of a tone, as a WAV file."""
    return samples.write(tmp_path / "call.wav", samples.tone(3))


@pytest.fixture
def make_job(key, recording):
    """Return a function that writes down a job; `upload=True` gives it audio of its own."""

    def make(*, upload: bool = False, **fields) -> Job:
        names = {"agent_id": "ann", "contact_id": "carl", **fields}
        facts = {"key": auth.fingerprint(key), "livemode": True, "source_url": "" if upload else LINK}
        job = Job(**{**facts, **names})
        job.ids_folded = intake.folded(job.agent_id, job.contact_id)
        if upload:
            job.audio_file, job.audio_format, job.duration = f"{job.pk}.wav", "wav", 3.0
            intake.audio_path(job).write_bytes(recording.read_bytes())
        job.save()
        return job

    return make


@pytest.fixture(autouse=True)
def nothing_left_over() -> Iterator[None]:
    """What a process remembers between jobs is gone after a test."""
    yield
    holding.stopping.clear()
    housekeeping.last_round.clear()
    assert not pipeline.HEARING.locked()
    assert not pipeline.FETCHING.locked()


def as_it_is(handler):
    """Serve nothing beside the engine: no static files."""
    return handler


@pytest.fixture
def live_engine(engine, transactional_db) -> Iterator[str]:
    """The engine on a port of its own, with threads; gives the API's base URL."""
    no_static_files: Any = as_it_is
    thread = LiveServerThread("127.0.0.1", no_static_files, connections_override={}, port=0)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://127.0.0.1:{thread.port}/api/v1"
    thread.terminate()
    connections.close_all()
