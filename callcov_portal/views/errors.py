"""What a person sees when something cannot be done: what happened and what to do, in the product's look."""

import html
import sys
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.template import loader
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from callcov_portal.storage import AWAY, StorageAway
from callcov_portal.uploads import NO_ROOM, DiskFull, TooLarge
from callcov_portal.views.rendering import wants_partial

BAD_ORIGIN = "Origin checking failed"


def error_page(request: HttpRequest, status: HTTPStatus, heading: str, text: str) -> HttpResponse:
    """Render an error as a page, or as a short fragment where htmx asks."""
    context = {"status": int(status), "heading": heading, "text": text}
    partial = hasattr(request, "htmx") and wants_partial(request)
    response = render(request, "errors/_error.html" if partial else "errors/page.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: 413 for a file that is too large, 507 for a full disk, else 400.

    Only what we raised ourselves is shown word for word; Django's own reasons are for the log.
    """
    status, heading, text = (
        HTTPStatus.BAD_REQUEST,
        "That request cannot be read",
        "Go back, check what you entered and try again.",
    )
    if isinstance(exception, TooLarge):
        status, heading, text = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That file is too large", str(exception)
    elif isinstance(exception, DiskFull):
        status, heading, text = HTTPStatus.INSUFFICIENT_STORAGE, "There is no room left", str(exception)
    elif isinstance(exception, TooManyFilesSent):
        status, heading = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Those are too many files at once"
        text = f"At most {settings.DATA_UPLOAD_MAX_NUMBER_FILES} are taken. Send them in several parts."
    elif isinstance(exception, DisallowedHost):
        heading = "This server does not answer to that address"
        text = "Use the address you were given. An administrator can allow another one: CALLCOV_ALLOWED_HOSTS."
    elif type(exception) is BadRequest:
        text = str(exception)
    return error_page(request, status, heading, text)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403: say who may, where the refusal says it."""
    text = str(exception) or "Your role does not allow this. An administrator can change it on the page People."
    return error_page(request, HTTPStatus.FORBIDDEN, "You may not do that", text)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    text = "It may have been deleted, or the address has a mistake in it."
    return error_page(request, HTTPStatus.NOT_FOUND, "There is nothing here", text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say what to do when a form carries no valid token: mostly another tab signed in or out meanwhile."""
    heading, text = "That form was out of date", "Reload the page and try again. Nothing was changed."
    if reason.startswith(BAD_ORIGIN):
        text = (
            "This page was opened under an address that the server does not expect. Open it under its usual address; "
            "an administrator sets that one with CALLCOV_PUBLIC_URL."
        )
    return error_page(request, HTTPStatus.FORBIDDEN, heading, text)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: needs no database, no session and no user; if even the template is missing, plain HTML.

    503 where the database does not answer (it is locked, or is restarted), or the storage: programs try again by themselves
    then. 507 where the disk is full, whoever found out.
    """
    status, heading = 500, "Something went wrong on our side"
    text = (
        "Try again in a moment. If it stays, tell an administrator the time: "
        f"{timezone.localtime():%Y-%m-%d %H:%M:%S %Z}. The cause is in the log."
    )
    if is_full(sys.exception()):
        status, heading = 507, "There is no room left"
        text = "The disk is full. Nothing that was stored is lost; make room, then send it again."
    elif isinstance(sys.exception(), StorageAway):
        status, heading = 503, AWAY.removesuffix(".")
        text = "Nothing that was stored is lost. Try again in a moment; what you sent just now, send once more."
    elif is_away(sys.exception()):
        status, heading = 503, "The database does not answer"
        text = "Nothing that was stored is lost. Try again in a moment; what you sent just now, send once more."
    context = {"status": status, "heading": heading, "text": text}
    template = "errors/_error.html" if getattr(request, "htmx", False) else "errors/page.html"
    try:
        body = str(loader.render_to_string(template, context))
    except Exception:  # noqa: BLE001  the last resort must not fail
        body = f"<!doctype html><title>{heading}</title><h1>{heading}</h1><p>{html.escape(text)}</p>"
    return HttpResponse(body, status=status, headers={"Retry-After": "10"} if status == 503 else {})


def is_full(error: BaseException | None) -> bool:
    """Say whether an error tells of a full disk, in the words of the system, SQLite or PostgreSQL."""
    if isinstance(error, OperationalError):
        return "disk is full" in str(error) or "No space left" in str(error)
    return isinstance(error, OSError) and error.errno in NO_ROOM


def is_away(error: BaseException | None) -> bool:
    """Say whether an error tells of a database that is away or busy for a while."""
    return isinstance(error, (OperationalError, InterfaceError))


def no_dead_ends(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: lead back from an address that only takes forms.

    Who was signed out meanwhile and sends a form signs in to the page with the form, not to the form's own
    address, where there is nothing to see. Whoever opens such an address all the same gets a page.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not request.path.startswith("/hooks/"):
            text = "It only takes what a form on another page sends. Go back, or begin with the calls."
            page = error_page(request, HTTPStatus.METHOD_NOT_ALLOWED, "There is no page at this address", text)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        if request.method == "POST" and leads_to_sign_in(response) and not request.headers.get("HX-Request"):
            return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': page_with_the_form(request)})}")
        return response

    return middleware


def leads_to_sign_in(response: HttpResponseBase) -> bool:
    """Say whether an answer asks to sign in first, to come back later."""
    target = urlsplit(response.headers.get("Location", ""))
    return target.path == resolve_url(settings.LOGIN_URL) and "next=" in target.query


def page_with_the_form(request: HttpRequest) -> str:
    """Return the path of our page from which a form was sent; the front page if the browser does not say."""
    page = urlsplit(request.headers.get("Referer", ""))
    if page.netloc != request.get_host():
        return "/"
    return page.path + (f"?{page.query}" if page.query else "")
