"""The wire under the guard: connections that go only where the guard looked, and that end when the time is over."""

import os
import queue
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, MaxRetryError

from callcov_portal.safefetch.errors import Unreachable
from callcov_portal.safefetch.guard import Guard, Place, prepare

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
DNS_SECONDS = 10.0


class Trip:
    """One fetch with its guard and its clock. When the time is over, the line is cut, wherever it is."""

    def __init__(self, guard: Guard, seconds: float) -> None:
        self.guard = guard
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._line: socket.socket | None = None
        self._session = _session(self)

    def left(self, most: float) -> float:
        """Seconds left, at most `most`; Unreachable when none are."""
        self.check_time()
        return min(most, max(self._end - time.monotonic(), 0.001))

    def check_time(self) -> None:
        """Raises Unreachable when the time is over."""
        if time.monotonic() >= self._end:
            raise Unreachable(f"The other side took longer than {self.seconds:g} seconds.")

    def send(self, method: str, url: str, **request: Any) -> requests.Response:
        """One request, checked; follows nothing. The answer's body is yet to be read."""
        prepared, _ = prepare(url, self.guard)
        times = (self.left(CONNECT_SECONDS), self.left(READ_SECONDS))
        return self._session.request(method, prepared, timeout=times, stream=True, allow_redirects=False, **request)

    def connect(self, scheme: str, host: str, port: int) -> socket.socket:
        """A connection to one of the host's addresses, all of which the guard has seen."""
        place = Place(scheme, host.lower().strip("[]").rstrip("."), port)
        addresses = self.guard.check_addresses(place, self._resolve(place))
        trouble: OSError | None = None
        for address in addresses:
            try:
                return self._watched(socket.create_connection((address, port), self.left(CONNECT_SECONDS)))
            except OSError as error:
                trouble = error
        raise Unreachable(f"No connection to {place.host}: {_words(trouble)}")

    def _resolve(self, place: Place) -> list[str]:
        """The resolver knows no time-out of its own, so it is asked from a thread that may be left behind."""
        answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self.guard.resolve(place.host, place.port or 0))
            except (OSError, UnicodeError) as error:
                answers.put(error if isinstance(error, OSError) else OSError(str(error)))

        threading.Thread(target=look_up, daemon=True).start()
        try:
            found = answers.get(timeout=self.left(DNS_SECONDS))
        except queue.Empty:
            found = []
        if isinstance(found, OSError) or not found:
            raise Unreachable(f"The name {place.host} cannot be found.")
        return found

    def _watched(self, connection: socket.socket) -> socket.socket:
        self.forget()
        self._line = connection.dup()  # stays ours when TLS takes the socket over
        if time.monotonic() >= self._end:  # the alarm may have rung before there was a line to cut
            connection.close()
            self.check_time()
        return connection

    def cut(self) -> None:
        """Hangs up; whoever is reading or writing wakes with an error or an end."""
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        if self._line is not None:
            self._line.close()

    def close(self) -> None:
        self.forget()
        self._session.close()


@contextmanager
def trip(guard: Guard, seconds: float) -> Iterator[Trip]:
    """A trip whose trouble comes out as Unreachable, with the cause in plain words."""
    going = Trip(guard, seconds)
    alarm = threading.Timer(seconds, going.cut)
    alarm.daemon = True
    alarm.start()
    try:
        yield going
    except (requests.RequestException, HTTPError) as error:
        going.check_time()
        raise Unreachable(f"The link cannot be fetched: {_words(error)}") from error
    finally:
        alarm.cancel()
        going.close()


class _GuardedHTTP(HTTPConnection):
    scheme = "http"

    def __init__(self, *args: Any, going: Trip, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._going = going

    def _new_conn(self) -> socket.socket:
        return self._going.connect(self.scheme, self.host, self.port)


class _GuardedHTTPS(HTTPSConnection):
    def __init__(self, *args: Any, going: Trip, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._going = going

    def _new_conn(self) -> socket.socket:
        return self._going.connect("https", self.host, self.port)


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, going: Trip) -> None:
        self._going = going
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_pool, HTTPConnectionPool, _GuardedHTTP, self._going),
            "https": partial(_pool, HTTPSConnectionPool, _GuardedHTTPS, self._going),
        }


def _pool(kind: Any, connection: Any, going: Trip, host: str, port: int, **kwargs: Any) -> Any:
    pool = kind(host, port, **kwargs)
    pool.ConnectionCls = partial(connection, going=going)
    return pool


class _Session(requests.Session):
    """Knows no redirects: requests would parse the target and read the whole body for it."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def _session(going: Trip) -> requests.Session:
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
    session.headers = requests.structures.CaseInsensitiveDict(
        {"User-Agent": "callcov_portal", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, _GuardedAdapter(going))
    return session


def _words(error: BaseException | None) -> str:
    """The innermost words, without the addresses of objects or of machines."""
    inner = error.args[0] if isinstance(error, requests.RequestException) and error.args else error
    reason = inner.reason if isinstance(inner, MaxRetryError) and inner.reason else inner
    words = os.strerror(reason.errno) if type(reason) is OSError and reason.errno else str(reason)
    return re.sub(r"<[^>]*>|\S*\(host=[^)]*\):?", "", words).strip(" :")[:300] or "no answer"
