"""Downloads of what the calls' filters choose."""

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from callcov_portal.actions import unmasking
from callcov_portal.exports import TABLES, csv_of
from callcov_portal.filters import CallFilter
from callcov_portal.models import Recording
from callcov_portal.views.listening import refuse_unless_may_unmask
from callcov_portal.views.listing import clean_query
from callcov_portal.views.rendering import PortalRequest


@require_safe
def export(request: PortalRequest, table: str) -> HttpResponseBase:
    """Stream a table of the calls that the URL's filters choose as CSV; `bom=1` puts a byte order mark first.

    A filter that cannot be read answers 400: a download of all calls instead of a few would go unnoticed. Sensitive
    data is hidden; with `unmasked=1` it is not, for those with the right, and logged.
    """
    if table not in TABLES:
        raise Http404(f"There is no export named {table}.")
    filters = CallFilter(request.GET, queryset=Recording.objects.all())
    if not filters.is_valid():
        named = "; ".join(f"{name}: {' '.join(errors)}" for name, errors in filters.errors.items())
        raise BadRequest(f"A filter of this download cannot be read ({named}). Set it again on the page of calls.")
    unmasked = request.GET.get("unmasked") == "1"
    if unmasked:
        refuse_unless_may_unmask(request.user)
        if request.method != "HEAD":
            unmasking.note_exported(request.user, table, clean_query(request.GET, without=("unmasked", "bom")))
    chunks = csv_of(TABLES[table], filters.qs, mark=request.GET.get("bom") == "1", unmasked=unmasked)
    name = f"{table}-{timezone.localdate().isoformat()}.csv"
    return StreamingHttpResponse(
        () if request.method == "HEAD" else chunks,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        },
    )
