"""A manifest before its import: chosen, its columns said, its dry run followed, and confirmed."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from callcov_portal import tasks
from callcov_portal.actions import importing
from callcov_portal.manifest_forms import ColumnsForm, ManifestForm
from callcov_portal.models import Batch, BatchState, Cause, Failure, User, Way
from callcov_portal.reading import manifests
from callcov_portal.reading.manifests import Columns
from callcov_portal.views.batches import batch_or_404, may_cancel
from callcov_portal.views.rendering import PortalRequest, render_page, wants_partial

PAGE_SIZE = 50
GOOD, UNCHECKED = "good", "unchecked"
LABELS: dict[str, str] = {choice.value: str(choice.label) for choice in (*Failure, *Cause)} | {"duplicate": "Duplicate"}
GONE_ON = "It was imported already, or is not checked any more."


@require_http_methods(["GET", "HEAD", "POST"])
def manifest_new(request: PortalRequest) -> HttpResponse:
    """Take a table with links, or links alone, and lead to its dry run; nothing is stored of any link yet."""
    if request.method != "POST":
        form = ManifestForm(initial={"agent": request.GET.get("agent", "")})
        return render(request, "batches/manifest_new.html", {"form": form})
    form = ManifestForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "batches/manifest_new.html", {"form": form}, status=422)
    return redirect("manifest", opened(form, request.user).pk)


def opened(form: ManifestForm, user: User) -> Batch:
    """Begin to read what a valid form brought."""
    if form.received and form.head:
        columns = manifests.guessed(form.head)
        found = importing.Manifest(form.received.path, form.received.name or "", form.head, columns, form.given)
        batch = importing.open_manifest(found, user)
    else:
        links = importing.of_links(form.cleaned_data["links"].splitlines(), form.given)
        batch = importing.open_manifest(links, user, Way.LINKS)
    tasks.ring_chore("batch", batch.pk)
    return batch


@require_safe
def manifest(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Show how far the reading or the dry run is and what it says, live; once it is imported, lead to the batch."""
    batch = manifest_or_404(request.user, pk)
    if batch.state not in importing.MAPPABLE:
        url = batch.get_absolute_url()
        return HttpResponseClientRedirect(url) if wants_partial(request) else redirect(url)
    return shown(request, batch, columns_form(batch))


@require_POST
def manifest_columns(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Read a manifest anew with other columns."""
    batch = manifest_or_404(request.user, pk)
    form = ColumnsForm(batch.columns["names"], request.POST)
    if not form.is_valid():
        return shown(request, batch, form, status=422)
    return acted(request, batch, is_done=importing.map_columns(batch, form.columns, form.given))


@require_POST
def manifest_act(request: PortalRequest, pk: UUID, act: str) -> HttpResponse:
    """Import, check again what was in trouble, or wait no longer for the check."""
    batch = manifest_or_404(request.user, pk)
    if act == "import":
        is_done = importing.confirm(batch, request.user)
    elif act in {"again", "end"}:
        is_done = (importing.check_again if act == "again" else importing.end_check)(batch)
    else:
        raise Http404("There is no such act.")
    return acted(request, batch, is_done=is_done, leads_to=batch.get_absolute_url() if act == "import" else "")


def acted(request: PortalRequest, batch: Batch, *, is_done: bool, leads_to: str = "") -> HttpResponse:
    """Ring for what is to be done now, and lead to where it is seen; say so if somebody was first."""
    if is_done:
        tasks.ring_chore("batch", batch.pk)
    else:
        messages.info(request, GONE_ON)
    return redirect(leads_to) if leads_to else redirect("manifest", batch.pk)


def manifest_or_404(user: User, pk: UUID) -> Batch:
    """Return a batch that came as a manifest or as a list of links; for who made it, and every lead."""
    batch = batch_or_404(pk)
    if not batch.manifest:
        raise Http404("This batch has no manifest.")
    if not may_cancel(user, batch):
        raise PermissionDenied("Only a lead, or who added the manifest, sees it before it is imported.")
    return batch


def columns_form(batch: Batch) -> ColumnsForm:
    """Return the form with the columns as they are said or guessed by now."""
    given = {"agent": batch.agent, "contact": batch.contact, "direction": batch.direction}
    initial = ColumnsForm.initial_of(Columns.from_json(batch.columns))
    return ColumnsForm(batch.columns["names"], initial={**initial, **given})


def shown(request: PortalRequest, batch: Batch, form: ColumnsForm, status: int = 200) -> HttpResponse:
    """Render the page, or the part of it that changes."""
    found, show = verdicts(batch), request.GET.get("show", "")
    chosen = show if show in {key for key, _, _ in found} else next((key for key, _, _ in found if key != GOOD), GOOD)
    rows = rows_of(batch, chosen, request.GET.get("after", ""))
    counts = {key: count for key, _, count in found}
    total = sum(counts.values())
    context = {
        "batch": batch,
        "form": form,
        "verdicts": found,
        "chosen": chosen,
        "rows": rows[:PAGE_SIZE],
        "later": rows[PAGE_SIZE - 1].position if len(rows) > PAGE_SIZE else 0,
        "total": total,
        "checked": total - counts.get(UNCHECKED, 0),
        "to_import": counts.get(GOOD, 0) + counts.get(UNCHECKED, 0),
        "troubled": total - counts.get(GOOD, 0) - counts.get(UNCHECKED, 0),
        "is_live": batch.due_at is not None,
        **(minutes(batch) if batch.state == BatchState.CHECKED else {}),
    }
    return render_page(request, "batches/manifest.html", "batches/_manifest.html", context, status=status)


def verdicts(batch: Batch) -> list[tuple[str, str, int]]:
    """Return what the dry run says, with how many rows each: those in trouble first, the most frequent of them before."""
    waiting = batch.items.waiting().filter(recording=None).order_by()
    counts: dict[str, int] = dict(waiting.values_list("cause").annotate(Count("pk")))
    unchecked = batch.items.waiting().filter(is_checked=False).count()
    good = counts.pop("", 0) - unchecked
    troubles = sorted(((cause, LABELS.get(cause, cause), n) for cause, n in counts.items()), key=lambda one: -one[2])
    return [one for one in (*troubles, (GOOD, "OK", good), (UNCHECKED, "Not checked", unchecked)) if one[2]]


def rows_of(batch: Batch, verdict: str, after: str) -> list[Any]:
    """Return the rows of a verdict behind a line, one more than a page."""
    rows = batch.items.waiting().filter(recording=None).order_by("position")
    if verdict in {GOOD, UNCHECKED}:
        rows = rows.filter(cause="", is_checked=verdict == GOOD)
    else:
        rows = rows.filter(cause=verdict)
    if after.isdecimal() and len(after) < 10:
        rows = rows.filter(position__gt=int(after))
    return list(rows[: PAGE_SIZE + 1])


def minutes(batch: Batch) -> dict[str, Any]:
    """Return how long what is to be imported lasts, as far as its length is known, and of how many it is not."""
    good = batch.items.waiting().filter(cause="")
    said = good.aggregate(total=Sum("seconds"), known=Count("seconds"), rows=Count("pk"))
    return {
        "minutes": round((said["total"] or 0) / 60),
        "known": said["known"],
        "unknown": said["rows"] - said["known"],
    }
