"""A backup is made as docs/operations.md says, more is sent, and the backup comes back: nothing is sent twice."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.double import Double
from tests.running import ROOT, RealGroup
from tests.soak import SOAK
from tests.sounds import wav
from tests.whole.portal import Person, wait_for

pytestmark = [pytest.mark.group, pytest.mark.faults, pytest.mark.timeout(600)]

RECORDINGS = 8
WITHOUT = "without the command, which is what keeps them from being sent twice"


@pytest.mark.parametrize("asked", [True, *([False] if SOAK else [])], ids=["restored", WITHOUT][: 1 + SOAK])
def test_what_was_sent_after_the_backup_is_not_sent_again(group, tmp_path, asked) -> None:
    with Double(0, echoes=True) as double:
        group.env |= {"CALLCOV_API_URL": double.url, "CALLCOV_API_KEY": "ck_test"}
        double.open.clear()
        person = started(group)
        for seed in range(RECORDINGS):
            assert person.upload(f"call-{seed}.wav", wav(0.2, seed=seed))["outcome"] == "stored"
        backup = backed_up(group.data, tmp_path / "backup")
        assert double.accepted == {}
        double.open.set()
        all_completed(person, group)
        group.process.send_signal(signal.SIGTERM)
        assert group.process.wait(60) == 0
        assert set(double.times_accepted().values()) == {1}
        all_are_there_again(group, backup, asked)
        assert len(double.times_accepted()) == RECORDINGS
        assert (set(double.times_accepted().values()) == {1}) is asked


def all_are_there_again(group: RealGroup, backup: Path, asked: bool) -> None:
    """Start the portal on the restored folder, and wait until it has every result."""
    restored = RealGroup(backup)
    restored.env = group.env | {name: restored.env[name] for name in ("CALLCOV_DATA_DIR", "CALLCOV_PORT")}
    if asked:
        command = [sys.executable, "manage.py", "restored"]
        done = subprocess.run(command, cwd=ROOT, env=restored.env, check=True, capture_output=True, text=True)
        assert 1 <= int(done.stdout.split()[0]) <= RECORDINGS, done.stdout  # the others were on their way
    try:
        all_completed(started(restored), restored)
    finally:
        restored.end()


def started(group: RealGroup) -> Person:
    group.start("--only", "web,worker,beat")
    return Person(group.address)


def all_completed(person: Person, group: RealGroup) -> None:
    wait_for(lambda: person.states() == {"completed": RECORDINGS}, 180, lambda: f"{person.states()} {group.said()}")


def backed_up(data: Path, to: Path) -> Path:
    """Copy what the document names, in its order, while the portal runs."""
    to.mkdir()
    with closing(sqlite3.connect(data / "callcov.sqlite3")) as rows:
        rows.execute("VACUUM INTO ?", [str(to / "callcov.sqlite3")])
    shutil.copytree(data / "recordings", to / "recordings")
    shutil.copy(data / "secret_key", to / "secret_key")
    return to
