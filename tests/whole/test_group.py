"""The real group: starts, heals, stops, leaves nothing behind."""

import os
import signal
import time

import pytest

from tests.running import RealGroup, alive, descendants, until


@pytest.fixture
def group(tmp_path):
    real = RealGroup(tmp_path / "data")
    yield real
    real.end()


@pytest.mark.group
@pytest.mark.timeout(300)  # three starts, on a machine that may be busy
def test_the_real_group_starts_heals_stops_and_leaves_nothing_behind(group):
    began = time.monotonic()
    group.start()
    patience = max(20, time.monotonic() - began)  # seconds: no more than the first start took, set-up and all
    assert group.answers() == [200, 200]
    assert "First administrator: name admin, the password from CALLCOV_ADMIN_PASSWORD" in group.said()

    first = group.worker()
    os.kill(first, signal.SIGKILL)
    until(lambda: "worker was ended by SIGKILL; it is restarted." in group.said())
    until(lambda: group.said().count("worker@") and not alive(first))
    until(lambda: any("--hostname worker@" in command for command in group.processes().values()), patience)

    group.process.send_signal(signal.SIGTERM)
    assert group.process.wait(timeout=patience) == 0
    assert group.said().rstrip().endswith("Stopped.")
    assert group.processes() == {}

    began = time.monotonic()
    group.start()
    assert time.monotonic() - began < patience
    assert group.answers() == [200, 200]
    assert group.said().count("First administrator") == 1

    everyone = descendants(group.process.pid)
    assert len(everyone) >= 9  # keeper, two servers and two workers, each of these with a child of its own
    group.process.kill()
    group.process.wait()
    until(lambda: group.processes() == {} and not any(alive(pid) for pid in everyone))
    group.start()  # at once: the ports are free again
    group.process.send_signal(signal.SIGINT)
    assert group.process.wait(timeout=patience) == 0
    until(lambda: group.processes() == {})
