"""The wire under the client: connections that know whether anything was sent, and answers with an end.

Three things requests does not give. A failure while connecting (TLS included) is told apart from one after the
request began. The time-out while sending is its own, not the short one for connecting. And an answer that comes as
a trickle, byte by byte, each in time, is cut off by the clock: headers as well as body.
"""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError
from urllib3.response import BaseHTTPResponse

SEND_SECONDS = 60.0  # one write may stall this long: the peer's disk, a slow line
HEADER_SECONDS = 120.0  # from the end of the request to the end of the answer's headers
BODY_SECONDS = 300.0
BLOCK = 64 * 1024


class AnswerTooLarge(Exception):
    """The answer has more bytes than anyone could want."""


class _Careful:
    """What both kinds of connection do differently; mixed into urllib3's classes."""

    sock: socket.socket

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]
        except ConnectTimeoutError:
            raise
        except (OSError, http.client.HTTPException, HTTPError) as error:
            # The handshake failed: nothing of the request has left yet.
            raise NewConnectionError(self, f"Failed to establish a connection: {error}") from error  # type: ignore[arg-type]
        self.sock.settimeout(SEND_SECONDS)

    def getresponse(self) -> Any:
        with _hung_up_after(self.sock, HEADER_SECONDS):
            return super().getresponse()  # type: ignore[misc]


class _CarefulHTTP(_Careful, HTTPConnection):
    pass


class _CarefulHTTPS(_Careful, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _CarefulHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _CarefulHTTPS


class CarefulAdapter(HTTPAdapter):
    """requests' own adapter over the connections above, also through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        return manager


@contextmanager
def _hung_up_after(sock: socket.socket, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, _hang_up, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class UnledSession(requests.Session):
    """A session without a notion of redirects: requests would parse the target and read the whole body for it."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def session_for(host: str) -> requests.Session:
    """A session with our adapter; the environment's proxies are used, but never for this machine itself."""
    session = UnledSession()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = host not in {"localhost", "::1"} and not host.startswith("127.")
    for scheme in ("http://", "https://"):
        session.mount(scheme, CarefulAdapter())
    return session


class KeyAuth(AuthBase):
    """Sends the API key in the headers asked for. Being an auth, it also keeps a .netrc from replacing it."""

    def __init__(self, key: str, how: str) -> None:
        self.headers: dict[str, str] = {}
        if how in {"bearer", "both"}:
            self.headers["Authorization"] = f"Bearer {key}"
        if how in {"x-api-key", "both"}:
            self.headers["X-API-Key"] = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self.headers)
        return request


def read_body(raw: BaseHTTPResponse, most: int, *, cut: bool = False) -> bytes:
    """The body, decompressed. Above `most` bytes: cut off there, or AnswerTooLarge.

    Raises urllib3's errors, and TimeoutError when the whole takes longer than `BODY_SECONDS`.
    """
    deadline = time.monotonic() + BODY_SECONDS
    body = bytearray()
    while block := raw.read1(BLOCK, decode_content=True):
        body += block
        if len(body) > most:
            if cut:
                return bytes(body[:most])
            raise AnswerTooLarge(f"The answer is larger than {most >> 20} MB.")
        if time.monotonic() > deadline:
            raise TimeoutError("The answer took too long.")
    return bytes(body)


def never_sent(error: BaseException) -> bool:
    """Whether the request behind this error of requests certainly did not begin to leave this machine."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(error, requests.exceptions.ProxyError):
        reason = getattr(reason, "original_error", None)
    return isinstance(reason, ConnectTimeoutError)
