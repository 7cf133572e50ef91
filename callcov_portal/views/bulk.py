"""One act on many calls: chosen on the list, confirmed on a page of its own, followed there until it is done."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from callcov_portal import tasks
from callcov_portal.actions import bulk as actions
from callcov_portal.list_forms import EXPORT, BulkCorrectionForm, BulkForm
from callcov_portal.models import BulkAct, BulkJob, BulkState, User
from callcov_portal.views.listing import clean_query
from callcov_portal.views.rendering import PortalRequest, wants_partial

REFUSED_SHOWN = 20


@require_POST
def bulk_ask(request: PortalRequest) -> HttpResponse:
    """Write down an act on the chosen calls and lead to the page that confirms it; an export is a download at once."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        return refused(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    query = clean_query(form.filters.data)
    if form.cleaned_data["act"] == EXPORT:
        return redirect(f"{reverse('export', args=['calls'])}?{query}")
    try:
        job = actions.ask(request.user, BulkAct(form.cleaned_data["act"]), form.filters.selection, query)
    except actions.Refused as refusal:
        return refused(request, str(refusal))
    return redirect("bulk_job", job.pk)


def refused(request: PortalRequest, why: str) -> HttpResponse:
    """Say why nothing was written down."""
    return render(request, "recordings/bulk_refused.html", {"why": why}, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_job(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Show one act on many calls; confirmed, it begins, once however often that is sent."""
    job = job_or_404(request.user, pk)
    form = (
        BulkCorrectionForm(request.POST if request.method == "POST" else None) if job.act == BulkAct.CORRECT else None
    )
    if request.method == "POST" and (form is None or form.is_valid()):
        if job.act == BulkAct.DELETE and not request.user.is_lead:
            raise PermissionDenied("Only a lead can delete calls.")
        if actions.confirm(job, request.user, form.cleaned_data if form else {}):
            tasks.ring_chore("bulk", job.pk)
        return redirect("bulk_job", job.pk)
    part = wants_partial(request) and job.state != BulkState.ASKED
    template = "recordings/_bulk_progress.html" if part else "recordings/bulk.html"
    status = 422 if request.method == "POST" else 200
    return render(request, template, {"job": job, "form": form, **results(job)}, status=status)


def job_or_404(user: User, pk: UUID) -> BulkJob:
    """Return a job of this user's, for a lead anybody's."""
    job = get_object_or_404(BulkJob.objects.select_related("user"), pk=pk)
    if job.user_id != user.pk and not user.is_lead:
        raise Http404("There is no such job.")
    return job


def results(job: BulkJob) -> dict[str, Any]:
    """Return how far a job is, and which calls were refused for which reason."""
    causes = job.items.exclude(why="").order_by().values_list("why").annotate(n=Count("pk")).order_by("-n")
    numbers = job.items.exclude(why="").order_by("pk").values_list("number", flat=True)
    return {
        "causes": list(causes[:REFUSED_SHOWN]) if job.refused else [],
        "refused_numbers": list(numbers[:REFUSED_SHOWN]) if job.refused else [],
        "changed": job.done - job.refused,
    }
