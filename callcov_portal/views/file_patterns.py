"""The page where leads keep the patterns by which the names of files are read."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from callcov_portal import standings
from callcov_portal.actions import file_patterns as actions
from callcov_portal.models import FilePattern
from callcov_portal.pattern_forms import FilePatternForm
from callcov_portal.views.access import lead_required
from callcov_portal.views.rendering import PortalRequest


@lead_required
@require_http_methods(["GET", "HEAD", "POST"])
def file_patterns(request: PortalRequest) -> HttpResponse:
    """List the patterns, and keep a new one."""
    return kept(request, None) if request.method == "POST" else page(request)


@lead_required
@require_POST
def file_pattern(request: PortalRequest, pk: int) -> HttpResponse:
    """Change a pattern, or with `act=forget` remove it."""
    pattern = get_object_or_404(FilePattern, pk=pk)
    if request.POST.get("act") != "forget":
        return kept(request, pattern)
    actions.forget(pattern)
    messages.success(request, f"Removed: {pattern.name}.")
    return redirect("file_patterns")


def kept(request: PortalRequest, pattern: FilePattern | None) -> HttpResponse:
    """Write what the form says, or show what is wrong with it."""
    form = FilePatternForm(request.POST, prefix=prefix_of(pattern), auto_id=f"id_{prefix_of(pattern)}_%s")
    if not form.is_valid():
        return page(request, wrong=form)
    said = form.cleaned_data
    actions.keep(pattern, team=said["team"], name=said["name"], text=said["pattern"], position=said["position"] or 0)
    messages.success(request, f"Kept: {said['name']}.")
    return redirect("file_patterns")


def prefix_of(pattern: FilePattern | None) -> str:
    """Return what the fields of a pattern's form begin with."""
    return f"p{pattern.pk}" if pattern else "new"


def page(request: PortalRequest, wrong: FilePatternForm | None = None) -> HttpResponse:
    """Render the page, with the one form that is wrong, if any."""

    def form_of(pattern: FilePattern | None) -> FilePatternForm:
        prefix = prefix_of(pattern)
        if wrong is not None and wrong.prefix == prefix:
            return wrong
        names = ("name", "team", "pattern", "position")
        initial = {name: getattr(pattern, name) for name in names} if pattern else {}
        return FilePatternForm(prefix=prefix, auto_id=f"id_{prefix}_%s", initial=initial)

    rows = [(pattern, form_of(pattern)) for pattern in FilePattern.objects.all()]
    context = {"rows": rows, "new": form_of(None), "teams": standings.teams()}
    return render(request, "recordings/patterns.html", context, status=422 if wrong else 200)
