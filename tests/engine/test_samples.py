"""The documentation's own samples against the running engine: base URL, key and audio URL changed, nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from django.utils import timezone

from callcov_portal.engine.models import Job, Outcome, State
from tests.services import ROOT, node_binary

SAMPLES = ROOT / "tests" / "samples"
AUDIO_URL = "https://recordings.example/2026/call-7.mp3"


@pytest.fixture
def sample(live_engine, key, tmp_path):
    """Return a function that writes a sample, pointed at the engine, into a file of its own."""

    def adapted(name: str, **more: str) -> Path:
        changes = {
            "https://api.callcov.com/api/v1": live_engine,
            "sk_live_abc123...": key,
            "https://example.com/recordings/call-001.wav": AUDIO_URL,
            **more,
        }
        text = (SAMPLES / name).read_text()
        for published, ours in changes.items():
            text = text.replace(published, ours)
        path: Path = tmp_path / name
        path.write_text(text)
        return path

    return adapted


def run(*command, **environment) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "NO_PROXY": "127.0.0.1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_created(printed: str) -> None:
    job = Job.objects.get()
    assert str(job.pk) in printed
    assert "processing" in printed
    assert (job.agent_id, job.contact_id) == ("agent_john_doe", "customer_12345")
    assert (job.source_url, job.webhook_url) == (AUDIO_URL, "https://your-app.com/webhooks/analysis")


def test_the_curl_sample_creates_an_analysis(sample):
    printed = run("sh", sample("create.curl"))

    assert_created(printed)
    assert orjson.loads(printed)["object"] == "analysis"


def test_the_python_sample_creates_an_analysis(sample):
    assert_created(run(sys.executable, sample("create.python")))


@pytest.mark.node
def test_the_node_sample_creates_an_analysis(sample):
    printed = run(node_binary(), sample("create.js"), NODE_PATH=str(ROOT / "node_modules"))

    assert "Analysis created" in printed
    assert_created(printed)


def test_the_python_sample_shows_the_documented_error_for_a_wrong_key(sample, key):
    path = sample("create.python", **{key: "sk_live_wrong"})

    printed = run(sys.executable, path)

    assert "401" in printed
    assert "{'detail': 'Invalid authentication credentials'}" in printed


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED])
def test_the_polling_sample_ends_when_the_analysis_does(sample, make_job, state):
    job = make_job(state=state, error_message="No sound." if state == State.FAILED else "", completed_at=timezone.now())
    if state == State.COMPLETED:
        Outcome.objects.create(job=job, transcript="{}", results="{}")

    printed = run(sys.executable, sample("poll.python", **{"550e8400-e29b-41d4-a716-446655440000": str(job.pk)}))

    expected = "Analysis complete!" if state == State.COMPLETED else "Analysis failed: No sound."
    assert expected in printed
