"""The list of agents from a CSV file: a dry run, then the import."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from callcov_portal.actions import rosters
from callcov_portal.people_forms import RosterForm
from callcov_portal.views.rendering import PortalRequest

SHOWN = 500


@require_http_methods(["GET", "HEAD", "POST"])
def agents_import(request: PortalRequest) -> HttpResponse:
    """Show per row what a CSV of agents would change or what is wrong with it; with `import=1`, do it."""
    if not request.user.is_lead:
        raise PermissionDenied("Only a lead imports agents. Ask one.")
    if request.method != "POST":
        return render(request, "agents/import.html", {"form": RosterForm()})
    form = RosterForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "agents/import.html", {"form": form}, status=422)
    rows = form.cleaned_data["rows"]
    if request.POST.get("import") == "1":
        new, changed = rosters.take_over(rows, request.user)
        messages.success(request, f"Imported: {new:,} new agents, {changed:,} changed.")
        return redirect("agents")
    return render(request, "agents/import.html", {"form": RosterForm(), **dry_run(rosters.plan(rows), form)})


def dry_run(changes: list[rosters.Change], form: RosterForm) -> dict[str, Any]:
    """Return what the dry run shows: every wrong row first, then what changes, 500 rows at most, and how many of each."""
    counts = {kind: sum(one.kind == kind for one in changes) for kind in ("new", "changed", "same", "wrong")}
    order = ("wrong", "changed", "new", "same")
    shown = sorted(changes, key=lambda one: order.index(one.kind))[:SHOWN]
    return {
        "changes": shown,
        "counts": counts,
        "left_out": len(changes) - len(shown),
        "text": form.cleaned_data["text"],
        "is_of_use": bool(counts["new"] or counts["changed"]),
    }
