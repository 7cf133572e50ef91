"""The sound itself, in ranges, so that a player can seek: Django's own FileResponse ignores Range."""

import re
from collections.abc import Callable
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.core.files import File
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from callcov_portal.actions import unmasking
from callcov_portal.views.errors import error_page
from callcov_portal.views.listening import NO_AUDIO, BeingMade, Served, heard, served_of, wants_all
from callcov_portal.views.ranges import BLOCK, NotSatisfiable, Span, blocks, part, span_of
from callcov_portal.views.rendering import PortalRequest

SOUND = re.compile(r"/calls/([0-9]{1,18})/audio/", re.ASCII)
TO_BE_EXPLAINED = (DisallowedHost, FileNotFoundError, Http404, PermissionDenied, BeingMade)


def straight_to_sound(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: hand sound to whoever may hear it, past all that is there for pages and forms; a player asks often.

    Who may not, and what is not there, goes the long way, on which it is said why.
    """
    short_way = SessionMiddleware(sound_for_somebody)  # type: ignore[arg-type]

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method in {"GET", "HEAD"} and SOUND.fullmatch(request.path_info):
            try:
                return short_way(request)  # type: ignore[return-value]
            except TO_BE_EXPLAINED:
                pass
        return get_response(request)

    return middleware


def sound_for_somebody(request: PortalRequest) -> HttpResponseBase:
    """Return the sound that is asked for; raises one of TO_BE_EXPLAINED where there is none for this person."""
    request.get_host()  # raises for an address that is not ours
    match, user = SOUND.fullmatch(request.path_info), get_user(request)
    if not match or not user.is_authenticated or user.must_change_password:
        raise PermissionDenied
    request.user = user
    return sound(request, int(match[1]))


@require_safe
def call_audio(request: PortalRequest, number: int) -> HttpResponseBase:
    """Serve a call's audio, sensitive seconds silent; with `?unmuted=1` all of it, for those with the right, logged.

    200 whole, 206 one range, 416 beyond its end; several ranges at once give the whole. 503 while the muted copy is
    being made. `?download=1` offers it as a file to keep. With `CALLCOV_AUDIO_ACCEL` nginx sends the bytes.
    """
    try:
        return sound(request, number)
    except BeingMade:
        return not_yet(request)
    except FileNotFoundError:  # a muted copy that is replaced in this moment
        raise Http404(NO_AUDIO) from None


def sound(request: PortalRequest, number: int) -> HttpResponseBase:
    """Return a call's audio, and write down that somebody hears what is sensitive in it.

    Raises `PermissionDenied`, `Http404`, or `BeingMade`, and then has written down nothing.
    """
    is_lifted, as_download = wants_all(request), request.GET.get("download") == "1"
    call = heard(number)
    served = served_of(call, is_lifted=is_lifted)
    response = handed_over(served) if settings.CALLCOV_AUDIO_ACCEL else sent(request, served)
    if is_lifted and request.method != "HEAD":
        unmasking.note_heard(request.user, call.number, as_download=as_download)
    return described(response, served, as_download=as_download)


def not_yet(request: PortalRequest) -> HttpResponse:
    """Say that the muted copy is being made, and when to ask again."""
    text = "The seconds with sensitive data are being made silent. It takes a moment: try again in a few seconds."
    response = error_page(request, HTTPStatus.SERVICE_UNAVAILABLE, "Not yet", text)
    response.headers["Retry-After"] = "5"
    response.headers["Cache-Control"] = "no-store"
    return response


def handed_over(served: Served) -> HttpResponse:
    """Leave the bytes, and which of them, to the nginx in front; that they may be heard was decided here."""
    if not default_storage.exists(served.name):
        raise Http404(NO_AUDIO)
    address = f"{settings.CALLCOV_AUDIO_ACCEL}{quote(served.name)}"
    return HttpResponse(headers={"X-Accel-Redirect": address, "Content-Length": "0"})


def sent(request: PortalRequest, served: Served) -> HttpResponseBase:
    """Return the bytes asked for."""
    with opened(served.name) as file:
        if request.META.get("HTTP_IF_NONE_MATCH") == served.tag and "HTTP_RANGE" not in request.META:
            return HttpResponse(status=304)
        try:
            span = span_of(request, file.size, served.tag)
        except NotSatisfiable:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}", "Content-Length": "0"})
        chosen = span or Span(0, file.size - 1)
        response = HttpResponse() if request.method == "HEAD" else bytes_of(file, served.name, chosen)
        response.headers["Content-Length"] = str(chosen.length)
        if span:
            response.status_code = 206
            response.headers["Content-Range"] = f"bytes {span.first}-{span.last}/{file.size}"
        return response


def opened(name: str) -> "File[bytes]":
    """Return a stored file; raises `Http404` if there is none."""
    try:
        return default_storage.open(name)
    except FileNotFoundError:
        raise Http404(NO_AUDIO) from None


def bytes_of(file: "File[bytes]", name: str, span: Span) -> HttpResponseBase:
    """Return the bytes of a file: a block in one piece, more than that block by block as they are sent."""
    if span.length > BLOCK:
        return StreamingHttpResponse(blocks(name, span))
    return HttpResponse(part(file, span))


def described(response: HttpResponseBase, served: Served, *, as_download: bool) -> HttpResponseBase:
    """Add what holds for every answer: the type is ours, never the sender's; nothing in it may run; not shared.

    A browser asks again before it plays what it kept: what may be heard of a call can change.
    """
    disposition = content_disposition_header(as_attachment=as_download, filename=served.file_name)
    headers = {
        "Content-Type": served.mime,
        "Content-Disposition": disposition or "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
        "ETag": served.tag,
    }
    if served.modified:
        headers["Last-Modified"] = format_datetime(served.modified, usegmt=True)
    for header, value in headers.items():
        response.headers[header] = value
    if "X-Accel-Redirect" in response.headers:  # nginx knows its files by tags and times of its own
        del response.headers["ETag"], response.headers["Last-Modified"]
    return response
