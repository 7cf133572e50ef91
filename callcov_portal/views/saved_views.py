"""What a user keeps of the list of calls: views under a name, and which columns are shown."""

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from callcov_portal.actions import saving
from callcov_portal.list_forms import SavedViewForm
from callcov_portal.models import SavedView
from callcov_portal.views.columns import BY_KEY, COLUMNS, columns_of
from callcov_portal.views.rendering import PortalRequest, render_page


def address_of(query: str) -> str:
    """Return where the list with these filters is."""
    return f"{reverse('calls')}?{query}" if query else reverse("calls")


@require_http_methods(["GET", "HEAD", "POST"])
def saved_views(request: PortalRequest) -> HttpResponse:
    """List the views that the user may change; keep the filters that are sent under a name, 422 if that cannot be."""
    form = SavedViewForm(
        request.POST if request.method == "POST" else None, initial={"query": request.GET.get("query", "")}
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            view = saving.save_view(request.user, given["name"], given["query"], is_shared=given["is_shared"])
        except saving.NotSaved as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Saved as {view.name}.")
            return redirect(address_of(view.query))
    views = SavedView.objects.changed_by(request.user).select_related("owner").order_by("name", "pk")
    context = {"views": views, "form": form, "is_wrong": bool(form.errors)}
    return render(request, "recordings/views.html", context, status=422 if form.errors else 200)


@require_POST
def saved_view_change(request: PortalRequest, pk: int) -> HttpResponse:
    """Rename a view, and share it or not."""
    view = get_object_or_404(SavedView.objects.changed_by(request.user), pk=pk)
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("saved_views")
    try:
        saving.change_view(view, request.user, form.cleaned_data["name"], is_shared=form.cleaned_data["is_shared"])
        messages.success(request, "Saved.")
    except saving.NotSaved as refusal:
        messages.error(request, str(refusal))
    return redirect("saved_views")


@require_POST
def saved_view_delete(request: PortalRequest, pk: int) -> HttpResponse:
    """Delete a view; the calls in it stay. Twice is no error."""
    SavedView.objects.changed_by(request.user).filter(pk=pk).delete()
    return redirect("saved_views")


@require_http_methods(["GET", "HEAD", "POST"])
def call_columns(request: PortalRequest) -> HttpResponse:
    """Show and keep which columns the list has, in which order; each button keeps what is ticked as well."""
    if request.method == "POST":
        saving.keep_columns(request.user, wanted_columns(request.POST))
    shown = columns_of(request.user.call_columns)
    context = {"shown": shown, "hidden": [column for column in COLUMNS if column not in shown]}
    return render_page(request, "recordings/columns.html", "recordings/_columns.html", context)


def wanted_columns(sent: QueryDict) -> list[str]:
    """Return the keys of the columns that are ticked, in the order sent, one of them moved; [] for the usual ones."""
    if "usual" in sent:
        return []
    ticked = set(sent.getlist("shown"))
    keys = [key for key in dict.fromkeys(sent.getlist("order")) if key in BY_KEY]
    keys = [key for key in keys if key in ticked or BY_KEY[key].is_fixed]
    direction, _, key = sent.get("move", "").partition(":")
    if key in keys:
        at = keys.index(key)
        keys.insert(max(0, at + (-1 if direction == "up" else 1)), keys.pop(at))
    return keys
