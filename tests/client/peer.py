"""A peer on the loopback that answers whatever a test wants, byte for byte, and remembers what it was sent."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    size: int = 0

    @property
    def json(self):
        return json.loads(self.body)


Reply = bytes | Callable[[socket.socket], None]


def answer(status: int = 200, body: Any = b"", **headers: object) -> bytes:
    """A whole HTTP answer; header names are written with underscores."""
    content: bytes = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@dataclass
class Peer:
    """Answers with `replies` in turn, the last one again and again. `keep` False: bodies are counted, not kept."""

    replies: list[Reply] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    keep: bool = True
    connections: int = 0

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api/v1"
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, suppress(OSError, ValueError):
                connection.settimeout(30)
                self._answer(connection)

    def _answer(self, connection):
        stream = connection.makefile("rb")
        method, path, _ = stream.readline().decode("latin-1").split()
        headers = {}
        while line := stream.readline().decode("latin-1").strip():
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        asked = Asked(method, path, headers)
        self.asked.append(asked)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        left = int(headers.get("content-length", 0))
        while left and (block := stream.read(min(left, 1 << 20))):
            left -= len(block)
            asked.size += len(block)
            asked.body += block if self.keep else b""
        if callable(reply):
            reply(connection)
        else:
            connection.sendall(reply)


def hang_up(_connection):
    """Closes without a word."""


HELD: list[socket.socket] = []


def closed_port() -> int:
    """Return a port on which nobody listens, and nobody will: it stays taken as long as this process lasts."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    HELD.append(sock)
    return int(sock.getsockname()[1])
