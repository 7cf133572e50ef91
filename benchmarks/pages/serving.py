"""Pages over HTTP, from the server that the product runs: a page's cost is the CPU of all the server's processes."""

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection

from benchmarks.engine.serving import ROOT, free_port
from benchmarks.engine.usage import tree_usage
from benchmarks.pages.asking import Unexpected

AT_ONCE, LEAST = 20, 0.3  # requests at once, until they cost so many CPU seconds: the kernel counts in hundredths
START_SECONDS = 60
running: list["Server"] = []


class Server:
    """A WSGI application (`module:name`) under the product's own command: begun when it is first asked, ended by `close()`.

    It inherits the environment of the process that starts it, so it works on the same database.
    """

    def __init__(self, target: str) -> None:
        self.target = target

    @cached_property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server."""
        from callcov_portal.supervisor.parts import web_server

        process = subprocess.Popen(web_server(self.target, "127.0.0.1", self.connection.port), cwd=ROOT, stdout=2)
        running.append(self)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                self.connection.connect()
                return process
            time.sleep(0.1)
        raise TimeoutError(f"{self.target} does not answer.")

    @cached_property
    def connection(self) -> HTTPConnection:
        """A connection that stays open."""
        return HTTPConnection("127.0.0.1", free_port(), timeout=60)

    def cpu(self) -> float:
        """Return the CPU seconds that it has used."""
        return tree_usage(self.process.pid).cpu

    def ask(self, path: str, headers: dict[str, str]) -> bytes:
        """Return the body of an answer; raises `Unexpected` for any but 200."""
        if self.process.poll() is not None:
            raise Unexpected(f"{self.target} has ended.")
        self.connection.request("GET", path, headers=headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise Unexpected(f"{path}: {answer.status} {content[:300]!r}")
        return content


@dataclass
class Page:
    """A page as somebody asks for it who is signed in; htmx asks for a part of it."""

    server: Server
    path: str
    cookie: str = ""
    is_htmx: bool = False

    def __call__(self) -> bytes:
        """Ask once."""
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if self.is_htmx:
            headers |= {
                "HX-Request": "true",
                "HX-Current-URL": f"http://127.0.0.1:{self.server.connection.port}/calls/",
            }
        return self.server.ask(self.path, headers)

    def cost(self, _times: int) -> float:
        """Return the CPU seconds of one answer."""
        before, times = self.server.cpu(), 0
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
