"""The sound itself, in ranges, so that a player can seek: Django's own FileResponse ignores Range."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import format_datetime

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from callcov_portal.models import Recording
from callcov_portal.views.recordings import recording_or_404
from callcov_portal.views.rendering import PortalRequest

BLOCK = 256 * 1024
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
    """Serve a call's audio: 200 whole, 206 one range, 416 beyond its end. Several ranges at once give the whole."""
    recording = recording_or_404(number)
    name = recording.stored_name
    if not name or not default_storage.exists(name):
        raise Http404("There is no audio of this call here.")
    size, tag = default_storage.size(name), f'"{recording.sha256}"'
    if request.headers.get("If-None-Match") == tag and "Range" not in request.headers:
        return described(HttpResponse(status=304), recording, tag)
    try:
        span = span_of(request, size, tag)
    except NotSatisfiable:
        refusal = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        return described(refusal, recording, tag)
    sent = span or Span(0, size - 1)
    body = iter(()) if request.method == "HEAD" else blocks(name, sent)
    response = StreamingHttpResponse(body, status=206 if span else 200)
    response.headers["Content-Length"] = str(sent.length)
    if span:
        response.headers["Content-Range"] = f"bytes {span.first}-{span.last}/{size}"
    return described(response, recording, tag)


def described(response: HttpResponseBase, recording: Recording, tag: str) -> HttpResponseBase:
    """Add what holds for every answer: the type is ours, never the sender's; nothing in it may run; not shared."""
    name = recording.file_name or f"call-{recording.pk}.{recording.format}"
    headers = {
        "Content-Type": recording.mime or "application/octet-stream",
        "Content-Disposition": content_disposition_header(as_attachment=False, filename=name) or "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Last-Modified": format_datetime(recording.created_at, usegmt=True),
    }
    for header, value in headers.items():
        response.headers[header] = value
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
    """Yield the bytes of a span, at most 256 KiB at a time; the file is open only while somebody reads."""
    with default_storage.open(name) as file:
        file.seek(span.first)
        left = span.length
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
