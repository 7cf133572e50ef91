"""Pages that mix evidence with judgement."""

from typing import Any

from django.contrib import messages
from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from callcov_portal.actions import rechecking, swapping, unmasking
from callcov_portal.models import Analysis, Recording, State
from callcov_portal.quality import actions
from callcov_portal.quality.forms import ReviewForm
from callcov_portal.quality.models import Review, Verdict
from callcov_portal.views.evidence import call_context
from callcov_portal.views.listening import refuse_unless_may_unmask, wants_all
from callcov_portal.views.neighbours import neighbours_of, within_of
from callcov_portal.views.recordings import may_edit, recording_or_404
from callcov_portal.views.rendering import PortalRequest, render_page, wants_partial

WAVESURFER = "vendor/wavesurfer.min.js"  # from npm: without it the position bar stays plain


@require_safe
def call(request: PortalRequest, number: int) -> HttpResponse:
    """Show one call: its sound, words and findings, and what people said about it."""
    recording, unmuted = recording_or_404(number), wants_all(request)
    evidence = call_context(recording, request.GET.get("analysis", ""), request.user, unmuted=unmuted)
    context = {**evidence, **review_context(recording, evidence["shown"], ReviewForm())}
    context |= around(request, recording)
    return render_page(request, "quality/call.html", "quality/_results_news.html", context)


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
    context |= around(request, recording)
    return render_page(request, "quality/call.html", "quality/_results_news.html", context)


@require_POST
def call_swap(request: PortalRequest, number: int) -> HttpResponse:
    """Swap agent and contact of one analysis of the call, or undo that (`swapped` is `1` or `0`)."""
    recording = recording_or_404(number)
    if not may_edit(request.user, recording):
        raise PermissionDenied("Only a lead, or who added the call, can swap its speakers.")
    analysis = analysis_or_404(recording, request.POST.get("analysis", ""))
    try:
        swapping.swap_speakers(analysis, request.user, swapped=request.POST.get("swapped") == "1")
    except rechecking.NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect(recording)
    wanted = str(analysis.pk) if analysis.pk != recording.current_analysis_id else ""
    if not wants_partial(request):
        return redirect(f"{recording.get_absolute_url()}{f'?analysis={wanted}' if wanted else ''}#transcript")
    evidence = call_context(recording, wanted, request.user)
    context = {**evidence, **review_context(recording, analysis, ReviewForm()), **around(request, recording)}
    return render(request, "quality/_results_news.html", context)


@require_safe
def call_print(request: PortalRequest, number: int) -> HttpResponse:
    """Show a finished call for paper: findings with their evidence, verdicts, transcript; sensitive data is hidden."""
    recording = recording_or_404(number)
    evidence = call_context(recording, request.GET.get("analysis", ""), request.user, is_paper=True)
    shown = evidence["shown"]
    if shown is None or shown.state != State.COMPLETED:
        messages.error(request, "There is nothing to print before the analysis is done.")
        return redirect(recording)
    context = {**evidence, **review_context(recording, shown, ReviewForm()), "printed_at": timezone.now()}
    return render(request, "quality/print.html", context)


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


def around(request: PortalRequest, recording: Recording) -> dict[str, Any]:
    """Return the list that one came from, and what a whole page has around the evidence; a part of it has none."""
    within = within_of(request)
    if wants_partial(request):
        return {"within": within}
    vendored = WAVESURFER if finders.find(WAVESURFER) else ""
    return {"within": within, "beside": neighbours_of(recording, within), "wavesurfer": vendored}


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
        context = {**evidence, **review_context(recording, analysis, form), **around(request, recording)}
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
