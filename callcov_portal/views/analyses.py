"""The state of a call's analysis, what a person can do about it, and the document as it was received."""

from collections.abc import Callable
from typing import Any

import orjson
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from callcov_portal import hiding, tasks
from callcov_portal.actions import analyses as actions
from callcov_portal.actions import unmasking
from callcov_portal.models import Analysis, Document, Recording, Segment, User
from callcov_portal.views.evidence import state_context
from callcov_portal.views.listening import refuse_unless_may_unmask
from callcov_portal.views.recordings import recording_or_404
from callcov_portal.views.rendering import PortalRequest, wants_partial

FINISHED = "analysis-finished"  # the event upon which the page fetches the results


@require_safe
def call_state(request: PortalRequest, number: int) -> HttpResponse:
    """Answer the state of a call; 204 if that is what the page shows already (`?seen=`)."""
    recording = recording_or_404(number)
    context = state_context(recording)
    context["is_silent"] = "silent" in request.GET
    analysis = recording.current_analysis
    is_live = analysis is not None and not analysis.is_finished
    if is_live and context["seen"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    if not is_live and context["is_silent"] and recording.file:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})  # the audio has come: the page needs its player
    response = render(request, "analyses/_state.html", context)
    if not is_live:
        response.headers["HX-Trigger"] = FINISHED
    return response


@require_POST
def call_retry(request: PortalRequest, number: int) -> HttpResponse:
    """Put back into the queue what failed before anything was sent."""
    return act(request, number, lambda recording, user: actions.retry(current(recording), user))


@require_POST
def call_again(request: PortalRequest, number: int) -> HttpResponse:
    """Ask for a new analysis."""
    return act(request, number, actions.analyse_again)


@require_POST
def call_send_anyway(request: PortalRequest, number: int) -> HttpResponse:
    """Send again although the first may have arrived."""
    return act(request, number, lambda recording, user: actions.send_anyway(current(recording), user))


@require_POST
def call_keep_both(request: PortalRequest, number: int) -> HttpResponse:
    """Send a call although another sounds the same."""
    return act(request, number, lambda recording, user: actions.keep_both(current(recording), user))


@require_POST
def call_cancel(request: PortalRequest, number: int) -> HttpResponse:
    """Take back what was not sent."""
    return act(request, number, lambda recording, user: actions.cancel(current(recording), user))


def current(recording: Recording) -> Analysis:
    """Return the current analysis; raises `NotPossible` if there is none."""
    if recording.current_analysis is None:
        raise actions.NotPossible("This call was never analysed.")
    return recording.current_analysis


def act(request: PortalRequest, number: int, action: Callable[[Recording, User], object]) -> HttpResponse:
    """Do one of the actions and show the state afterwards; 409 with the reason if it was not possible."""
    recording, problem = recording_or_404(number), ""
    try:
        action(recording, request.user)
    except actions.NotPossible as refusal:
        problem = str(refusal)
    recording = recording_or_404(number)
    if not problem and recording.current_analysis and not recording.current_analysis.is_finished:
        tasks.ring(recording.current_analysis.pk)
    if wants_partial(request) or problem:
        template = "analyses/_state.html" if wants_partial(request) else "analyses/not_possible.html"
        context = state_context(recording, problem)
        return render(request, template, context, status=409 if problem else 200)
    return redirect(recording)


@require_safe
def call_raw(request: PortalRequest, number: int) -> HttpResponse:
    """Show the analysis object as the API sent it: of `?analysis=`, else of the current analysis.

    Sensitive data is hidden; with `?unmasked=1` it is not, for those with the right, and logged.
    """
    recording = recording_or_404(number)
    wanted = request.GET.get("analysis") or str(recording.current_analysis_id)
    found = [pk for pk in recording.analyses.values_list("pk", flat=True) if str(pk) == wanted]
    if not found:
        raise Http404("This call has no such analysis.")
    document = get_object_or_404(Document, analysis=found[0])
    if request.GET.get("unmasked") == "1":
        refuse_unless_may_unmask(request.user)
        unmasking.note_read(request.user, number, found[0])
        shown = document.raw
    else:
        shown = hidden_document(document)
    body = orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    name = content_disposition_header(as_attachment=False, filename=f"call-{number}.json")
    headers = {
        "Content-Disposition": name or "inline",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(body, content_type="application/json", headers=headers)


def hidden_document(document: Document) -> Any:
    """Return the document without sensitive data."""
    rows = Segment.objects.filter(analysis=document.analysis_id).exclude(masked="")
    hidden = {position: (text, masked) for position, text, masked in rows.values_list("position", "text", "masked")}
    masked = {position: pair[1] for position, pair in hidden.items()}
    return hiding.hide_document(hiding.Hider(hidden.values()), document.raw, masked)
