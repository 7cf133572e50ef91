"""The page Exports: what to export and how, what was made, and what is made again and again."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callcov_portal import choosing, tasks
from callcov_portal.actions import exporting, scheduling
from callcov_portal.exports import CSV, FORMATS, TABLES, NotPossible, Table, Wish, wish_for
from callcov_portal.filters import CallFilter
from callcov_portal.forms import ScheduleForm
from callcov_portal.models import ColumnChoice, Every, Export, Schedule, User
from callcov_portal.views.exports import seen_or_404
from callcov_portal.views.listening import refuse_unless_may_unmask
from callcov_portal.views.rendering import PortalRequest, wants_partial

SHOWN = 50
STREAMED_BY = {"csv": "export", "jsonl": "export_jsonl"}
STEPS = {"up": -1, "down": 1}


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PortalRequest) -> HttpResponse:
    """Show what can be exported of the calls that the URL's filters choose (`table`, `format`), and what was.

    A POST does what the button `act` says: download, make, schedule, keep the columns (also without a button),
    move one.
    """
    return ordered(request) if request.method == "POST" else shown(request)


def shown(
    request: PortalRequest, wish: Wish | None = None, problem: str = "", schedule: ScheduleForm | None = None
) -> HttpResponse:
    """Render the page for a wish, or for what the URL and the user's last choice of columns say; a problem is a 422."""
    if wish is None:
        wish, problem = asked(request.GET, request.user)
    words = Words()
    schedules = Schedule.objects.seen_by(request.user).select_related("user").order_by("next_at")
    context = {
        "wish": wish,
        "tables": [(table, query_for(table, wish)) for table in TABLES.values()],
        "formats": FORMATS.values(),
        "told": words.of(wish.filters),
        "problem": problem,
        "schedule_form": schedule or ScheduleForm(initial={"every": Every.DAY, "hour": 6}),
        "is_scheduling": schedule is not None,
        "schedules": [(one, words.sentence(one.filters)) for one in schedules[:SHOWN]],
        "query": query_for(wish.table, wish),
        **columns_context(wish),
        **made_context(request.user),
    }
    return render(request, "exports/page.html", context, status=422 if problem else 200)


def asked(parameters: QueryDict, user: User) -> tuple[Wish, str]:
    """Return the wish that a URL says with the columns that the user chose last, and what is wrong with it, or ""."""
    table = TABLES.get(parameters.get("table", "calls"))
    if table is None:
        raise Http404("There is no such table to export.")
    form = FORMATS.get(parameters.get("format", CSV.name), CSV)
    chosen = ColumnChoice.objects.filter(user=user, table=table.name).values_list("columns", flat=True).first()
    known = [key for key in chosen or [] if key in {column.key for column in table.columns}]
    wish = Wish(table, table.named(known), form).of(choosing.filters_of(parameters))
    try:
        choosing.calls_of(wish.filters)
    except NotPossible as refusal:
        return wish, str(refusal)
    return wish, ""


def query_for(table: Table, wish: Wish) -> str:
    """Return the query string of this page for a table of the same calls."""
    return "&".join(filter(None, (urlencode({"table": table.name, "format": wish.format.name}), wish.filters)))


def columns_context(wish: Wish) -> dict[str, Any]:
    """Return what `exports/_columns.html` shows: the chosen columns in their order, then the others."""
    others = [column for column in wish.table.columns if column not in wish.columns]
    return {"wish": wish, "others": others, "last": wish.columns[-1].key, "first": wish.columns[0].key}


def made_context(user: User) -> dict[str, Any]:
    """Return what `exports/_made.html` shows; a constant number of queries."""
    words = Words()
    rows = Export.objects.seen_by(user).select_related("user", "schedule").defer("manifest")[:SHOWN]
    made = [(export, words.sentence(export.filters)) for export in rows]
    return {"made": made, "is_live": any(not export.is_finished for export, _ in made), "shown": SHOWN}


class Words:
    """Filters as people read them. Made once for a page: every form of filters costs a millisecond."""

    def __init__(self) -> None:
        self.fields = {
            name: (str(field.label), {str(value): str(label) for value, label in getattr(field, "choices", ())})
            for name, field in CallFilter(QueryDict()).fields.items()
        }

    def of(self, query: str) -> list[tuple[str, str]]:
        """Return label and value of each filter of a query string."""
        told = []
        for name, values in QueryDict(query).lists():
            label, words = self.fields.get(name, (name, {}))
            told.append((label, ", ".join(words.get(str(value), str(value)) for value in values)))
        return told

    def sentence(self, query: str) -> str:
        """Return the same in one line."""
        return "; ".join(f"{label}: {value}" for label, value in self.of(query))


@require_safe
def count(request: PortalRequest) -> HttpResponse:
    """Count the rows of a table exactly; the page asks for it when it is there, because counting may take seconds."""
    wish, problem = asked(request.GET, request.user)
    rows = None if problem else wish.table.counted(choosing.calls_of(wish.filters))
    context = {"wish": wish, "rows": rows, "problem": problem, "query": query_for(wish.table, wish)}
    template = "exports/_count.html" if wants_partial(request) else "exports/count.html"
    return render(request, template, context, status=422 if problem else 200)


@require_safe
def made(request: PortalRequest) -> HttpResponse:
    """Show the list of exports as it is now."""
    if not wants_partial(request):
        return redirect("exports")
    return render(request, "exports/_made.html", made_context(request.user))


def ordered(request: PortalRequest) -> HttpResponse:
    """Do what the button says."""
    act, _, key = request.POST.get("act", "columns").partition(":")
    if request.POST.get("unmasked") == "1":
        refuse_unless_may_unmask(request.user)
    try:
        wish = posted(request.POST)
        choosing.calls_of(wish.filters)
    except NotPossible as refusal:
        wish, _problem = asked(QueryDict(request.POST.get("query", "")), request.user)
        return shown(request, wish, str(refusal))
    if act in STEPS or act == "columns":
        return columns_chosen(request, moved(wish, key, STEPS.get(act, 0)))
    exporting.keep_columns(request.user, wish)
    if act == "schedule":
        return scheduled(request, wish)
    if act == "download" and wish.format.streams:
        return redirect(f"{reverse(STREAMED_BY[wish.format.name], args=[wish.table.name])}?{download_query(wish)}")
    export = exporting.order(wish, request.user)
    tasks.ring_chore("exporting", export.pk)
    messages.success(request, f"{wish.format.label} is made in the background; it appears below.")
    return redirect(f"{reverse('exports')}?{query_for(wish.table, wish)}#made")


def posted(parameters: QueryDict) -> Wish:
    """Return the wish that the form says; raises `NotPossible`."""
    columns, query = parameters.getlist("col"), QueryDict(parameters.get("query", ""))
    wish = wish_for(
        parameters.get("table", ""),
        parameters.get("format", ""),
        columns,
        mark=parameters.get("mark") == "1",
        unmasked=parameters.get("unmasked") == "1",
    )
    if not columns and parameters.get("act", "columns") != "columns":
        raise NotPossible("No column is chosen. Tick at least one.")
    return wish.of(choosing.filters_of(query))


def download_query(wish: Wish) -> str:
    """Return the query string of the download, by which a script gets the same."""
    asked_for = [("col", key) for key in wish.keys] if wish.columns != wish.table.columns else []
    asked_for += [("bom", "1")] if wish.mark else []
    asked_for += [("unmasked", "1")] if wish.unmasked else []
    return "&".join(filter(None, (wish.filters, urlencode(asked_for))))


def moved(wish: Wish, key: str, step: int) -> Wish:
    """Return the wish with one of its columns a place further, as far as there is one."""
    keys = wish.keys
    if key in keys:
        at = keys.index(key)
        keys.insert(min(max(at + step, 0), len(keys) - 1), keys.pop(at))
    return Wish(wish.table, wish.table.named(keys), wish.format, wish.filters, wish.mark, wish.unmasked)


def columns_chosen(request: PortalRequest, wish: Wish) -> HttpResponse:
    """Keep the columns for the next time, and show them."""
    exporting.keep_columns(request.user, wish)
    if wants_partial(request):
        return render(request, "exports/_columns.html", columns_context(wish))
    return redirect(f"{reverse('exports')}?{query_for(wish.table, wish)}#columns")


def scheduled(request: PortalRequest, wish: Wish) -> HttpResponse:
    """Keep a schedule, if its form can be read and the user may have it."""
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return shown(request, wish, "The schedule cannot be read.", form)
    if wish.unmasked:
        return shown(request, wish, "Scheduled exports are always masked: untick “with sensitive data”.", form)
    try:
        added = scheduling.add(wish, request.user, **form.cleaned_data)
    except scheduling.NotAllowed as refusal:
        return shown(request, wish, str(refusal), form)
    messages.success(request, f"Scheduled {added.when_words}.")
    return redirect(f"{reverse('exports')}#schedules")


@require_POST
def export_act(request: PortalRequest, pk: int, act: str) -> HttpResponse:
    """Make a failed export again, or delete one with its file. The second time nothing more happens."""
    export = seen_or_404(request.user, pk)
    if act == "retry":
        if export.unmasked:
            refuse_unless_may_unmask(request.user)
        if exporting.retry(export):
            tasks.ring_chore("exporting", export.pk)
    elif act == "delete":
        exporting.remove(export, request.user)
    else:
        raise Http404("An export can be made again or deleted.")
    if wants_partial(request):
        return render(request, "exports/_made.html", made_context(request.user))
    return redirect(f"{reverse('exports')}#made")


@require_POST
def schedule_end(request: PortalRequest, pk: int) -> HttpResponse:
    """End a schedule; the exports that it made stay."""
    seen: QuerySet[Schedule] = Schedule.objects.seen_by(request.user)
    scheduling.remove(get_object_or_404(seen, pk=pk), request.user)
    messages.success(request, "The schedule has ended. What it made stays until its time is over.")
    return redirect(f"{reverse('exports')}#schedules")
