"""The sound itself, in ranges, so that a player can seek: Django's own FileResponse ignores Range."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from callcov_portal.actions import unmasking
from callcov_portal.models import Recording
from callcov_portal.views.errors import error_page
from callcov_portal.views.listening import BeingMade, Served, served_of, wants_all
from callcov_portal.views.rendering import PortalRequest

BLOCK = 1024 * 1024  # what a player asks for at once: each block more is a way through Python more
# All that `listening` looks at: a player asks many times, and needs none of the people.
HEARD = ("file", "file_name", "format", "mime", "sha256", "created_at", "muting", "muted_file")
ONE_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE)


class NotSatisfiable(Exception):
    """The range lies beyond the end of the file."""


@dataclass(frozen=True)
class Span:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


@require_safe
def call_audio(request: PortalRequest, number: int) -> HttpResponseBase:
    """Serve a call's audio, sensitive seconds silent; with `?unmuted=1` all of it, for those with the right, logged.

    200 whole, 206 one range, 416 beyond its end; several ranges at once give the whole. 503 while the muted copy is
    being made. `?download=1` offers it as a file to keep. With `CALLCOV_AUDIO_ACCEL` nginx sends the bytes.
    """
    recording = get_object_or_404(Recording.objects.only(*HEARD), pk=number)
    is_lifted, as_download = wants_all(request), request.GET.get("download") == "1"
    try:
        served = served_of(recording, is_lifted=is_lifted)
    except BeingMade:
        return not_yet(request)
    if is_lifted and request.method != "HEAD":
        unmasking.note_heard(request.user, recording, as_download=as_download)
    response = handed_over(served) if settings.CALLCOV_AUDIO_ACCEL else sent(request, served)
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
    return HttpResponse(headers={"X-Accel-Redirect": f"{settings.CALLCOV_AUDIO_ACCEL}{quote(served.name)}"})


def sent(request: PortalRequest, served: Served) -> HttpResponseBase:
    """Return the bytes asked for."""
    size = default_storage.size(served.name)
    if request.headers.get("If-None-Match") == served.tag and "Range" not in request.headers:
        return HttpResponse(status=304)
    try:
        span = span_of(request, size, served.tag)
    except NotSatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    chosen = span or Span(0, size - 1)
    body = iter(()) if request.method == "HEAD" else blocks(served.name, chosen)
    response = StreamingHttpResponse(body, status=206 if span else 200)
    response.headers["Content-Length"] = str(chosen.length)
    if span:
        response.headers["Content-Range"] = f"bytes {span.first}-{span.last}/{size}"
    return response


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


def span_of(request: HttpRequest, size: int, tag: str) -> Span | None:
    """Return the one range asked for, None for the whole; raises `NotSatisfiable` for one beyond the end.

    A range that cannot be read, more than one, or one of another version (`If-Range`) means the whole (RFC 9110).
    """
    match = ONE_RANGE.fullmatch(request.headers.get("Range", ""))
    if not match or request.headers.get("If-Range", tag) != tag or match[1] == match[2] == "":
        return None
    if match[1] == "":
        length = int(match[2])
        if length == 0 or size == 0:
            raise NotSatisfiable
        return Span(max(0, size - length), size - 1)
    first = int(match[1])
    last = min(int(match[2]) if match[2] else size - 1, size - 1)
    if match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise NotSatisfiable
    return Span(first, last)


def blocks(name: str, span: Span) -> Iterator[bytes]:
    """Yield the bytes of a span, at most 1 MiB at a time; the file is open only while somebody reads."""
    with default_storage.open(name) as file:
        file.seek(span.first)
        left = span.length
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
