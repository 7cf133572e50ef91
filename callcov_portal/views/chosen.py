"""Files that were chosen in a browser: what their names say, their batch, and what is changed before they are stored.

All speak JSON, with static/js/upload.js. A batch is found by who opened it alone.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from callcov_portal.actions import batches, recordings
from callcov_portal.models import Batch, BatchItem, BatchState, CalledAtSource, Failure, Way
from callcov_portal.upload_forms import DETAILS, MOST_FILES, BatchForm, Chosen, chosen_files, judged
from callcov_portal.views.fates import fate_of
from callcov_portal.views.rendering import PortalRequest

OFFERED = 5
NO_AGENT = "Say which agent spoke: {} have none in their names."


@require_POST
def chosen_names(request: PortalRequest) -> HttpResponse:
    """Say what would be known of the calls, were the files added as the page stands now; nothing is written."""
    form, files = asked(request)
    if form.errors:
        return refused(form)
    batch = Batch(**form.cleaned_data)
    return JsonResponse({"files": [known_of(item_of(file, batch)) for file in files]})


@require_POST
def chosen_batches(request: PortalRequest) -> HttpResponse:
    """Open a batch with its first files; refused as a whole while a file has no agent."""
    form, files = asked(request)
    if form.errors or lacks_agents(form, files):
        return refused(form)
    folder = files[0].name.rpartition("/")[0].partition("/")[0]
    return added(batches.open_batch(Way.FILES, request.user, folder, **form.cleaned_data), files)


@require_http_methods(["GET", "HEAD", "POST"])
def chosen_batch(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Say where a batch stands, with its items behind the position `after`; or add more files to it."""
    batch = own_batch(request, pk)
    if request.method != "POST":
        after = request.GET.get("after", "")
        items = batch.items.filter(position__gt=int(after)) if after.isdecimal() and len(after) < 10 else []
        return JsonResponse(standing(batch) | {"items": described(items)})
    if batch.state != BatchState.OPEN:
        return JsonResponse({"errors": {"files": ["The batch is closed. Add the files as a new one."]}}, status=409)
    form, files = asked(request)
    if form.errors or lacks_agents(form, files):
        return refused(form)
    return added(batch, files)


@require_POST
def chosen_change(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Enter something for items that wait, or with `act` cancel let nothing become of them."""
    batch, document = own_batch(request, pk), document_of(request)
    ids = document.get("items")
    if not isinstance(ids, list) or len(ids) > MOST_FILES or not all(isinstance(each, int) for each in ids):
        raise BadRequest(f"Name at most {MOST_FILES:,} items.")
    if document.get("act") == "cancel":
        batches.drop(batch, ids)
    else:
        try:
            batches.say(batch, ids, **judged([str(document.get(each) or "") for each in DETAILS]))
        except ValidationError as error:
            return JsonResponse({"errors": {"files": error.messages}}, status=422)
    return JsonResponse(standing(batch) | {"items": described(batch.items.filter(pk__in=ids))})


@require_POST
def chosen_cancel(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Let nothing more become of a batch's files that are not here."""
    batch = own_batch(request, pk)
    batches.cancel(batch)
    if request.headers.get("Accept") == "application/json":
        return JsonResponse(standing(batch))
    return redirect("add_calls")


def unfinished(request: PortalRequest) -> list[Batch]:
    """Return this user's batches that wait for files, the newest first."""
    waiting = Exists(BatchItem.objects.waiting().filter(batch=OuterRef("pk"), size_bytes__isnull=False))
    open_ones = Batch.objects.filter(waiting, user=request.user, way=Way.FILES, state=BatchState.OPEN)
    return list(open_ones.order_by("-created_at")[:OFFERED])


def own_batch(request: PortalRequest, pk: UUID) -> Batch:
    """Return a batch of files that this user opened."""
    return get_object_or_404(Batch, pk=pk, user=request.user, way=Way.FILES)


def document_of(request: PortalRequest) -> dict[str, Any]:
    """Return the document that a request brings."""
    try:
        document = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("That is no JSON.") from error
    if not isinstance(document, dict):
        raise BadRequest("That is no document.")
    return document


def asked(request: PortalRequest) -> tuple[BatchForm, list[Chosen]]:
    """Return what holds for all files, judged, and the files; what is wrong with one of these is the form's error too."""
    document = document_of(request)
    form = BatchForm({name: str(document.get(name) or "") for name in BatchForm.base_fields})
    form.full_clean()
    try:
        return form, chosen_files(document.get("files"))
    except ValidationError as error:
        form.add_error(None, error)
    return form, []


def lacks_agents(form: BatchForm, files: list[Chosen]) -> bool:
    """Say, also in the form, whether no agent is known for some of the files."""
    batch = Batch(**form.cleaned_data)
    without = sum(not batches.details_of(item_of(file, batch)).agent for file in files)
    if without:
        form.add_error("agent", NO_AGENT.format(f"{without:,} files" if without > 1 else "1 file"))
    return bool(without)


def refused(form: BatchForm) -> JsonResponse:
    """Say what is wrong."""
    return JsonResponse({"errors": form.errors}, status=422)


def item_of(file: Chosen, batch: Batch) -> BatchItem:
    """Return a file as an item, not written."""
    return BatchItem(batch=batch, name=file.name, size_bytes=file.size, modified_at=file.modified, **file.said)


def added(batch: Batch, files: list[Chosen]) -> JsonResponse:
    """Write files down as items; those that are too large are refused at once."""
    items = batches.add_items(batch, [item_of(file, batch) for file in files])
    most = settings.CALLCOV_MAX_UPLOAD_MB
    for item in items:
        if (item.size_bytes or 0) > most * 1024 * 1024:
            batches.refuse(item, Failure.TOO_LARGE, f"Larger than {most} MB, the most that is taken.")
            item.refresh_from_db()
    batches.close_if_settled(batch)
    return JsonResponse(standing(batch) | {"items": described(items)}, status=201)


def standing(batch: Batch) -> dict[str, Any]:
    """Return where a batch stands."""
    return {"batch": str(batch.pk), "url": batch.get_absolute_url(), "sums": batch.sums()._asdict()}


def described(items: Iterable[BatchItem]) -> list[dict[str, Any]]:
    """Return items as the page shows them, 2,000 at most."""
    if isinstance(items, QuerySet):
        items = items.select_related("batch", "recording", "duplicate_of")[:MOST_FILES]
    return [{"id": item.pk, **file_of(item), **known_of(item), **fate_of(item).as_json()} for item in items]


def file_of(item: BatchItem) -> dict[str, Any]:
    """Return by what a browser knows a file again."""
    modified = round(item.modified_at.timestamp() * 1000) if item.modified_at else 0
    return {"position": item.position, "name": item.name, "size": item.size_bytes, "modified": modified}


def known_of(item: BatchItem) -> dict[str, Any]:
    """Return what is known of an item's call, and whether its time is only assumed from the file's date."""
    details = batches.details_of(item)
    called_at, source = recordings.when(details, item.name.rpartition("/")[2], item.modified_at)
    return {
        "agent": details.agent,
        "contact": details.contact,
        "called_at": f"{timezone.localtime(called_at):%Y-%m-%d %H:%M}" if source != CalledAtSource.UPLOAD else "",
        "is_assumed": source in {CalledAtSource.FILE_DATE, CalledAtSource.UPLOAD},
        "direction": details.direction,
    }
