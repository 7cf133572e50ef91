"""Requests as the web server hands them to the portal: by WSGI, where a test's client speaks to Django."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any
from unittest.mock import patch

from django.core import signals
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections, connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.test.client import ClientHandler

from callcov_portal.models import Recording
from callcov_portal.views.ranges import BLOCK
from callcov_portal.views.straight import portal
from tests.factories import RecordingFactory

SIZE = BLOCK * 2 + 1000
CONTENT = random.Random(7).randbytes(SIZE)


class Served(ClientHandler):
    """Asks a WSGI application, one of the portal's if none is given, and returns its answer as one of Django's."""

    def __init__(self, application: Any = None) -> None:
        super().__init__()
        self.application = application

    def __call__(self, environ: dict[str, Any]) -> Any:
        said: list[Any] = []
        application = self.application or portal(WSGIHandler())
        with connection_kept():
            pieces = application(environ, lambda status, headers, _trouble=None: said.extend((status, headers)))
        status, headers = said
        kind = HttpResponse if isinstance(pieces, list) else StreamingHttpResponse
        response = kind(pieces, status=int(status[:3]))
        del response.headers["Content-Type"]
        names = [name for name, _ in headers if name != "Set-Cookie"]
        assert len(names) == len(set(names)), "said twice"
        for name, value in headers:
            assert type(name) is type(value) is str
            if name == "Set-Cookie":
                response.cookies.load(value)
            else:
                response.headers[name] = value
        response.wsgi_request = WSGIRequest(environ)
        return response


@contextmanager
def connection_kept() -> Iterator[None]:
    """Keep the connection while a test is in a transaction, as a test's client does."""
    if not connection.in_atomic_block:
        yield
        return
    moments = (signals.request_started, signals.request_finished)
    for moment in moments:
        moment.disconnect(close_old_connections)
    try:
        with patch("callcov_portal.views.straight.close_old_connections"):
            yield
    finally:
        for moment in moments:
            moment.connect(close_old_connections)


def as_served(client: Client, application: Any = None) -> Client:
    """Return the same client, with the same session, that asks by WSGI."""
    served = copy(client)
    served.handler = Served(application)
    served.defaults = served.defaults | {"HTTP_HOST": "testserver"}  # which servers say, and tests' clients do not
    return served


def call_with_sound() -> Recording:
    """Return a call whose file is CONTENT."""
    name = default_storage.save("a.wav", ContentFile(CONTENT))
    call: Recording = RecordingFactory(file=name, file_name='Ünder "the" moon.wav', sha256="c0ffee", mime="audio/wav")
    return call


def body(response: Any) -> bytes:
    """Return all that was sent."""
    content: bytes = response.getvalue()
    return content


def get(client: Client, call: Recording, **headers: str) -> Any:
    """Ask for the sound of a call."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return client.get(f"/calls/{call.pk}/audio/", headers=named)
