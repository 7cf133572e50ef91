"""The sound itself, in ranges, so that a player can seek: Django's own FileResponse ignores Range."""

import re
from collections.abc import Iterable, Mapping
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from callcov_portal.actions import unmasking
from callcov_portal.storage import Opened, opened
from callcov_portal.views.errors import error_page
from callcov_portal.views.listening import NO_AUDIO, BeingMade, Heard, Served, heard, served_of, wants_all
from callcov_portal.views.ranges import BLOCK, NotSatisfiable, Span, blocks, span_of
from callcov_portal.views.rendering import PortalRequest

CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class Answer(NamedTuple):
    """What is sent: a status, headers, and the bytes in pieces; a list of them is there as a whole."""

    status: HTTPStatus
    headers: dict[str, str]
    pieces: Iterable[bytes] = []


@require_safe
def call_audio(request: PortalRequest, number: int) -> HttpResponseBase:
    """Serve a call's audio, sensitive seconds silent; with `?unmuted=1` all of it, for those with the right, logged.

    200 whole, 206 one range, 416 beyond its end; several ranges at once give the whole. 503 while the muted copy is
    being made. `?download=1` offers it as a file to keep. With `CALLCOV_AUDIO_ACCEL` nginx sends the bytes.
    """
    is_lifted, as_download = wants_all(request), request.GET.get("download") == "1"
    try:
        answer = sound(request.META, heard(number), is_lifted=is_lifted, as_download=as_download)
    except BeingMade:
        return not_yet(request)
    except FileNotFoundError:  # or a muted copy that is replaced in this moment
        raise Http404(NO_AUDIO) from None
    if is_lifted and request.method != "HEAD":
        unmasking.note_heard(request.user, number, as_download=as_download)
    kind = HttpResponse if isinstance(answer.pieces, list) else StreamingHttpResponse
    return kind(answer.pieces, status=answer.status, headers=answer.headers)


def sound(asked: Mapping[str, Any], call: Heard, *, is_lifted: bool = False, as_download: bool = False) -> Answer:
    """Return a call's audio; `asked` is what was asked for, in WSGI's words.

    Raises `PermissionDenied`, `Http404`, `FileNotFoundError`, or `BeingMade`.
    """
    served = served_of(call, is_lifted=is_lifted)
    described = description(served, as_download=as_download)
    if settings.CALLCOV_AUDIO_ACCEL:
        return handed_over(served.name, described)
    with opened(served.name) as file:
        return sent(asked, file, served, described)


def handed_over(name: str, described: dict[str, str]) -> Answer:
    """Leave the bytes, and which of them, to the nginx in front; that they may be heard was decided here."""
    if not default_storage.exists(name):
        raise FileNotFoundError(name)
    ours = {key: value for key, value in described.items() if key not in {"ETag", "Last-Modified"}}  # nginx has its own
    address = f"{settings.CALLCOV_AUDIO_ACCEL}{quote(name)}"
    return Answer(HTTPStatus.OK, ours | {"X-Accel-Redirect": address, "Content-Length": "0"})


def sent(asked: Mapping[str, Any], file: Opened, served: Served, described: dict[str, str]) -> Answer:
    """Return the bytes asked for: a block in one piece, more than that block by block as they are sent."""
    if asked.get("HTTP_IF_NONE_MATCH") == served.tag and "HTTP_RANGE" not in asked:
        return Answer(HTTPStatus.NOT_MODIFIED, described)
    try:
        span = span_of(asked, file.size, served.tag)
    except NotSatisfiable:
        beyond = {"Content-Range": f"bytes */{file.size}", "Content-Length": "0"}
        return Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, described | beyond)
    chosen = span or Span(0, file.size - 1)
    described["Content-Length"] = str(chosen.length)
    if span:
        described["Content-Range"] = f"bytes {span.first}-{span.last}/{file.size}"
    status = HTTPStatus.PARTIAL_CONTENT if span else HTTPStatus.OK
    if asked["REQUEST_METHOD"] == "HEAD":
        return Answer(status, described)
    if chosen.length > BLOCK:
        return Answer(status, described, blocks(served.name, chosen))
    return Answer(status, described, [file.read(chosen.first, chosen.length)])


def description(served: Served, *, as_download: bool) -> dict[str, str]:
    """Return the headers of every answer: the type is ours, never the sender's; nothing in it may run; not shared.

    A name is the sender's: no header holds the control characters that it may have. A browser asks again before it plays what it kept: what may be heard of a call can change.
    """
    disposition = content_disposition_header(as_attachment=as_download, filename=CONTROLS.sub("", served.file_name))
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
    return headers


def not_yet(request: PortalRequest) -> HttpResponse:
    """Say that the muted copy is being made, and when to ask again."""
    text = "The seconds with sensitive data are being made silent. It takes a moment: try again in a few seconds."
    response = error_page(request, HTTPStatus.SERVICE_UNAVAILABLE, "Not yet", text)
    response.headers["Retry-After"] = "5"
    response.headers["Cache-Control"] = "no-store"
    return response
