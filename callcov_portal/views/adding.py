"""Adding calls: files and links, each with its own fate."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from callcov_portal import tasks
from callcov_portal.actions import recordings as actions
from callcov_portal.forms import EARLIEST_CALL, AddFilesForm, AddLinksForm, CallDetailsForm
from callcov_portal.models import Failure, Recording, User
from callcov_portal.uploads import ReceivedFile
from callcov_portal.views.rendering import PortalRequest, wants_partial


@dataclass(frozen=True)
class Fate:
    """What became of one file or link: stored as a call, known already as one, or refused."""

    name: str
    outcome: str  # stored, duplicate, refused
    message: str
    recording: Recording | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fate as static/js/upload.js reads it."""
        call = self.recording
        url = call.get_absolute_url() if call else ""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "message": self.message,
            "url": url,
            "call": str(call or ""),
        }


@require_safe
def add_calls(request: PortalRequest) -> HttpResponse:
    """Show the page where calls are added."""
    return add_page(request, CallDetailsForm(initial={"agent": request.GET.get("agent", "")}))


def add_page(
    request: PortalRequest, form: CallDetailsForm, fates: list[Fate] | None = None, left: str = ""
) -> HttpResponse:
    """Render the page with a form, after a plain post with the fates; `left` stays in the box of links."""
    context = {"form": form, "fates": fates, "left": left, "max_mb": settings.CALLCOV_MAX_UPLOAD_MB}
    return render(request, "recordings/add.html", context, status=422 if form.errors else 200)


@require_POST
def add_files(request: PortalRequest) -> HttpResponse:
    """Take files: JSON for static/js/upload.js, which sends one at a time; the page for a plain form."""
    form = AddFilesForm(request.POST, request.FILES)
    wants_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    left = request.POST.get("links", "")
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422) if wants_json else add_page(request, form, left=left)
    details = details_in(form)
    dates = [file_date(text) for text in request.POST.getlist("modified")]
    pairs = zip_longest(form.cleaned_data["files"], dates[: len(form.cleaned_data["files"])])
    fates = [take_file(file, details, request.user, date) for file, date in pairs]
    if wants_json:
        return JsonResponse({"fates": [fate.as_json() for fate in fates]})
    return add_page(request, CallDetailsForm(initial=form.cleaned_data), fates, left)


@require_POST
def add_links(request: PortalRequest) -> HttpResponse:
    """Take links: a fragment with their fates for htmx, the page for a plain form."""
    form = AddLinksForm(request.POST)
    fates, left = [], request.POST.get("links", "")
    if form.is_valid():
        fates = [take_link(link, details_in(form), request.user) for link in form.cleaned_data["links"]]
        left = "\n".join(fate.name for fate in fates if fate.outcome == "refused")
    if wants_partial(request):
        context = {"form": form, "fates": fates, "left": left, "is_fragment": True}
        return render(request, "recordings/_links.html", context, status=422 if form.errors else 200)
    return add_page(request, form if form.errors else CallDetailsForm(initial=form.cleaned_data), fates or None, left)


def details_in(form: CallDetailsForm) -> actions.CallDetails:
    """Return what a valid form says about the calls."""
    names = ("agent", "contact", "called_at", "direction")
    return actions.CallDetails(**{name: form.cleaned_data[name] for name in names})


def file_date(milliseconds: str) -> datetime | None:
    """Return the date that a browser gives for a file, or None for anything else, also for one that cannot be."""
    try:
        date = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return date if date >= EARLIEST_CALL else None


def take_file(file: ReceivedFile, details: actions.CallDetails, user: User, date: datetime | None) -> Fate:
    """Store one received file and ring for its analysis."""
    name = file.name or "unnamed"
    try:
        recording = actions.add_file(
            path=file.path,
            sha256=file.sha256,
            size=file.size or 0,
            file_name=name,
            details=details,
            user=user,
            file_date=date,
        )
    except actions.NotTaken as refusal:
        return refused(name, refusal)
    return stored(name, recording)


def take_link(link: str, details: actions.CallDetails, user: User) -> Fate:
    """Write down one link and ring for its copy and analysis."""
    try:
        recording = actions.add_link(link=link, details=details, user=user)
    except actions.NotTaken as refusal:
        return refused(link, refusal)
    return stored(link, recording)


def stored(name: str, recording: Recording) -> Fate:
    """Ring for a recording that is written down, and say so."""
    if recording.current_analysis_id:
        tasks.ring(recording.current_analysis_id)
    return Fate(name, "stored", "Stored; its analysis is waiting.", recording)


def refused(name: str, refusal: actions.NotTaken) -> Fate:
    """Say why something was not taken."""
    outcome = "duplicate" if refusal.code == Failure.DUPLICATE else "refused"
    return Fate(name, outcome, str(refusal), refusal.duplicate_of)
