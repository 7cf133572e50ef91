"""Pages that mix evidence with judgement."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from callcov_portal.actions import unmasking
from callcov_portal.models import Analysis, Recording, State
from callcov_portal.quality import actions
from callcov_portal.quality.forms import ReviewForm
from callcov_portal.quality.models import Review, Verdict
from callcov_portal.views.evidence import call_context
from callcov_portal.views.listening import refuse_unless_may_unmask, wants_all
from callcov_portal.views.recordings import recording_or_404
from callcov_portal.views.rendering import PortalRequest, render_page, wants_partial


@require_safe
def call(request: PortalRequest, number: int) -> HttpResponse:
    """Show one call: its sound, words and findings, and what people said about it."""
    recording, unmuted = recording_or_404(number), wants_all(request)
    evidence = call_context(recording, request.GET.get("analysis", ""), request.user, unmuted=unmuted)
    context = {**evidence, **review_context(recording, evidence["shown"], ReviewForm())}
    return render_page(request, "quality/call.html", "quality/_results.html", context)


@never_cache
@require_POST
def call_unmask(request: PortalRequest, number: int) -> HttpResponse:
    """Show one analysis of the call with its sensitive data, this once: logged, and for those with the right alone."""
    refuse_unless_may_unmask(request.user)
    recording = recording_or_404(number)
    analysis = analysis_or_404(recording, request.POST.get("analysis", ""))
    unmasking.note_shown(request.user, analysis)
    wanted = str(analysis.pk) if request.POST.get("wanted") else ""
    evidence = call_context(recording, wanted or str(analysis.pk), request.user, unmasked=True)
    context = {**evidence, **review_context(recording, analysis, ReviewForm()), "wanted": wanted}
    return render_page(request, "quality/call.html", "quality/_results.html", context)


@require_POST
def review(request: PortalRequest, number: int) -> HttpResponse:
    """Take a verdict on one analysis of the call; 422 with the form if something is missing."""
    recording = recording_or_404(number)
    analysis = analysis_or_404(recording, request.POST.get("analysis", ""))
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            verdict = Verdict(form.cleaned_data["verdict"])
            actions.give_verdict(analysis, request.user, verdict, form.cleaned_data["note"])
        except actions.NotReviewable as refusal:
            form.add_error(None, str(refusal))
    return answer(request, recording, analysis, form)


def analysis_or_404(recording: Recording, wanted: str) -> Analysis:
    """Return the analysis of this call with that id, whatever was sent as one."""
    found = next((pk for pk in recording.analyses.values_list("pk", flat=True) if str(pk) == wanted), None)
    return get_object_or_404(Analysis, pk=found)


def answer(request: PortalRequest, recording: Recording, analysis: Analysis, form: ReviewForm) -> HttpResponse:
    """Show the panel of reviews to htmx; to a plain form the page again, or the form with its errors."""
    if wants_partial(request):
        context = review_context(recording, analysis, form if form.errors else ReviewForm())
        context["saved"] = not form.errors
        return render(request, "quality/_review.html", context, status=422 if form.errors else 200)
    if form.errors:
        evidence = call_context(recording, str(analysis.pk), request.user)
        context = {**evidence, **review_context(recording, analysis, form)}
        return render(request, "quality/call.html", context, status=422)
    return redirect(f"{recording.get_absolute_url()}#review")


def review_context(recording: Recording, analysis: Analysis | None, form: ReviewForm) -> dict[str, Any]:
    """Return what the panel of reviews shows: every review of the call, the newest first."""
    reviews = Review.objects.filter(analysis__recording=recording).select_related("reviewer")
    return {
        "recording": recording,
        "shown": analysis,
        "is_reviewable": analysis is not None and analysis.state == State.COMPLETED,
        "reviews": list(reviews),
        "form": form,
    }
