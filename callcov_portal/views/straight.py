"""The short way to sound: past Django's handler, and past all that is there for pages; a player asks often, and waits."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import get_str_from_wsgi
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from callcov_portal.bodies import Application, in_one_piece, whole_bodies
from callcov_portal.models import User
from callcov_portal.models.prepared import AtOnce, PreparedModels, prepared_models
from callcov_portal.sessions import is_signed_in, sessions_by_key, whose
from callcov_portal.storage import is_folder
from callcov_portal.views.audio import Answer, sound
from callcov_portal.views.listening import Heard, calls_by_number

SOUND = re.compile(r"/calls/([0-9]{1,18})/audio/", re.ASCII)


def portal(django: Application) -> Application:
    """Return what the web server asks: Django, and what is done before it."""
    return straight_to_sound(in_one_piece(whole_bodies(django)))


def straight_to_sound(application: Application) -> Application:
    """Wrap the portal: whoever may hear a call gets its sound at once.

    Who may not, what is not there, and what is not plain go the long way, on which it is said why.
    """
    of_every_answer = headers_of_every_answer()

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        found = SOUND.fullmatch(environ.get("PATH_INFO", ""))
        if not found or not is_plain(environ):
            return application(environ, start_response)
        try:
            answer = answer_for(environ, int(found[1]))
        except Exception:  # noqa: BLE001  nothing has been sent, and the long way has pages and a log for it
            return application(environ, start_response)
        status = f"{answer.status.value} {answer.status.phrase}"
        start_response(status, [*answer.headers.items(), *of_every_answer])
        return answer.pieces

    return wrapped


def is_plain(environ: dict[str, Any]) -> bool:
    """Say whether nothing but sound that lies here is asked for, at an address of ours, and as we want to be asked.

    A storage elsewhere is slower than all that is saved, and while it does not answer nobody should wait for it twice.
    """
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or environ.get("QUERY_STRING") or not is_folder():
        return False
    if settings.SECURE_SSL_REDIRECT:
        header, value = settings.SECURE_PROXY_SSL_HEADER
        if environ.get(header) != value:
            return False
    domain, _port = split_domain_port(environ.get("HTTP_HOST", ""))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def answer_for(environ: dict[str, Any], number: int) -> Answer:
    """Return what is sent to whose session it is; raises where there is nothing for this person."""
    close_old_connections()  # as Django does before a request
    key = parse_cookie(get_str_from_wsgi(environ, "HTTP_COOKIE", ""))[settings.SESSION_COOKIE_NAME]
    if not (found := person_and_call().found(key, whose(key), number)):
        raise Http404
    session, person, call = found
    user = listeners().made(person)
    if not is_signed_in(user, *session) or user.must_change_password:
        raise PermissionDenied
    return sound(environ, Heard(*call))


@lru_cache(maxsize=1)
def person_and_call() -> AtOnce:
    """Return the query by which a session, its user, and a call are found."""
    return AtOnce(sessions_by_key(), listeners().statement, calls_by_number())


@lru_cache(maxsize=1)
def listeners() -> PreparedModels[User]:
    """Return the query for what is looked at of a user."""
    return prepared_models(User.objects.filter(pk=0).order_by(), "id", "password", "is_active", "must_change_password")


def headers_of_every_answer() -> list[tuple[str, str]]:
    """Return the headers that Django's middleware adds, and that who is signed in was looked at."""
    request = HttpRequest()
    request.META = dict([settings.SECURE_PROXY_SSL_HEADER]) if settings.SECURE_SSL_REDIRECT else {}
    response = HttpResponse()
    for middleware in (SecurityMiddleware, XFrameOptionsMiddleware):
        middleware(lambda _request: response).process_response(request, response)
    ours = {"Content-Type", "X-Content-Type-Options"}
    return [("Vary", "Cookie"), *((name, value) for name, value in response.headers.items() if name not in ours)]
