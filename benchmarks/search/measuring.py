"""CPU of one way to ask, that of PostgreSQL's process included."""

import os
import time
from collections.abc import Callable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
LEAST = 0.15  # seconds of one go: a backend's CPU is told in hundredths
AT_ONCE = 10


class Way:
    """Something to ask again and again; measures itself."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self.ask = ask

    def __call__(self) -> None:
        """Ask once."""
        self.ask()

    def cost(self, _times: int) -> float:
        """Return the CPU seconds of asking once."""
        pid, times = backend(), 0
        before = cpu_of(pid)
        while (used := cpu_of(pid) - before) < LEAST:
            for _ in range(AT_ONCE):
                self.ask()
            times += AT_ONCE
        return used / times


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
