"""Contacts: the list, and one time line of all their calls, whoever of ours spoke."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from callcov_portal import hiding
from callcov_portal.models import CallTally, Contact, Finding, Outcome, Recording, State
from callcov_portal.models.people import IDENTIFIER_LENGTH
from callcov_portal.views.agents import clean
from callcov_portal.views.clips import Clip, clip, hiders_of
from callcov_portal.views.paging import capped_count, page_of
from callcov_portal.views.people import matching
from callcov_portal.views.rendering import PortalRequest, render_page

PAGE_SIZE = 50
REPEAT_WITHIN = timedelta(days=7)
PROMISE = "quality.promise"
TOLD = (Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD)

SORTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "name": ("Contact", ("key",)),
    "calls": ("Calls", (F("calls").desc(), "key")),
    "last": ("Last call", (F("last_call").desc(), "key")),
}


@dataclass(frozen=True)
class Event:
    """One call on the time line. `since_last` is set where the contact called again within a week."""

    call: Recording
    since_last: timedelta | None
    findings: list[Finding] = field(default_factory=list)
    promises: list[Clip] = field(default_factory=list)

    @property
    def days(self) -> str:
        """The time since the contact's call before, in words."""
        passed = self.since_last or timedelta()
        hours = round(passed.total_seconds() / 3600)
        if hours < 24:
            return f"{max(1, hours)} h"
        return "1 day" if passed.days == 1 else f"{passed.days} days"


@require_safe
def contacts(request: PortalRequest) -> HttpResponse:
    """List the contacts who have calls; calls of unknown contacts are in no row."""
    text = clean(request, "text", IDENTIFIER_LENGTH)
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else "calls"
    found: QuerySet[Any] = Contact.objects.annotate(
        calls=Count("recordings"),
        analysed=Count("recordings", filter=Q(recordings__state=State.COMPLETED)),
        last_call=Max("recordings__called_at"),
    ).filter(calls__gt=0)
    page = Paginator(matching(found, text).order_by(*SORTS[sort][1]), PAGE_SIZE).get_page(request.GET.get("page"))
    people = list(page.object_list)
    flags = flags_of([person.pk for person in people])
    rows = [(person, flags.get(person.pk, {})) for person in people]
    context = {"text": text, "sort": sort, "page": page, "rows": rows}
    return render_page(request, "contacts/list.html", "contacts/_list.html", context)


def flags_of(contacts: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return in how many calls of each contact anything was violated or omitted; one query."""
    rows = CallTally.objects.filter(recording__contact__in=contacts).order_by().values("recording__contact")
    found = rows.annotate(bad=Sum("violated"), left_out=Sum("omitted"))
    return {row["recording__contact"]: {"violated": row["bad"], "omitted": row["left_out"]} for row in found}


@require_safe
def contact(request: PortalRequest, pk: int) -> HttpResponse:
    """Show all calls of one contact on one time line, newest first, with what was found and what was promised."""
    person = get_object_or_404(Contact, pk=pk)
    if person.merged_into_id is not None:
        return redirect("contact", person.merged_into_id)
    calls = Recording.objects.with_people().filter(contact=person)
    page = page_of(calls, request.GET)
    shown = list(calls.filter(pk__in=page.numbers).newest_first())
    context = {
        "person": person,
        "kind": "contact",
        "page": page,
        "events": events_of(shown, before=older_than(calls, shown)),
        "count": capped_count(calls),
        "agents": calls.order_by().values("agent").distinct().count(),
        "behind": urlencode({"contact": person.identifier}),
        "aliases": list(person.aliases.order_by("key")),
    }
    return render(request, "contacts/contact.html", context)


def older_than(calls: QuerySet[Recording], shown: Sequence[Recording]) -> Recording | None:
    """Return the call right before those that are shown."""
    if not shown:
        return None
    last = shown[-1]
    older = Q(called_at__lte=last.called_at) & (Q(called_at__lt=last.called_at) | Q(pk__lt=last.pk))
    return calls.filter(older).order_by("-called_at", "-pk").first()


def events_of(shown: Sequence[Recording], before: Recording | None) -> list[Event]:
    """Return the calls as events, newest first as they come; two queries."""
    analyses = [
        call.current_analysis_id for call in shown if call.current_analysis_id and call.state == State.COMPLETED
    ]
    hiders = hiders_of(analyses)
    told = Q(outcome__in=TOLD) | Q(check_id=PROMISE, outcome=Outcome.MET)
    findings = Finding.objects.filter(told, analysis__in=analyses).order_by("analysis", "position")
    earlier = [*shown[1:], before]
    events = {
        call.current_analysis_id or call.pk: Event(call, gap(call, previous))
        for call, previous in zip(shown, earlier, strict=False)
    }
    for finding in findings:
        event = events[finding.analysis_id]
        if finding.check_id == PROMISE:
            event.promises.extend(promises_of(event.call, finding, hiders.get(finding.analysis_id, hiding.Hider(()))))
        else:
            event.findings.append(finding)
    return list(events.values())


def promises_of(call: Recording, finding: Finding, hider: hiding.Hider) -> Iterator[Clip]:
    """Yield what was promised: the finding's own words, and those of its further places."""
    yield clip(call, finding, hider)
    for place in finding.also or []:
        words = {"quote": place.get("quote") or "", "start": place.get("start"), "end": place.get("end")}
        yield clip(call, Finding(check_id=finding.check_id, outcome=finding.outcome, **words), hider)


def gap(call: Recording, previous: Recording | None) -> timedelta | None:
    """Return the time since the contact's call before, if it is a week at most: they had to call again."""
    if previous is None:
        return None
    passed = call.called_at - previous.called_at
    return passed if passed <= REPEAT_WITHIN else None
