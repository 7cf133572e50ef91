"""The page Rules: by which rules calls are checked, other versions of them, and what those would change."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callcov_portal.actions import comparing, rechecking, trying
from callcov_portal.actions import rules as actions
from callcov_portal.forms import RulesForm
from callcov_portal.models import RuleVersion
from callcov_portal.rules import RuleSet, builtin
from callcov_portal.views import rulebook
from callcov_portal.views.access import lead_required
from callcov_portal.views.listening import sound_of
from callcov_portal.views.recordings import recording_or_404
from callcov_portal.views.rendering import PortalRequest, render_page

VERSIONS_SHOWN = 50


@require_safe
def overview(request: PortalRequest) -> HttpResponse:
    """Show the rules in force and the versions that there are."""
    standing = actions.standing()
    shown = {
        "standing": standing,
        "ruleset": standing.rules,
        "checks": rulebook.checks_of(standing.rules),
        "versions": RuleVersion.objects.defer("text").select_related("created_by").newest_first()[:VERSIONS_SHOWN],
        "builtin": builtin(),
        "last": comparing.LAST,
    }
    return render(request, "rules/overview.html", shown)


@require_safe
def version(request: PortalRequest, digest: str) -> HttpResponse:
    """Show one version, and how it differs from the rules in force; one that cannot be read as its text alone."""
    kept = RuleVersion.objects.select_related("created_by").filter(pk=digest).first()
    try:
        shown = read_version(actions.of_hash(digest))
    except actions.NotPossible as refusal:
        if kept is None:
            raise Http404(str(refusal)) from refusal
        shown = {"name": kept.name, "digest": kept.hash, "text": kept.text, "problem": str(refusal)}
    return render(request, "rules/version.html", {"version": kept, **shown})


def read_version(ruleset: RuleSet) -> dict[str, Any]:
    """Return what the page of a version shows of rules that can be read."""
    in_force = actions.in_force()
    return {
        "name": ruleset.name,
        "digest": ruleset.hash,
        "text": ruleset.text,
        "ruleset": ruleset,
        "in_force": in_force,
        "is_builtin": ruleset.hash == builtin().hash,
        "difference": rulebook.difference(in_force.text, ruleset.text),
        "checks": rulebook.checks_of(ruleset),
    }


@lead_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PortalRequest) -> HttpResponse:
    """Offer a version (`?from=` its hash, else the one in force) to be changed, and keep what comes of it."""
    if request.method != "POST":
        ruleset = start(request)
        return workbench(request, RulesForm(initial={"text": ruleset.text}), ruleset=ruleset)
    form = RulesForm(request.POST)
    if not form.is_valid():
        return workbench(request, form, status=422)
    saved = actions.save_version(form.cleaned_data["text"], form.cleaned_data["note"], request.user)
    if saved.hash == actions.in_force().hash:
        messages.info(request, "These are the rules that are in force already.")
    else:
        messages.success(request, f"Saved as version {saved.hash[:12]}. It is not in force yet.")
    return redirect("rules_version", saved.hash)


def start(request: PortalRequest) -> RuleSet:
    """Return the version to begin with."""
    try:
        return actions.of_hash(request.GET["from"]) if "from" in request.GET else actions.in_force()
    except actions.NotPossible as refusal:
        raise Http404(str(refusal)) from refusal


@lead_required
@require_http_methods(["GET", "HEAD", "POST"])
def try_out(request: PortalRequest) -> HttpResponse:
    """Run the rules as typed, all or one, on a pasted talk or a call. Nothing is kept; a reload leads to the editor."""
    if request.method != "POST":
        return redirect("rules_edit")
    form = RulesForm(request.POST, is_tried=True)
    if not form.is_valid():
        return workbench(request, form, status=422)
    ruleset, recording = trying.alone(form.ruleset, form.cleaned_data["rule"]), form.recording
    if recording and recording.current_analysis:
        tried = trying.try_on_call(ruleset, recording.current_analysis)
    else:
        tried = trying.try_on_text(ruleset, form.cleaned_data["talk"])
    audio = sound_of(recording, request.user).url if recording else ""
    return workbench(request, form, tried=tried, was_tried=True, recording=recording, audio_url=audio)


@lead_required
@require_http_methods(["GET", "HEAD", "POST"])
def what_if(request: PortalRequest) -> HttpResponse:
    """Say which of the last calls the rules as typed would change. Nothing is kept; a reload leads to the editor."""
    if request.method != "POST":
        return redirect("rules_edit")
    form = RulesForm(request.POST)
    if not form.is_valid():
        return workbench(request, form, status=422)
    return workbench(request, form, compared=comparing.what_if(form.ruleset))


def workbench(request: PortalRequest, form: RulesForm, *, status: int = 200, **results: Any) -> HttpResponse:
    """Render the editor with what came of trying; for htmx the results alone, and what is wrong with the text."""
    results.setdefault("ruleset", getattr(form, "ruleset", None) or actions.in_force())
    shown = {
        "form": form,
        "excerpt": rulebook.excerpt(form.data.get("text", ""), form.wrong_line),
        "last": comparing.LAST,
        **results,
    }
    return render_page(request, "rules/edit.html", "rules/_results.html", shown, status=status)


@lead_required
@require_POST
def put_in_force(request: PortalRequest) -> HttpResponse:
    """Put a version in force for calls to come."""
    try:
        ruleset = actions.activate(request.POST.get("version", ""), request.user)
    except actions.NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, f"{ruleset.name} ({ruleset.hash[:12]}) is in force. Calls that are done stay as they are."
        )
    return redirect("rules")


@lead_required
@require_POST
def check_last_again(request: PortalRequest) -> HttpResponse:
    """Check the last calls again by the rules in force."""
    done = rechecking.check_last_again(request.user)
    left = f" {done.left_out} were left out: too long, or the time was up." if done.left_out else ""
    text = f"{done.looked_at} calls checked again in {done.seconds:.1f} s; {len(done.changed)} changed.{left}"
    messages.success(request, text)
    return redirect("rules")


@lead_required
@require_POST
def call_check_again(request: PortalRequest, number: int) -> HttpResponse:
    """Check one call again by the rules in force: that of its analyses which the form names."""
    recording = recording_or_404(number)
    wanted = request.POST.get("analysis", "")
    analysis = next((one for one in recording.analyses.all() if str(one.pk) == wanted), None)
    if analysis is None:
        raise Http404("This call has no such analysis.")
    try:
        changes = rechecking.check_again(analysis, request.user)
    except rechecking.NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect(recording)
    named = "; ".join(f"{c.title}: {c.before or 'not checked'} → {c.after or 'not checked'}" for c in changes)
    messages.success(request, f"Checked again. {named or 'No outcome changed'}.")
    query = f"?analysis={analysis.pk}" if analysis.pk != recording.current_analysis_id else ""
    return redirect(f"{recording.get_absolute_url()}{query}")
