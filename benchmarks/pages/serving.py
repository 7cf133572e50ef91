"""Pages over HTTP, from the server that the product runs: a page's cost is the CPU of all the server's processes."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPConnection

from benchmarks.engine.serving import ROOT, free_port
from benchmarks.engine.usage import PARENT, cpu_of, descendants, stats
from benchmarks.pages.asking import Unexpected

AT_ONCE, LEAST = 2, 0.03  # requests at once, until they cost so many CPU seconds
START_SECONDS = 60
running: list["Server"] = []


class Server:
    """A server by its command, made of its port: begun when it is first asked, ended by `close()`.

    It inherits the environment of the process that starts it, so it works on the same database.
    """

    def __init__(self, name: str, command: Callable[[int], Sequence[str]]) -> None:
        self.name, self.command = name, command

    @cached_property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server, once it has answered: then all its processes are there."""
        process = subprocess.Popen(self.command(self.connection.port), cwd=ROOT, stdout=2)
        running.append(self)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                self.connection.request("GET", "/")
                self.connection.getresponse().read()
                return process
            self.connection.close()
            time.sleep(0.1)
        raise TimeoutError(f"{self.name} does not answer.")

    @cached_property
    def connection(self) -> HTTPConnection:
        """A connection that stays open."""
        return HTTPConnection("127.0.0.1", free_port(), timeout=60)

    @cached_property
    def processes(self) -> list[int]:
        """The server's processes."""
        root = self.process.pid
        return [root, *descendants(root, {pid: int(fields[PARENT]) for pid, fields in stats().items()})]

    def cpu(self) -> float:
        """Return the CPU seconds that it has used."""
        return sum(map(cpu_of, self.processes))

    def ask(self, path: str, headers: Mapping[str, str], status: int = HTTPStatus.OK) -> bytes:
        """Return the body of an answer; raises `Unexpected` for any with another status."""
        if self.process.poll() is not None:
            raise Unexpected(f"{self.name} has ended.")
        self.connection.request("GET", path, headers=headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != status:
            raise Unexpected(f"{path}: {answer.status} {content[:300]!r}")
        return content


def web(target: str) -> Server:
    """Return a WSGI application (`module:name`) under the product's own command."""
    from callcov_portal.supervisor.parts import web_server

    return Server(target, lambda port: web_server(target, "127.0.0.1", port))


@dataclass
class Page:
    """A page as somebody asks for it who is signed in; htmx asks for a part of it, a player for a range of bytes."""

    server: Server
    path: str
    cookie: str = ""
    is_htmx: bool = False
    part: range | None = None
    once: bool = False

    def __call__(self) -> bytes:
        """Ask once; raises `Unexpected` where the range is not given."""
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if self.is_htmx:
            headers |= {
                "HX-Request": "true",
                "HX-Current-URL": f"http://127.0.0.1:{self.server.connection.port}/calls/",
            }
        if self.part is None:
            return self.server.ask(self.path, headers)
        headers["Range"] = f"bytes={self.part.start}-{self.part.stop - 1}"
        content = self.server.ask(self.path, headers, HTTPStatus.PARTIAL_CONTENT)
        if len(content) != len(self.part):
            raise Unexpected(f"{self.path}: {len(content)} bytes")
        return content

    def cost(self, _times: int) -> float:
        """Return the CPU seconds of one answer.

        It begins with a new connection: servers end one that waited for half a minute, while others were measured. That
        one, the thread that takes it, and what others left of the processor's caches are no part of a page: the first
        answer is not counted, unless there is only one.
        """
        self.server.connection.close()
        if not self.once:
            self()
        before, times = self.server.cpu(), 1
        self()
        while (used := self.server.cpu() - before) < LEAST:
            for _ in range(AT_ONCE):
                self()
            times += AT_ONCE
        return used / times


def close() -> None:
    """End all servers of this process."""
    for server in running:
        server.connection.close()
        server.process.terminate()
        server.process.wait(timeout=30)
    running.clear()
