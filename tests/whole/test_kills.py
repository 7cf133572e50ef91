"""Killed in the middle of a batch: nothing lost, nothing submitted twice."""

import os
import signal

import pytest

from tests.running import RealGroup
from tests.sounds import wav
from tests.whole.portal import Person, engine_jobs, wait_for

pytestmark = [pytest.mark.group, pytest.mark.timeout(240)]
BATCH = 20


@pytest.fixture
def group(tmp_path):
    real = RealGroup(tmp_path / "data")
    real.env |= {
        "CALLCOV_SCRIPTED_SECONDS": "0.4",
        "CALLCOV_API_SUBMISSIONS_PER_MINUTE": "1000",
        "CALLCOV_API_REQUESTS_PER_MINUTE": "10000",
        "CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE": "1000",
        "CALLCOV_ENGINE_REQUESTS_PER_MINUTE": "10000",
    }
    real.start()
    yield real
    real.end()


def kill_part(group: RealGroup, name: str) -> None:
    """SIGKILL every process of one part."""
    for pid, command in group.processes().items():
        if f"--hostname {name}" in command:
            os.kill(pid, signal.SIGKILL)


def test_a_batch_of_twenty_survives_the_death_of_every_part_and_of_all_at_once(group) -> None:
    person = Person(f"http://127.0.0.1:{group.port}")
    for number in range(BATCH):
        assert person.upload(f"call-{number}.wav", wav(0.3, seed=number))["outcome"] == "stored"
    done = lambda least: lambda: person.states()["completed"] >= least
    wait_for(done(2), 60, group.said)
    kill_part(group, "worker@")
    wait_for(done(5), 90, group.said)
    kill_part(group, "engine-worker")
    wait_for(done(8), 90, group.said)
    group.process.kill()
    group.process.wait()
    wait_for(lambda: not group.processes(), 20)
    group.start()
    person = Person(f"http://127.0.0.1:{group.port}")
    wait_for(lambda: person.states() == {"completed": BATCH}, 120, lambda: f"{person.states()} {group.said()}")
    assert engine_jobs(group.log.with_suffix("") / "callcov.sqlite3") == BATCH
