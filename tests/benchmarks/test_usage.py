"""What processes use."""

import os
import subprocess
import sys

from benchmarks.engine.usage import busy_seconds, command_of, descendants, peak_mb, tree_usage

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"


def test_children_count_while_they_live_and_after():
    before = tree_usage(os.getpid())
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert 0.2 < tree_usage(os.getpid()).cpu - before.cpu < 5
    hold = BURN + "print(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        living = tree_usage(os.getpid())
        assert living.cpu - before.cpu > 0.5
        assert living.peak_mb > before.peak_mb + 3
        assert "time.process_time" in command_of(child.pid)
        child.communicate(b"\n")


def test_the_machine_is_as_busy_as_we_make_it():
    before = busy_seconds()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert busy_seconds() - before > 0.2


def test_descendants_are_found_at_any_depth():
    assert sorted(descendants(1, {1: 0, 2: 1, 3: 2, 4: 3, 5: 0})) == [2, 3, 4]


def test_a_process_that_is_gone_uses_nothing():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert (peak_mb(gone.pid), command_of(gone.pid), tree_usage(gone.pid).cpu) == (0.0, "", 0.0)
