"""CPU of one way to ask, in milliseconds: medians of rounds in which all ways take turns."""

import gc
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

TICKS = os.sysconf("SC_CLK_TCK")
LEAST = 0.15  # seconds of a round: a backend's CPU is told in hundredths
MOST_TIMES = 400


def backend() -> int:
    """Return PostgreSQL's process that answers us, 0 on SQLite."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of this process and of another one."""
    other = 0.0
    if pid:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        other = (int(fields[11]) + int(fields[12])) / TICKS
    return time.process_time() + other


def measured(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return what each way costs."""
    pid = backend()
    times = {name: times_for(way) for name, way in ways.items()}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            before = cpu_of(pid)
            for _ in range(times[name]):
                way()
            found[name].append(1000 * (cpu_of(pid) - before) / times[name])
    return {name: median(values) for name, values in found.items()}


def times_for(way: Callable[[], object]) -> int:
    """Return how often a way must be gone in one round to be measured well; it is warm then."""
    way()
    began = time.monotonic()
    way()
    return max(1, min(MOST_TIMES, round(LEAST / max(time.monotonic() - began, 1e-6))))
