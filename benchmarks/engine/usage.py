"""What a process and everything below it has used, from /proc (Linux)."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PARENT, USER, CHILDREN_SYSTEM = 1, 11, 14  # places in /proc/<pid>/stat behind the name, see proc(5)


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a tree of processes."""

    cpu: float
    """Seconds of user and system time, finished children included."""
    peak_mb: float
    """The highest memory in use of each living process, added up."""


def tree_usage(root: int) -> Usage:
    """Of `root` and its descendants."""
    below = stats()
    pids = [root, *descendants(root, {pid: int(fields[PARENT]) for pid, fields in below.items()})]
    ticks = sum(int(value) for pid in pids if pid in below for value in below[pid][USER : CHILDREN_SYSTEM + 1])
    return Usage(ticks / TICKS, sum(peak_mb(pid) for pid in pids))


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a living process, to the nanosecond: of all its threads, those that ended included.

    The clock of another process is clock_getcpuclockid(3); its number is the kernel's, see CPUCLOCK_SCHED in Linux.
    """
    return time.clock_gettime((~pid << 3) | 2)


def stats() -> dict[int, list[str]]:
    """The fields behind the name of every process there is."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(file.parent.name)] = file.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
    return found


def descendants(root: int, parents: dict[int, int]) -> list[int]:
    """Children, their children, and so on."""
    children = [pid for pid, parent in parents.items() if parent == root]
    return children + [pid for child in children for pid in descendants(child, parents)]


def peak_mb(pid: int) -> float:
    """The most memory (VmHWM) in megabytes (2**20 bytes) that a process had so far; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def command_of(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def busy_seconds() -> float:
    """CPU seconds that this machine has spent on anything since it started."""
    user, nice, system, _idle, _waiting, interrupts, soft, *_ = Path("/proc/stat").read_text().split()[1:]
    return sum(map(int, (user, nice, system, interrupts, soft))) / TICKS
