"""A PostgreSQL server of our own, which may be killed."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.running import descendants, free_port, until
from tests.services import postgres_binaries


class PostgresServer:
    """A cluster in a folder of its own, on a port of its own; root runs it as the user `postgres`, as it must."""

    def __init__(self) -> None:
        binaries = postgres_binaries()
        assert binaries
        self.binaries, self.port = binaries, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="callcov-postgres-", dir="/tmp"))
        self.as_whom: dict[str, Any] = {}
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.as_whom = {"user": "postgres", "group": "postgres", "extra_groups": []}
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        self.run("initdb", "-D", "data", *options)

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.binaries / program, *arguments], cwd=self.folder, check=True, capture_output=True, **self.as_whom
        )

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and return when it answers: after a crash, when it has recovered."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        command = [
            str(self.binaries / "postgres"),
            "-D",
            "data",
            *(word for option in options for word in ("-c", option)),
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self.as_whom)
        until(self.answers, 60)

    def answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def crash(self, away: float = 2.0) -> None:
        """SIGKILL all of it at once, as when its machine loses power; it is away for a while, then starts again."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        time.sleep(away)
        self.start()

    def end(self) -> None:
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGINT)  # cuts connections
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
