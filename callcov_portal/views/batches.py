"""Batches: what came in together, and what became of each file, link or row."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from callcov_portal import tasks
from callcov_portal.actions import batches as actions
from callcov_portal.actions import bulk
from callcov_portal.exports import CSV, fates_of
from callcov_portal.models import RETRYABLE, Batch, BatchState, BulkJob, BulkState, Failure, State, Sums, User
from callcov_portal.models.batch import standings, summed
from callcov_portal.models.stretches import EVERYTHING, Place, Stretch, read, stretches
from callcov_portal.views.batch_rows import row_of
from callcov_portal.views.causes import Failed
from callcov_portal.views.exports import attachment
from callcov_portal.views.listing import clean_query
from callcov_portal.views.paging import PAGE_SIZE
from callcov_portal.views.rendering import PortalRequest, render_page, wants_partial

BATCHES_SHOWN = 20
# The sum in words, in its order.
PARTS = (
    ("items", "in"),
    ("waiting", "waiting"),
    ("working", "in work"),
    ("done", "done"),
    ("failed", "failed"),
    ("duplicates", "duplicates"),
    ("cancelled", "cancelled"),
)


@require_safe
def batches(request: PortalRequest) -> HttpResponse:
    """List the batches, newest first, each with its sum."""
    shown, newer, older = page_of_batches(request.GET)
    found = standings([batch.pk for batch in shown])
    rows = [(batch, terms(summed(found[batch.pk]))) for batch in shown]
    context = {"rows": rows, "newer": newer, "older": older, "parts": PARTS}
    return render(request, "batches/list.html", context)


def page_of_batches(parameters: Mapping[str, str]) -> tuple[list[Batch], str, str]:
    """Return the page that `?before=` or `?after=` names, with the cursors of its neighbours ("" where there is none)."""
    rows = Batch.objects.select_related("user").order_by("-created_at", "-id")
    before, after = read_cursor(parameters.get("before", "")), read_cursor(parameters.get("after", ""))
    if after:
        newer = Q(created_at__gt=after[0]) | Q(created_at=after[0], id__gt=after[1])
        rows = rows.filter(newer).order_by("created_at", "id")
    elif before:
        rows = rows.filter(Q(created_at__lt=before[0]) | Q(created_at=before[0], id__lt=before[1]))
    found = list(rows[: BATCHES_SHOWN + 1])
    shown, is_more = found[:BATCHES_SHOWN], len(found) > BATCHES_SHOWN
    if after:
        shown.reverse()
    more_newer, more_older = (is_more, True) if after else (before is not None, is_more)
    newest, oldest = (cursor_of(shown[0]), cursor_of(shown[-1])) if shown else ("", "")
    return shown, newest if more_newer else "", oldest if more_older else ""


def cursor_of(batch: Batch) -> str:
    """Return the words by which a URL names a batch's place in the list."""
    return f"{batch.created_at.isoformat()}_{batch.pk}"


def read_cursor(text: str) -> tuple[datetime, UUID] | None:
    """Return the place that `text` names, or None where it names none."""
    moment, _, pk = text.replace(" ", "+").rpartition("_")
    try:
        return datetime.fromisoformat(moment).astimezone(), UUID(pk)
    except (ValueError, OverflowError):
        return None


@require_safe
def batch(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Show where the items of a batch stand, and those of one part (`?part=`) or one cause (`?cause=`).

    While anything moves the page asks again, with a mark of what it shows (`?seen=`): 204 if nothing has changed.
    """
    context = context_of(batch_or_404(pk), request)
    if wants_partial(request) and context["seen"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render_page(request, "batches/batch.html", "batches/_batch.html", context)


def batch_or_404(pk: UUID) -> Batch:
    """Return a batch, with who made it."""
    return get_object_or_404(Batch.objects.select_related("user"), pk=pk)


def context_of(shown: Batch, request: PortalRequest) -> dict[str, Any]:
    """Return what the page of a batch shows."""
    found = stretches(shown.pk, standings([shown.pk])[shown.pk])
    sums, failed = summed((one.state, one.cause, one.count) for one in found), causes(shown, found)
    part, cause = chosen(request.GET, found)
    among = [one for one in found if one.part == part and cause in {"", one.key}] if part else [whole(shown)]
    page = read(among, PAGE_SIZE, after=place(request.GET.get("after")), before=place(request.GET.get("before")))
    rows = [row_of(item, shown, can_unmask=request.user.can_unmask) for item in page.items]
    facts = (shown.state, found, rows, [(one.retryable, one.retry and one.retry.done) for one in failed])
    return {
        "batch": shown,
        "sums": sums,
        "terms": terms(sums),
        "part": part,
        "part_word": dict(PARTS).get(part, ""),
        "cause": next((one for one in found if one.key == cause), None),
        "rows": rows,
        "earlier": page.first and f"{page.first[0]}~{page.first[1]}",
        "later": page.last and f"{page.last[0]}~{page.last[1]}",
        "query": clean_query(request.GET, without=("seen",)),
        "within": clean_query(request.GET, without=("seen", "before", "after")),
        "causes": failed,
        "may_cancel": sums.waiting > 0 and may_cancel(request.user, shown),
        "is_live": is_live(shown, sums),
        "seen": hashlib.sha256(repr(facts).encode()).hexdigest()[:12],
    }


def is_live(shown: Batch, sums: Sums) -> bool:
    """Say whether anything moves: a closed batch until nothing waits, a checked one not before a person says so."""
    moves = {BatchState.CHECKED: False, BatchState.CLOSED: sums.waiting + sums.working > 0}
    return moves.get(BatchState(shown.state), True)


def whole(shown: Batch) -> Stretch:
    """Return all items of a batch, in the order in which they came."""
    return Stretch(shown.pk, EVERYTHING)


def terms(sums: Sums) -> list[tuple[str, str, int]]:
    """Return the terms of the sum: name, word, number."""
    return [(name, word, getattr(sums, name)) for name, word in PARTS]


def chosen(parameters: Mapping[str, str], found: list[Stretch]) -> tuple[str, str]:
    """Return which part of the sum is asked for, and which cause of it; "" for all."""
    by_key = {one.key: one for one in found if is_trouble(one)}
    cause = parameters.get("cause", "")
    if cause in by_key:
        return by_key[cause].part, cause
    part = parameters.get("part", "")
    return (part, "") if part in Sums._fields[1:] else ("", "")


def place(text: str | None) -> Place | None:
    """Return the place in the list of items that `text` names, or None where it names none."""
    key, _, number = (text or "").rpartition("~")
    return (key, int(number)) if key and number.isdecimal() and len(number) < 10 else None


def causes(shown: Batch, found: list[Stretch]) -> list[Failed]:
    """Return the causes of failure, the most frequent first; last, what was taken for another call."""
    failed = sorted((one for one in found if is_trouble(one)), key=lambda one: (one.part != "failed", -one.count))
    queries = {bulk.query_of(shown, State.FAILED, one.cause): one.key for one in failed if may_retry(one)}
    running = BulkJob.objects.filter(state=BulkState.RUNNING, due_at__isnull=False, query__in=queries)
    under_way = {queries[job.query]: job for job in running} if queries else {}
    return [failed_for(one, shown, under_way.get(one.key)) for one in failed]


def failed_for(stretch: Stretch, shown: Batch, retry: BulkJob | None) -> Failed:
    """Return what failed for one cause, with the retry of it that is under way."""
    return Failed(
        cause=stretch.cause,
        label=stretch.label,
        count=stretch.count,
        link=f"{reverse('batch', args=[shown.pk])}?cause={quote(stretch.key)}#items",
        what_to_do=stretch.what_to_do,
        retryable=retryable_in(shown, stretch),
        retry_at=reverse("batch_retry", args=[shown.pk, stretch.cause]) if may_retry(stretch) else "",
        retry=retry,
        was_taken=stretch.of_calls,
    )


def is_trouble(stretch: Stretch) -> bool:
    """Say whether somebody should look at these items: they failed, or are calls that sound the same as others."""
    return stretch.part == "failed" or (stretch.of_calls and stretch.part == "duplicates")


def may_retry(stretch: Stretch) -> bool:
    """Say whether items that failed so can be retried, as far as nothing of them was sent."""
    return stretch.of_calls and stretch.cause in RETRYABLE


def retryable_in(shown: Batch, stretch: Stretch) -> int:
    """Return how many of these items can be retried."""
    return bulk.retryable_calls(stretch.cause).filter(batch=shown).count() if may_retry(stretch) else 0


@require_POST
def batch_retry(request: PortalRequest, pk: UUID, failure: str) -> HttpResponse:
    """Retry what failed in a batch for a cause, as far as nothing of it was sent; a second press changes nothing."""
    if failure not in RETRYABLE:
        raise Http404("Nothing that failed for this cause can be retried.")
    shown = batch_or_404(pk)
    job = bulk.retry_in(shown, failure, request.user)
    if job:
        tasks.ring_chore("bulk", job.pk)
        messages.success(request, f"They are being retried, one after the other: {Failure(failure).label}.")
    else:
        messages.info(request, "Nothing is left to retry, or somebody has asked for it already.")
    return redirect(shown)


@require_POST
def batch_cancel(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Let nothing become of what waits: items at once, analyses that wait to be sent one after the other."""
    shown = batch_or_404(pk)
    if not may_cancel(request.user, shown):
        raise PermissionDenied("Only a lead, or who made the batch, can cancel it.")
    cancelled, job = actions.cancel(shown), bulk.cancel_in(shown, request.user)
    if job:
        tasks.ring_chore("bulk", job.pk)
    total = cancelled + (job.total if job else 0)
    messages.success(request, f"Cancelled: {total:,}." if total else "Nothing waits any more.")
    return redirect(shown)


@require_safe
def batch_fates(request: PortalRequest, pk: UUID) -> HttpResponseBase:
    """Stream what became of each item as CSV; `bom=1` puts a byte order mark first."""
    shown = batch_or_404(pk)
    name = f"batch-{timezone.localtime(shown.created_at):%Y-%m-%d-%H%M}.csv"
    if request.method == "HEAD":
        return attachment((), name, CSV.mime)
    return attachment(fates_of(shown, mark=request.GET.get("bom") == "1"), name, CSV.mime)


def may_cancel(user: User, shown: Batch) -> bool:
    """Say whether a user may cancel what waits of a batch: who made it, and every lead."""
    return user.is_lead or shown.user_id == user.pk
