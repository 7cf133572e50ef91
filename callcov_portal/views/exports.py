"""Downloads: tables as they are streamed, exports that were made, and their manifests."""

import hashlib
from collections.abc import Iterator

import orjson
import structlog
from django.core.exceptions import BadRequest
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from callcov_portal import choosing
from callcov_portal.actions import exporting, unmasking
from callcov_portal.exports import CSV, FORMATS, JSONL, TABLES, Format, NotPossible, Tally, Wish, wish_for
from callcov_portal.models import Export, ExportState, Recording, User
from callcov_portal.views.listening import refuse_unless_may_unmask
from callcov_portal.views.ranges import Span, blocks
from callcov_portal.views.rendering import PortalRequest

log = structlog.get_logger(__name__)


@require_safe
def export(request: PortalRequest, table: str) -> HttpResponseBase:
    """Stream a table of the calls that the URL's filters choose as CSV; `bom=1` puts a byte order mark first.

    `col`, once for each, names the columns in their order; without it all are there. A filter or column that cannot be
    read answers 400: a download of all calls instead of a few would go unnoticed. Sensitive data is hidden; with
    `unmasked=1` it is not, for those with the right, and logged. A download that came to its end has a manifest.
    """
    return streamed(request, table, CSV)


@require_safe
def export_lines(request: PortalRequest, table: str) -> HttpResponseBase:
    """Stream the same as JSON Lines."""
    return streamed(request, table, JSONL)


def streamed(request: PortalRequest, table: str, form: Format) -> HttpResponseBase:
    """Do what `export` promises, in a format that streams."""
    if table not in TABLES:
        raise Http404(f"There is no export named {table}.")
    unmasked = request.GET.get("unmasked") == "1"
    if unmasked:
        refuse_unless_may_unmask(request.user)
    try:
        mark = request.GET.get("bom") == "1"
        wish = wish_for(table, form.name, request.GET.getlist("col"), mark=mark, unmasked=unmasked)
        wish, chosen = wish.of(choosing.filters_of(request.GET)), choosing.calls_of(request.GET)
    except NotPossible as refusal:
        raise BadRequest(str(refusal)) from refusal
    if request.method == "HEAD":
        return attachment((), wish.file_name, form.mime)
    if unmasked:
        unmasking.note_exported(request.user, table, wish.filters)
    return attachment(recorded(wish, chosen, request.user), wish.file_name, form.mime)


def recorded(wish: Wish, chosen: QuerySet[Recording], user: User) -> Iterator[bytes]:
    """Yield the bytes of a wish; once the last is taken its manifest is written down, never if the download breaks off."""
    digest, size, tally = hashlib.sha256(), 0, Tally()
    for chunk in wish.chunks(chosen, tally):
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    try:
        exporting.note_streamed(wish, user, tally, digest.hexdigest(), size)
    except Exception:  # the download is whole all the same
        log.exception("export_not_noted")


@require_safe
def export_file(request: PortalRequest, pk: int) -> HttpResponseBase:
    """Send an export that was made; with sensitive data only to those with the right, and logged each time."""
    made = seen_or_404(request.user, pk)
    if made.state != ExportState.READY or not made.stored_name:
        raise Http404("This export has no file.")
    if made.unmasked:
        refuse_unless_may_unmask(request.user)
    try:
        size = default_storage.size(made.stored_name)
    except FileNotFoundError:
        raise Http404("The file of this export is gone from the storage. Make it again.") from None
    is_read = request.method != "HEAD"
    if made.unmasked and is_read:
        unmasking.note_exported(request.user, made.table, made.filters)
    body = blocks(made.stored_name, Span(0, size - 1)) if is_read else ()
    response = attachment(body, made.file_name, FORMATS[made.format].mime)
    response.headers["Content-Length"] = str(size)
    return response


@require_safe
def export_manifest(request: PortalRequest, pk: int) -> HttpResponse:
    """Send what is known of a finished export: filters, columns, rows, hash, versions."""
    made = seen_or_404(request.user, pk)
    if made.manifest is None:
        raise Http404("This export is not finished: its manifest can be had once it is.")
    name = f"{made.file_name}.manifest.json"
    body = orjson.dumps(made.manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    headers = {"Content-Disposition": disposition(name), "Cache-Control": "no-store"}
    return HttpResponse(body, content_type="application/json", headers=headers)


def seen_or_404(user: User, pk: int) -> Export:
    """Return an export that the user may see."""
    made = Export.objects.seen_by(user).filter(pk=pk).first()
    if made is None:
        raise Http404("There is no such export. It may have been deleted, or its time was over.")
    return made


def attachment(body: Iterator[bytes] | tuple[()], name: str, mime: str) -> StreamingHttpResponse:
    """Return bytes as a file to keep, which nobody on the way keeps or holds back."""
    headers = {"Content-Disposition": disposition(name), "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(body, content_type=mime, headers=headers)


def disposition(name: str) -> str:
    """Return the header that makes a browser save a file under a name."""
    return content_disposition_header(as_attachment=True, filename=name) or "attachment"
