"""Files that are sent in pieces and go on where they broke off: tus 1.0.0 with creation, termination and expiration.

The protocol is https://tus.io/protocols/resumable-upload; docs/adr/0009 says why its server is our own. An upload
is an item of a batch, its address ends with the item's number, and its offset is how far the part on disk has come.
Only who opened the batch finds it.
"""

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec

import structlog
from django.conf import settings
from django.http import HttpResponse, UnreadablePostError
from django.urls import reverse
from django.utils.http import http_date
from django.views.decorators.http import require_http_methods

from callcov_portal import parts, tasks
from callcov_portal.actions import batches
from callcov_portal.bodies import BrokenOff
from callcov_portal.models import BatchItem, BatchState, Fate
from callcov_portal.storage import StorageAway
from callcov_portal.uploads import NO_ROOM, DiskFull, incoming_folder, refuse_if_disk_full
from callcov_portal.views.fates import fate_of
from callcov_portal.views.rendering import PortalRequest

log = structlog.get_logger(__name__)

VERSION = "1.0.0"
BYTES = "application/offset+octet-stream"
P = ParamSpec("P")


class Refused(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def tus(view: Callable[Concatenate[PortalRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer as the protocol wants it: its version both ways, and what goes wrong as a status."""

    @wraps(view)
    def spoken(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = options() if request.method == "OPTIONS" else answered(lambda: asked(request, *args, **kwargs))
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
        return response

    def asked(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.headers.get("Tus-Resumable") != VERSION:
            raise Refused(412, f"Only tus {VERSION} is spoken here.")
        return view(request, *args, **kwargs)

    return spoken


def options() -> HttpResponse:
    """Say what this server speaks."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,termination,expiration",
        "Tus-Max-Size": str(largest()),
    }
    return HttpResponse(status=204, headers=headers)


def answered(answer: Callable[[], HttpResponse]) -> HttpResponse:
    """Return an answer, or what went wrong with it."""
    try:
        return answer()
    except Refused as refusal:
        response = HttpResponse(f"{refusal}\n", status=refusal.status, content_type="text/plain")
        if refusal.status == 412:
            response.headers["Tus-Version"] = VERSION
        return response


@require_http_methods(["POST", "OPTIONS"])
@tus
def uploads(request: PortalRequest) -> HttpResponse:
    """Begin the upload of an item's file; the second time it is the same upload, with what came already."""
    item = own_item(request, named_item(request.headers.get("Upload-Metadata", "")))
    size = number_in(request, "Upload-Length")
    if size > largest():
        raise Refused(413, f"The file is larger than {settings.CALLCOV_MAX_UPLOAD_MB} MB, the most that is taken.")
    if item.size_bytes != size:
        raise Refused(400, "The file has another size than when it was chosen. Choose it again.")
    if item.fate == Fate.WAITING:
        require_room(size)
        batches.heard_from(item.batch)
        parts.begin(batches.part_of(item).stem)
    response = state_of(item, 201)
    response.headers["Location"] = reverse("upload", args=[item.pk])
    return response


@require_http_methods(["HEAD", "PATCH", "DELETE", "POST", "OPTIONS"])
@tus
def upload(request: PortalRequest, number: int) -> HttpResponse:
    """Say how far an upload has come, go on with it, or end it; POST stands for the method that a header names."""
    item = own_item(request, number)
    match request.method if request.method != "POST" else request.headers.get("X-HTTP-Method-Override"):
        case "HEAD":
            return state_of(item, 200)
        case "PATCH":
            return taken_on(request, item)
        case "DELETE":
            return ended(item)
        case _:
            raise Refused(400, "Send PATCH, or name it in X-HTTP-Method-Override.")


def taken_on(request: PortalRequest, item: BatchItem) -> HttpResponse:
    """Add the bytes of a request where they belong."""
    if request.content_type != BYTES:
        raise Refused(415, f"Send the bytes as {BYTES}.")
    offset, length = number_in(request, "Upload-Offset"), int(request.headers.get("Content-Length") or 0)
    if item.fate == Fate.WAITING and length:
        if offset + length > (item.size_bytes or 0):
            raise Refused(413, "These are more bytes than the file has.")
        require_room(length)
        append(item, offset, request, length)
    elif offset != offset_of(item):
        raise Refused(409, "The file has come to another place.")
    return state_of(item, 204)


def ended(item: BatchItem) -> HttpResponse:
    """Give an upload up."""
    if not batches.drop(item.batch, [item.pk]):
        raise Refused(410, "It is settled already.")
    return HttpResponse(status=204)


def append(item: BatchItem, offset: int, request: PortalRequest, length: int) -> None:
    """Write what a request brings; what came before it broke off stays."""
    try:
        parts.append(batches.part_of(item), offset, request, length)
    except parts.Elsewhere as error:
        raise Refused(409, "The file has come to another place.") from error
    except FileNotFoundError as error:
        raise gone() from error
    except (BrokenOff, UnreadablePostError) as error:  # nobody hears this
        raise Refused(400, str(error)) from error
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise Refused(507, "The disk is full: make room, then go on.") from error


def state_of(item: BatchItem, status: int) -> HttpResponse:
    """Return how far an upload has come; one whose bytes are all here is taken in first, if it was not yet."""
    offset = offset_of(item)
    if item.fate == Fate.WAITING and offset == item.size_bytes:
        item = taken_in(item)
    headers = {"Upload-Offset": str(offset), "Upload-Length": str(item.size_bytes or 0)}
    if item.fate == Fate.WAITING:
        headers["Upload-Expires"] = http_date(expiry_of(item).timestamp())
    else:
        headers["Callcov-Fate"] = json.dumps(fate_of(item).as_json())  # in ASCII, as a header must be
    return HttpResponse(status=status, headers=headers)


def offset_of(item: BatchItem) -> int:
    """Return how many bytes of an item's file are here: all of them once it is settled."""
    if item.fate == Fate.CANCELLED:
        raise Refused(410, "It was cancelled, or not finished within a day. Choose the file again.")
    if item.fate != Fate.WAITING:
        return item.size_bytes or 0
    try:
        return batches.part_of(item).stat().st_size
    except FileNotFoundError as error:
        raise gone() from error


def expiry_of(item: BatchItem) -> datetime:
    """Return when an upload is given up."""
    try:
        return parts.expires_at(batches.part_of(item))
    except FileNotFoundError as error:
        raise gone() from error


def taken_in(item: BatchItem) -> BatchItem:
    """Make of a complete file what becomes of it, and ring for its analysis."""
    try:
        item = batches.take_part(item)
    except parts.Busy as error:
        raise Refused(423, "The file is being taken in. Ask again in a moment.") from error
    except StorageAway as error:
        log.warning("upload_waits_for_storage", item=item.pk, error=str(error))
        raise Refused(503, "Kept here until the storage answers.") from error
    except FileNotFoundError:
        item.refresh_from_db()
    offset_of(item)
    if item.recording:
        tasks.ring(item.recording.current_analysis_id)
    return item


def own_item(request: PortalRequest, number: int) -> BatchItem:
    """Return an item of a batch of files that this user opened."""
    items = BatchItem.objects.select_related("batch__user", "recording", "duplicate_of")
    item = items.filter(pk=number, batch__user=request.user, size_bytes__isnull=False).first()
    if item is None:
        raise gone()
    if item.fate == Fate.WAITING and item.batch.state != BatchState.OPEN:
        raise Refused(410, "The batch takes no more files.")
    return item


def gone() -> Refused:
    """Return the answer where no upload is."""
    return Refused(404, "There is no such upload, or it was not finished within a day.")


def named_item(metadata: str) -> int:
    """Return the number of the item that an upload's metadata name; 0, which none has, if there is none."""
    pairs = dict(pair.strip().partition(" ")[::2] for pair in metadata.split(","))
    try:
        return int(b64decode(pairs.get("item", ""), validate=True)[:18])
    except ValueError:
        return 0


def number_in(request: PortalRequest, header: str) -> int:
    """Return the number that a header must hold."""
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, f"Send {header}: a number of bytes.")
    return int(text)


def require_room(size: int) -> None:
    """Refuse what the disk has no room for, before its first byte."""
    try:
        refuse_if_disk_full(incoming_folder(), size)
    except DiskFull as error:
        raise Refused(507, str(error)) from error


def largest() -> int:
    """Return the most bytes that a file may have."""
    return settings.CALLCOV_MAX_UPLOAD_MB * 1024 * 1024
