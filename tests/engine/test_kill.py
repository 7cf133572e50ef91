"""A worker killed with SIGKILL in the middle of its work: nothing is lost, nothing is done twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import timezone

from callcov_portal.engine import pipeline
from callcov_portal.engine.models import Callback, Job, Outcome, State
from tests.services import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
WORKER = """
import sys, uuid, django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from callcov_portal.engine import pipeline
pipeline.advance(uuid.UUID(sys.argv[2]))
"""


@pytest.fixture
def worker(settings) -> Iterator:
    """Return a function that starts a process which works on a job and needs a minute for it."""
    processes: list[subprocess.Popen] = []

    def start(job: Job) -> subprocess.Popen:
        environment = {
            **os.environ,
            "CALLCOV_DATA_DIR": str(settings.CALLCOV_DATA_DIR),
            "CALLCOV_ENGINE_MODEL": "scripted",
            "CALLCOV_SCRIPTED_SECONDS": "60",
            "DJANGO_SETTINGS_MODULE": "callcov_portal.settings",
        }
        name = str(connection.settings_dict["NAME"])
        command = [sys.executable, "-c", WORKER, name, str(job.pk)]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_heard(job: Job) -> None:
    deadline = time.monotonic() + 30
    while not Job.objects.filter(pk=job.pk, stage="recognising").exists():
        assert time.monotonic() < deadline, "The worker did not begin."
        time.sleep(0.05)


def test_a_killed_workers_job_is_finished_by_another_once(make_job, worker, settings):
    settings.CALLCOV_ENGINE_MODEL = "scripted"
    job = make_job(upload=True, webhook_url="https://example.com/hook")
    process = worker(job)
    wait_until_heard(job)

    assert not pipeline.advance(job.pk)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not pipeline.advance(job.pk)  # the dead worker's lease
    Job.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now())  # it has run out

    assert pipeline.advance(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.COMPLETED, 2)
    assert Outcome.objects.count() == Callback.objects.count() == 1


def test_a_worker_that_was_frozen_past_its_lease_does_not_finish_the_job_again(make_job, worker, settings):
    settings.CALLCOV_ENGINE_MODEL = "scripted"
    job = make_job(upload=True)
    process = worker(job)
    wait_until_heard(job)

    os.killpg(process.pid, signal.SIGSTOP)
    Job.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now())
    assert pipeline.advance(job.pk)
    os.killpg(process.pid, signal.SIGCONT)

    assert process.wait(timeout=30) == 0  # it notices that the job is no longer its own, and drops it
    job.refresh_from_db()
    assert job.state == State.COMPLETED
    assert Outcome.objects.count() == 1
