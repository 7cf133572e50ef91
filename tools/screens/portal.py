"""The portal as users run it, on free ports and a data folder that is thrown away."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "pictures of every page"  # noqa: S105  of a portal that lives for minutes, on this machine alone
START_SECONDS = 120.0


def environment(folder: Path) -> dict[str, str]:
    """Return the settings of a portal whose data are in `folder`."""
    return {
        "CALLCOV_DATA_DIR": str(folder),
        "CALLCOV_PORT": str(free_port()),
        "CALLCOV_ENGINE_PORT": str(free_port()),
        "CALLCOV_ADMIN_USER": "dora",
        "CALLCOV_ADMIN_PASSWORD": PASSWORD,
    }


def free_port() -> int:
    """Return a port that nobody listens on, chosen by the kernel."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(log: Path) -> Iterator[str]:
    """Run the portal of this process's settings and yield its address; raises RuntimeError with its log if it fails."""
    with log.open("w") as out:
        command = [sys.executable, str(ROOT / "manage.py"), "serve", "--no-setup"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    try:
        until(lambda: "Ctrl-C stops" in log.read_text() or process.poll() is not None, START_SECONDS)
        if process.poll() is not None:
            raise RuntimeError(f"The portal did not start:\n{log.read_text()}")
        yield f"http://127.0.0.1:{os.environ['CALLCOV_PORT']}"
    finally:
        process.terminate()
        process.wait()


def until(true: Callable[[], object], seconds: float) -> None:
    """Wait for something to become true; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not within {seconds:.0f} s.")
        time.sleep(0.3)
