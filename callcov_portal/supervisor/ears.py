"""How a part is asked whether it still works: an HTTP answer, a worker's pulse, the beat's tick.

An ear answers True (it was heard since the last question), False (silence) or None (cannot be told now: a worker
whose threads are all busy, a broker that takes no message). Only silence makes a part deaf.
"""

import http.client
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Ear(Protocol):
    """One way to ask a part."""

    def ask(self) -> bool | None: ...


class HttpEar:
    """Any HTTP answer is a sign of life: a 503 says that a database is away, not that the web server is."""

    def __init__(self, host: str, port: int, path: str, *, timeout: float = 5.0) -> None:
        self.host, self.port, self.path, self.timeout = host, port, path, timeout

    def ask(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request("GET", self.path, headers={"Host": "127.0.0.1", "User-Agent": "callcov-supervisor"})
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True


class FileEar:
    """A file that the part rewrites while it works; what counts is that it changed, so clocks may jump."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last = self._state()

    def _state(self) -> tuple[int, str]:
        try:
            return self.path.stat().st_mtime_ns, self.path.read_text()
        except (OSError, ValueError):
            return 0, ""

    def ask(self) -> bool | None:
        before, self.last = self.last, self._state()
        return self.last != before


class PulseEar(FileEar):
    """A message to the worker's private queue, which the worker answers by rewriting its pulse file.

    The file holds the number of tasks running. While every thread is busy the message has to wait, and that is
    not deafness: tasks have time limits of their own.
    """

    def __init__(self, path: Path, publish: Callable[[], None], *, threads: int) -> None:
        super().__init__(path)
        self.publish, self.threads = publish, threads

    def ask(self) -> bool | None:
        heard = super().ask()
        try:
            self.publish()
        except Exception:  # noqa: BLE001  whatever a broker's library raises: the broker is away, not the worker
            return heard or None
        if heard:
            return True
        running = self.last[1].strip()
        return None if running.isdecimal() and int(running) >= self.threads else False
