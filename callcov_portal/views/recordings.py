"""The list of calls, and what a person does with one: correct it, delete it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from callcov_portal.actions import recordings as actions
from callcov_portal.filters import CallFilter
from callcov_portal.forms import CorrectionForm
from callcov_portal.models import Agent, Contact, Finding, Outcome, Recording, SavedView, Segment, User
from callcov_portal.models.people import IDENTIFIER_LENGTH
from callcov_portal.views.columns import columns_of
from callcov_portal.views.listing import clean_query, list_context, live_of
from callcov_portal.views.neighbours import within_of
from callcov_portal.views.people import matching
from callcov_portal.views.rail import offer_names, presets, show_counts
from callcov_portal.views.rendering import PortalRequest, render_page, wants_partial
from callcov_portal.views.rows import rows_of, stages_of, written

MAX_LIVE_ROWS = 200
KNOWN_SHOWN = 30
WORST_FIRST = (Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD, Outcome.MET)


@require_safe
def calls(request: PortalRequest) -> HttpResponse:
    """Show the calls that the URL's filters choose, newest first; an unreadable filter answers 422 and no calls."""
    filters = CallFilter(request.GET)
    is_valid = filters.is_valid()
    listed = list_context(filters.branches, request.GET, request.user, picks=True)
    context = {"filters": filters, "saved": SavedView.objects.seen_by(request.user), **listed}
    if not wants_partial(request):
        show_counts(filters)
        offer_names(filters)
        context["presets"] = presets(request.GET)
    page, part = "recordings/list.html", "recordings/_calls.html"
    response = render_page(request, page, part, context, status=200 if is_valid else 422)
    query = clean_query(request.GET, without=())
    address = f"{reverse('calls')}?{query}" if query else reverse("calls")
    response.headers["HX-Push-Url"] = "false" if address == request.htmx.current_url_abs_path else address
    return response


@require_safe
def call_row(request: PortalRequest) -> HttpResponse:
    """Answer what has changed of the rows `?ids=`; 204 if that is what the page shows already (`?seen=`)."""
    ids = [int(pk) for pk in request.GET.get("ids", "").split(",") if pk.isdecimal() and len(pk) < 19][:MAX_LIVE_ROWS]
    rows = rows_of(ids)
    stages = stages_of(rows)
    live = live_of(rows, stages)
    if live and live.seen == request.GET.get("seen"):
        return HttpResponse(status=204)
    within = within_of(request)
    picks = request.GET.get("picks") == "1"  # the list itself, which has the columns that the user chose
    columns = columns_of(request.user.call_columns if picks else ())
    news = written(rows, stages, columns, is_news=True, picks=picks, within=within)
    gone = sorted(set(ids) - {row.pk for row in rows})
    return render(
        request,
        "recordings/_rows.html",
        {"written": news, "live": live, "gone": gone, "picks": picks, "within": within},
    )


@require_safe
def call_moments(request: PortalRequest, number: int) -> HttpResponse:
    """Answer the names behind the counts of one row, the worst first."""
    recording = get_object_or_404(Recording.objects.only("current_analysis", "state"), pk=number)
    found = Finding.objects.filter(analysis=recording.current_analysis_id).exclude(outcome=Outcome.NOT_ASSESSED)
    titles = found.order_by("position").values_list("outcome", "title")
    names = [(outcome, title) for wanted in WORST_FIRST for outcome, title in titles if outcome == wanted]
    return render(request, "recordings/_moments.html", {"names": names})


@require_safe
def known_agents(request: PortalRequest) -> HttpResponse:
    """Offer the agents whose identifier or name contains what is typed so far."""
    return offer(request, Agent, request.GET.get("agent", ""))


@require_safe
def known_contacts(request: PortalRequest) -> HttpResponse:
    """Offer the contacts whose identifier or name contains what is typed so far."""
    return offer(request, Contact, request.GET.get("contact", ""))


def offer(request: PortalRequest, people: type[Agent] | type[Contact], typed: str) -> HttpResponse:
    """Render at most 30 options for a datalist."""
    part = typed.replace("\x00", "").strip()[:IDENTIFIER_LENGTH]
    found = matching(people._default_manager.all(), part).order_by("key")
    return render(request, "recordings/_known.html", {"people": found[:KNOWN_SHOWN]})


def recording_or_404(number: int) -> Recording:
    """Return the call with this number, with its people and current analysis."""
    return get_object_or_404(Recording.objects.with_people(), pk=number)


def may_edit(user: User, recording: Recording) -> bool:
    """Say whether a user may correct a call: who added it, and every lead."""
    return user.is_lead or recording.uploaded_by_id == user.pk


@require_http_methods(["GET", "HEAD", "POST"])
def call_edit(request: PortalRequest, number: int) -> HttpResponse:
    """Correct agent, contact, time and direction of a call; what changed is logged."""
    recording = recording_or_404(number)
    if not may_edit(request.user, recording):
        raise PermissionDenied("Only a lead, or who added the call, can correct it.")
    form = CorrectionForm(request.POST or None, initial=details_of(recording))
    if request.method == "POST" and form.is_valid():
        changes = actions.edit_details(recording, actions.CallDetails(**form.cleaned_data), request.user)
        messages.success(request, f"Corrected {'; '.join(changes)}." if changes else "Nothing was changed.")
        return redirect(recording)
    status = 422 if request.method == "POST" else 200
    return render(request, "recordings/edit.html", {"recording": recording, "form": form}, status=status)


def details_of(recording: Recording) -> dict[str, object]:
    """Return what the form of the details starts with."""
    return {
        "agent": recording.agent.identifier,
        "contact": recording.contact.identifier if recording.contact else "",
        "called_at": timezone.localtime(recording.called_at).replace(second=0, microsecond=0),  # as a browser shows it
        "direction": recording.direction,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def call_delete(request: PortalRequest, number: int) -> HttpResponse:
    """Say what goes with a call, and delete it when that is confirmed. Leads only."""
    recording = recording_or_404(number)
    if not request.user.is_lead:
        raise PermissionDenied("Only a lead can delete a call.")
    if request.method == "POST":
        actions.delete(recording, request.user)
        messages.success(request, f"Call #{number} is deleted.")
        return redirect("calls")
    goes = {
        "recording": recording,
        "analyses": recording.analyses.count(),
        "segments": Segment.objects.filter(analysis__recording=recording).count(),
        "findings": Finding.objects.filter(analysis__recording=recording).count(),
        "was_sent": recording.analyses.filter(submissions__gt=0).exists(),
    }
    return render(request, "recordings/delete.html", goes)
