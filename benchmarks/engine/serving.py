"""The engine as users run it: `manage.py serve` with its engine parts, on a port and a data folder of its own."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from benchmarks.engine.usage import Usage, command_of, descendants, stats, tree_usage

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
PLENTY = "1000000"  # requests a minute: it is not the limits that are measured
PAUSE = 0.3  # seconds between two looks at an analysis
LOADING_SECONDS = 300.0
SECONDS_PER_AUDIO_SECOND = 20.0


class EngineError(Exception):
    """The engine did not start, did not answer in time, or an analysis failed."""


class Engine:
    """A running engine with one worker; leave its `with` block to stop it."""

    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.port = folder, free_port()
        self.data = folder / "data"
        self.log = folder / "engine.log"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLCOV_")} | {
            "CALLCOV_DATA_DIR": str(self.data),
            "CALLCOV_ENGINE_PORT": str(self.port),
            "CALLCOV_ENGINE_MODEL": model,
            "CALLCOV_ENGINE_REQUESTS_PER_MINUTE": PLENTY,
            "CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE": PLENTY,
            "CALLCOV_ADMIN_PASSWORD": "nobody signs in here",
        }
        self.session = requests.Session()
        self.worker = 0

    def __enter__(self) -> "Engine":
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self._manage("serve", "--only", "engine,engine-worker"),
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        self.session.close()

    def _manage(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while "Ctrl-C stops" not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise EngineError(f"The engine did not start:\n{self.log.read_text()}")
            time.sleep(0.1)
        key = subprocess.run(
            self._manage("engine_key"), cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout
        self.session.headers["Authorization"] = f"Bearer {key.strip()}"
        below = descendants(self.process.pid, {pid: int(fields[1]) for pid, fields in stats().items()})
        self.worker = next(pid for pid in below if "--hostname engine-worker-1@" in command_of(pid))

    def usage(self) -> Usage:
        """What the worker has used since it started, with its recogniser and decoder."""
        return tree_usage(self.worker)

    def analyse(self, path: Path, seconds: float) -> dict[str, Any]:
        """Submit a recording of `seconds` and return its analysis; raises EngineError."""
        with path.open("rb") as file:
            created = self._ask("POST", "", data={"agent_id": "a", "contact_id": "c"}, files={"audio_file": file})
        deadline = time.monotonic() + LOADING_SECONDS + SECONDS_PER_AUDIO_SECOND * seconds
        while (analysis := self._ask("GET", f"{created['id']}"))["status"] == "processing":
            if time.monotonic() > deadline:
                raise EngineError(f"{path.name} was not analysed in time.")
            time.sleep(PAUSE)
        if analysis["status"] != "completed":
            raise EngineError(f"{path.name} failed: {analysis['error_message']}")
        return analysis

    def _ask(self, method: str, rest: str, **more: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/analysis/{rest}"
        response = self.session.request(method, url, timeout=60, **more)
        if not response.ok:
            raise EngineError(f"{method} {url} was answered with {response.status_code}: {response.text[:500]}")
        return dict(response.json())


def free_port() -> int:
    """A port that nobody listens on, chosen by the kernel."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
