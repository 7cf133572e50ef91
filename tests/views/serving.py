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

from callcov_portal.bodies import in_one_piece, whole_bodies
from callcov_portal.models import Recording
from callcov_portal.views.ranges import BLOCK
from callcov_portal.views.straight import straight_to_sound
from tests.factories import RecordingFactory

SIZE = BLOCK * 2 + 1000
CONTENT = random.Random(7).randbytes(SIZE)


class Served(ClientHandler):
    """Asks the whole WSGI application, and returns its answer as one of Django's."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        said: list[Any] = []
        portal = straight_to_sound(in_one_piece(whole_bodies(WSGIHandler())))
        with connection_kept():
            pieces = portal(environ, lambda status, headers, _trouble=None: said.extend((status, headers)))
        status, headers = said
        kind = HttpResponse if isinstance(pieces, list) else StreamingHttpResponse
        response = kind(pieces, status=int(status[:3]))
        del response.headers["Content-Type"]
        for name, value in headers:
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


def as_served(client: Client) -> Client:
    """Return the same client, with the same session, that asks by WSGI."""
    served = copy(client)
    served.handler = Served()
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
