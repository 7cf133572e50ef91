"""The page where calls are added, and what its plain forms send: files and links, each with its own fate."""

from itertools import zip_longest
from typing import Any

import structlog
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from callcov_portal import tasks
from callcov_portal.actions import batches, file_patterns, importing
from callcov_portal.forms import AddLinksForm, CallDetailsForm
from callcov_portal.models import Batch, BatchItem, Failure, Way
from callcov_portal.storage import AWAY, StorageAway
from callcov_portal.upload_forms import NAME_LENGTH, AddFilesForm, BatchForm, file_date
from callcov_portal.uploads import ReceivedFile
from callcov_portal.views.chosen import unfinished
from callcov_portal.views.fates import Became, fate_of
from callcov_portal.views.rendering import PortalRequest, wants_partial

log = structlog.get_logger(__name__)

A_FEW = 10  # links; more are checked before any is stored
TUS = "vendor/tus.min.js"  # from npm: without it the form sends the files


@require_safe
def add_calls(request: PortalRequest) -> HttpResponse:
    """Show the page where calls are added."""
    initial = {"agent": request.GET.get("agent", ""), "pattern": usual_pattern(request)}
    return add_page(request, BatchForm(initial=initial))


def usual_pattern(request: PortalRequest) -> str:
    """Return the patterns by which this user read names last, else those for all."""
    last = Batch.objects.filter(user=request.user, way=Way.FILES).order_by("-created_at").first()
    return last.pattern if last else file_patterns.kept_for().get("", "")


def add_page(
    request: PortalRequest, form: CallDetailsForm, fates: list[Became] | None = None, left: str = ""
) -> HttpResponse:
    """Render the page with a form, after a plain post with the fates; `left` stays in the box of links."""
    context = {
        "form": form,
        "fates": fates,
        "left": left,
        "max_mb": settings.CALLCOV_MAX_UPLOAD_MB,
        "pattern": (form if "pattern" in form.fields else BatchForm())["pattern"],
        "tus": TUS if finders.find(TUS) else "",
        "kept": file_patterns.kept_for(),
        "unfinished": [(batch, batch.sums()) for batch in unfinished(request)],
    }
    return render(request, "recordings/add.html", context, status=422 if form.errors else 200)


@require_POST
def add_files(request: PortalRequest) -> HttpResponse:
    """Take the files of a plain form as one batch, and show what became of each; as JSON for a script."""
    form = AddFilesForm(request.POST, request.FILES)
    wants_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    left = request.POST.get("links", "")
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422) if wants_json else add_page(request, form, left=left)
    said = form.cleaned_data
    batch = batches.open_batch(Way.FILES, request.user, **{name: said[name] for name in BatchForm.base_fields})
    dates = [file_date(text) for text in request.POST.getlist("modified")][: len(said["files"])]
    pairs = list(zip_longest(said["files"], dates))
    items = batches.add_items(
        batch,
        [
            BatchItem(name=(file.name or "unnamed")[-NAME_LENGTH:], size_bytes=file.size, modified_at=date)
            for file, date in pairs
        ],
    )
    fates = [take_file(item, file) for item, file in zip(items, said["files"], strict=True)]
    batches.close(batch)
    if wants_json:
        return JsonResponse({"fates": [{"name": fate.name, **fate.as_json()} for fate in fates]})
    return add_page(request, BatchForm(initial=said), fates, left)


@require_POST
def add_links(request: PortalRequest) -> HttpResponse:
    """Take links as one batch: a fragment with their fates for htmx, the page for a plain form."""
    form = AddLinksForm(request.POST)
    fates, left = [], request.POST.get("links", "")
    if form.is_valid() and len(form.cleaned_data["links"]) > A_FEW:
        return checked_first(request, form.cleaned_data)
    if form.is_valid():
        said = dict(form.cleaned_data)
        links = said.pop("links")
        batch = batches.open_batch(Way.LINKS, request.user, **said)
        fates = [take_link(item) for item in batches.add_items(batch, [BatchItem(link=link) for link in links])]
        batches.close(batch)
        left = "\n".join(fate.name for fate in fates if fate.outcome == "refused")
    if wants_partial(request):
        context = {"form": form, "fates": fates, "left": left, "is_fragment": True}
        return render(request, "recordings/_links.html", context, status=422 if form.errors else 200)
    return add_page(request, form if form.errors else BatchForm(initial=form.cleaned_data), fates or None, left)


def checked_first(request: PortalRequest, said: dict[str, Any]) -> HttpResponse:
    """Lead to the dry run of many links."""
    given = {name: said[name] for name in ("agent", "contact", "called_at", "direction")}
    batch = importing.open_manifest(importing.of_links(said["links"], given), request.user, Way.LINKS)
    tasks.ring_chore("batch", batch.pk)
    url = reverse("manifest", args=[batch.pk])
    return HttpResponseClientRedirect(url) if wants_partial(request) else redirect(url)


def take_file(item: BatchItem, file: ReceivedFile) -> Became:
    """Take in one file that is here, and ring for its analysis; refused while the storage is away."""
    try:
        return rung_for(batches.take_file(item, file.path, file.sha256, file.size or 0))
    except StorageAway as error:
        log.warning("file_refused_without_storage", item=item.pk, error=str(error))
        batches.refuse(item, Failure.GAVE_UP, f"{AWAY} Nothing was stored: send the file again when it does.")
        item.refresh_from_db()
        return fate_of(item)


def take_link(item: BatchItem) -> Became:
    """Take in one link, and ring for its copy and analysis."""
    return rung_for(batches.take_link(item))


def rung_for(item: BatchItem) -> Became:
    """Ring for what has become a call, and say what became of the item."""
    if item.recording:
        tasks.ring(item.recording.current_analysis_id)
    return fate_of(item)
