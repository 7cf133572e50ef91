"""Requests through the real WSGI application, in this process and without a socket."""

import io
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from callcov_portal.actions import sweeping
from callcov_portal.models import Role, Signal, User

NAME = "benchmark"


class Unexpected(Exception):
    """An answer was not the one that is measured."""


def person() -> User:
    """Return who asks: a lead who cannot sign in otherwise."""
    worker_sweeps()
    return User.objects.get_or_create(username=NAME, defaults={"role": Role.LEAD, "password": "!"})[0]


def worker_sweeps() -> None:
    """Note that a worker runs, as it does beside every portal in use: its silence would be looked into by every page."""
    tomorrow = timezone.now() + timedelta(days=1)
    Signal.objects.update_or_create(name=sweeping.SWEPT, defaults={"at": tomorrow})


def session_cookie(user: User) -> str:
    """Return the cookie of a session in which a user is signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "callcov_portal.sessions.Accounts"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


class Browser:
    """Somebody who is signed in."""

    def __init__(self, application: Callable[..., Any], cookie: str = "") -> None:
        self.application, self.cookie = application, cookie

    def ask(self, address: str, *, method: str = "GET", body: bytes = b"", htmx: bool = False) -> bytes:
        """Return the body of an answer; raises `Unexpected` for any but 200 and 206."""
        return b"".join(self.stream(address, method=method, body=body, htmx=htmx))

    def stream(
        self, address: str, *, method: str = "GET", body: bytes = b"", htmx: bool = False
    ) -> Generator[bytes, None, None]:
        """Yield the body of an answer as it comes; raises `Unexpected` for any but 200 and 206."""
        said: list[str] = []
        environ = self.environment(address, method, body, htmx=htmx)
        answer = self.application(environ, lambda status, headers, _=None: said.append(status))
        try:
            if said[0][:3] not in {"200", "206"}:
                raise Unexpected(f"{method} {address}: {said[0]} {b''.join(answer)[:300]!r}")
            yield from answer
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def environment(self, address: str, method: str, body: bytes, *, htmx: bool) -> dict[str, Any]:
        """Return a request as a server hands it over."""
        parts = urlsplit(address)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_COOKIE": self.cookie,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if htmx:
            environ |= {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": f"http://127.0.0.1:8000{parts.path}"}
        return environ


def signed_in() -> Browser:
    """Return a browser of the portal."""
    from callcov_portal.wsgi import application

    return Browser(application, session_cookie(person()))
