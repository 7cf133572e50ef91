"""Hostile and broken recordings, by the API and the pipeline: each comes to a documented end, and harms nothing."""

import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import settings as hypothesis_settings

from callcov_portal.engine import documents, intake, pipeline
from callcov_portal.engine.models import Job, State
from callcov_portal.sound import asking
from tests import sounds
from tests.hostile.collection import COUNT, good_recordings, hostile_files
from tests.sound import samples

CHUNKS = 10
EVERY = 1 if hypothesis_settings.get_current_profile_name() == "fuzz" else 4
"""`make fuzz` takes all of them, which is some minutes; every other run a quarter."""
SECRET_SECONDS = 3.25  # of the recording that no file may lead to; no other lasts as long
LIMIT_SECONDS = 20 + 900  # of sound's child, to look and to decode
MOST_MORE = 50 * 1024 * 1024  # bytes that this process may take for all of them

pytestmark = [pytest.mark.audio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A server that notices whether anybody calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server


@pytest.fixture(scope="module")
def secret(tmp_path_factory) -> Path:
    """A good recording on this machine, which nobody sends."""
    return samples.write(tmp_path_factory.mktemp("secret") / "secret.wav", samples.tone(SECRET_SECONDS))


@pytest.fixture(scope="module")
def collection(tmp_path_factory, secret, listener) -> list[tuple[str, bytes]]:
    """The files; those that name another name the secret and the listener."""
    good = good_recordings(tmp_path_factory.mktemp("good"))
    return hostile_files(good, str(secret), listener.getsockname()[1])


@pytest.fixture
def unlimited(settings, caller):
    settings.CALLCOV_ENGINE_REQUESTS_PER_MINUTE = settings.CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE = 10**9
    return caller


def sent(caller, name: str, content: bytes):
    file = SimpleUploadedFile(name, content, content_type="application/octet-stream")
    return caller.post("/api/v1/analysis/", {"agent_id": "ann", "contact_id": "carl", "audio_file": file})


def end_of(caller, name: str, content: bytes) -> str:
    """Send a file and let the worker do its work on it. Return how it ended: refused, failed or completed."""
    answer = sent(caller, name, content)
    document = answer.json()
    if answer.status_code == 422:
        documents.ErrorWithParticulars.model_validate(document)
        assert is_sentence(document["error"]["message"]), document
        return "refused"
    assert answer.status_code == 201, document
    assert document["audio"]["duration_seconds"] != SECRET_SECONDS
    job = Job.objects.get(pk=document["id"])
    assert pipeline.advance(job.pk)
    documents.Analysis.model_validate(caller.get(f"/api/v1/analysis/{job.pk}").json())
    job.refresh_from_db()
    assert job.state != State.PROCESSING, job.error_message  # trying again cannot help: nothing of it passes
    assert job.state == State.COMPLETED or is_sentence(job.error_message)
    intake.remove_audio(job)
    return str(job.state)


def is_sentence(text: str) -> bool:
    return len(text) > 15 and text[0].isupper() and text.endswith(".") and "internal" not in text


def memory(field: str) -> int:
    """Bytes of this process: `VmHWM` is the most since the peak was reset, `VmRSS` the present."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def test_there_are_five_hundred_and_no_two_are_alike(collection):
    assert len(collection) == len({content for _name, content in collection}) == COUNT


def test_the_secret_would_be_known_by_its_length(unlimited, secret):
    answer = sent(unlimited, "secret.wav", secret.read_bytes())

    assert answer.json()["audio"]["duration_seconds"] == SECRET_SECONDS


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_each_ends_as_documented_within_its_time_and_memory(unlimited, collection, listener, chunk):
    forget_peak()
    before = memory("VmRSS")
    for name, content in collection[chunk::CHUNKS][::EVERY]:
        began = time.monotonic()
        try:
            end_of(unlimited, name, content)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        assert time.monotonic() - began < LIMIT_SECONDS, name

    assert memory("VmHWM") - before < MOST_MORE
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < asking.MEMORY
    assert end_of(unlimited, "good.wav", sounds.wav(1)) == "completed"
    assert list(intake.folder().iterdir()) == []
    with pytest.raises(TimeoutError):
        listener.accept()
