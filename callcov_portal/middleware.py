"""What every request passes on its way in."""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils.cache import patch_vary_headers

from callcov_portal import uploads

Handler = Callable[[HttpRequest], HttpResponseBase]

MEGABYTE = 1024 * 1024
SMALL_BODY = MEGABYTE  # a form or a JSON document
HOOK_BODY = 8 * MEGABYTE


def body_limit(get_response: Handler) -> Handler:
    """Refuse a body before a byte of it is read: no length → 411, too long → 413. No server sets a limit for us."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return get_response(request)
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length.isdecimal():
            if request.META.get("HTTP_TRANSFER_ENCODING"):
                return refusal(411, "length_required", "Send a Content-Length header.")
            length = "0"
        if int(length) > (limit := largest_body(request.path)):
            if settings.CALLCOV_ROLE == "portal" and is_for_a_person(request):
                return plain_page(413, f"That is larger than {limit // MEGABYTE} MB. Send less at a time.")
            return refusal(413, "file_too_large", f"The request is larger than {limit // MEGABYTE} MB.", int(length))
        try:
            return get_response(request)
        finally:
            uploads.drop_unfinished(request)

    return middleware


def largest_body(path: str) -> int:
    """Return the most bytes a request to `path` may carry."""
    of_portal = ("/calls/add/files/", "/calls/add/uploads/", "/batches/new/")
    takes_files = ("/api/v1/",) if settings.CALLCOV_ROLE == "engine" else of_portal
    if path.startswith(takes_files):
        return int((settings.CALLCOV_MAX_UPLOAD_MB + 1) * MEGABYTE)
    return HOOK_BODY if path.startswith("/hooks/") else SMALL_BODY


def refusal(status: int, code: str, message: str, size: int | None = None) -> HttpResponse:
    """Return the API's error document, which people can read as well."""
    error: dict[str, object] = {"code": code, "message": message}
    if size is not None:
        error["details"] = {
            "file_size_mb": round(size / MEGABYTE, 1),
            "max_size_mb": settings.CALLCOV_MAX_UPLOAD_MB,
        }
    return JsonResponse({"detail": message, "error": error}, status=status, headers={"Connection": "close"})


def is_for_a_person(request: HttpRequest) -> bool:
    """Say whether a browser asks for a page, rather than a program for a document."""
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def plain_page(status: int, sentence: str) -> HttpResponse:
    """Return a page that needs nothing: no user, no session, no template."""
    body = (
        f'<!doctype html><html lang="en"><title>{sentence}</title><h1>{sentence}</h1><p><a href="/">Go to the calls</a>'
    )
    headers = {"Connection": "close", "Content-Security-Policy": "default-src 'none'"}
    return HttpResponse(body, status=status, headers=headers)


def htmx_redirects(get_response: Handler) -> Handler:
    """Turn a redirect that answers an htmx request into a move of the whole page.

    Otherwise the login form of an ended session would be swapped into a table. A fragment that polls
    comes back to the page it is part of, not to itself.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not getattr(request, "htmx", False) or response.status_code not in {301, 302, 303}:
            return response
        target = response.headers["Location"]
        login = resolve_url(settings.LOGIN_URL)
        if urlsplit(target).path == login:
            page = urlsplit(request.headers.get("HX-Current-URL", ""))
            here = page.path + (f"?{page.query}" if page.query else "")
            target = f"{login}?{urlencode({'next': here or '/'})}"
        answer = HttpResponse(status=204, headers={"HX-Redirect": target})
        answer.cookies = response.cookies
        patch_vary_headers(answer, ["HX-Request"])
        return answer

    return middleware


def password_change_first(get_response: Handler) -> Handler:
    """Send a user with a one-time password to the page where it is changed; nothing else opens before."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if user.is_authenticated and user.must_change_password:
            open_paths = {resolve_url(name) for name in ("password_change", "logout", "health")}
            if request.path not in open_paths and not request.path.startswith(("/hooks/", "/static/")):
                messages.info(request, "Choose a password of your own first.")
                return redirect("password_change")
        return get_response(request)

    return middleware


def client_address(request: HttpRequest) -> str:
    """Return the address a request comes from, looking through the proxies of `CALLCOV_TRUSTED_PROXIES` only.

    It ends at what is no address: a header can hold anything, and the database takes nothing else for one.
    """
    chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    address = str(request.META.get("REMOTE_ADDR", ""))
    while chain and is_trusted_proxy(address) and is_address(chain[-1]):
        address = chain.pop()
    return address


def is_address(text: str) -> bool:
    """Say whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_trusted_proxy(address: str) -> bool:
    """Say whether an address is one of `CALLCOV_TRUSTED_PROXIES` (addresses or networks)."""
    if not is_address(address):
        return False
    ip = ipaddress.ip_address(address)
    return any(ip in ipaddress.ip_network(proxy, strict=False) for proxy in settings.CALLCOV_TRUSTED_PROXIES)
