"""The real process group, as a person starts it, and what is left of it."""

import fcntl
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true, seconds=10.0):
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return value


def alive(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def prepare(group: "RealGroup") -> None:
    """Give a group that never ran its data folder as the set-up leaves it, which is made once for all processes of a test run."""
    shared = Path(os.environ["CALLCOV_DATA_DIR"]) / "prepared"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            made = shared.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)  # of somebody who was stopped here
            env = group.env | {"CALLCOV_DATA_DIR": str(made)}
            subprocess.run([sys.executable, "manage.py", "setup"], cwd=ROOT, env=env, check=True, capture_output=True)
            made.rename(shared)
    shutil.copytree(shared, group.data)


class RealGroup:
    """`manage.py serve` as a person starts it, on free ports, with scripted speech and a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        self.port, self.engine_port = free_port(), free_port()
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("CALLCOV_", "PGOPTIONS"))}
        self.env = ours | {
            "CALLCOV_DATA_DIR": str(folder),
            "CALLCOV_PORT": str(self.port),
            "CALLCOV_ENGINE_PORT": str(self.engine_port),
            "CALLCOV_ENGINE_MODEL": "scripted",
            "CALLCOV_ADMIN_PASSWORD": "correct horse battery",
        }
        self.log = folder.with_suffix(".log")
        self.process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        """The file of its database, where it has no server for that."""
        return self.data / "callcov.sqlite3"

    @contextmanager
    def rows(self) -> Iterator[sqlite3.Connection]:
        """Let its database be read, past the portal, and not be written."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            yield connection

    def start(self, *arguments: str) -> None:
        """Start it and return once everything has been heard."""
        before = self.said().count("Ctrl-C stops.")
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *arguments], cwd=ROOT, env=self.env, stdout=log, stderr=log
            )
        until(lambda: self.said().count("Ctrl-C stops.") > before or self.process.poll() is not None, 180)
        assert self.process.poll() is None, self.said()

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def processes(self) -> dict[int, str]:
        """Return every process of the group: those that have our data folder in their environment."""
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                ours = f"CALLCOV_DATA_DIR={self.data}".encode() in (folder / "environ").read_bytes()
                if ours and alive(int(folder.name)):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def leader(self, sign: str) -> int:
        """Return the process, of those whose command has this sign, that leads the others."""
        return next(pid for pid, command in self.processes().items() if sign in command and os.getpgid(pid) == pid)

    def worker(self) -> int:
        """Return the process that leads the portal's worker."""
        return self.leader("--hostname worker@")

    def answers(self) -> list[int]:
        return [status(f"http://127.0.0.1:{port}/health") for port in (self.port, self.engine_port)]

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def prepared(folder: Path, settings: Mapping[str, str]) -> Iterator[RealGroup]:
    """Give a group with these settings over a prepared folder, not yet started; it is ended at the end."""
    group = RealGroup(folder)
    group.env |= settings
    prepare(group)
    try:
        yield group
    finally:
        group.end()


def descendants(pid: int) -> set[int]:
    """Return the processes below `pid`, whatever their environment and process group."""
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, more = set(), {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more}
        found |= more
    return found


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
