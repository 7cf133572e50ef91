"""Contacts: the list, and one time line of all their calls, whoever of ours spoke."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from callcov_portal import hiding
from callcov_portal.models import CallTally, Contact, Finding, Outcome, Recording, State
from callcov_portal.models.branches import Branch, Condition, Rows, equal
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

SORTS = ("last", "name")


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
    """List the contacts who have calls, who called last first or by their identifiers; unknown contacts are in no row.

    Numbers are counted for the contacts of the page alone, so the page costs the same however many there are.
    """
    text = clean(request, "text", IDENTIFIER_LENGTH)
    sort = "name" if text or request.GET.get("sort") == "name" else "last"
    people, earlier, later = by_name(text, request.GET) if sort == "name" else by_last_call(request.GET)
    numbers, flags = numbers_of(people), flags_of(people)
    rows = [(person, numbers[person.pk], flags.get(person.pk, {})) for person in people if person.pk in numbers]
    context = {"text": text, "sort": sort, "rows": rows, "earlier": earlier, "later": later}
    return render_page(request, "contacts/list.html", "contacts/_list.html", context)


Listed = tuple[list[Contact], str, str]
"""Contacts of one page, and the query strings of the pages before and after it, "" where there is none."""


def by_last_call(parameters: QueryDict) -> Listed:
    """Return the contacts in the order of their last calls, the newest first: those calls are walked, newest first."""
    page = page_of([Branch((Condition(last_of_contact, "contact", ()),))], parameters, PAGE_SIZE)
    numbers = Recording.objects.filter(pk__in=page.numbers).newest_first().values_list("contact", flat=True)
    found = Contact.objects.in_bulk(filter(None, numbers))
    people = [found[number] for number in numbers if number in found]
    places = (("after", page.newer), ("before", page.older))
    earlier, later = (urlencode({name: cursor}) if cursor else "" for name, cursor in places)
    return people, earlier, later


def last_of_contact(calls: Rows, column: str, _values: Sequence[object]) -> Rows:
    """Return the calls after which their contacts had no other."""
    of_contact = Recording.objects.filter(**{column: OuterRef(column)}).order_by()
    same_time = Q(called_at=OuterRef("called_at"), pk__gt=OuterRef("pk"))
    newer = of_contact.filter(Q(called_at__gt=OuterRef("called_at")) | same_time)
    return calls.filter(~Exists(newer), contact__isnull=False)


def by_name(text: str, parameters: QueryDict) -> Listed:
    """Return the contacts in the order of their identifiers, from `?from=` on or down to `?to=`, as the page before says."""
    with_calls = Exists(Recording.objects.filter(contact=OuterRef("pk")).order_by())
    found: QuerySet[Any] = matching(Contact.objects.filter(with_calls), text)
    first, last = parameters.get("from", ""), parameters.get("to", "")
    if last:
        people = list(found.filter(key__lt=last).order_by("-key")[: PAGE_SIZE + 1])
        is_more, people = len(people) > PAGE_SIZE, people[:PAGE_SIZE][::-1]
        has_earlier, has_later = is_more, True
    else:
        people = list(found.filter(key__gt=first).order_by("key")[: PAGE_SIZE + 1])
        has_earlier, has_later = bool(first), len(people) > PAGE_SIZE
        people = people[:PAGE_SIZE]
    ends = (("to", people[0].key, has_earlier), ("from", people[-1].key, has_later)) if people else ()
    earlier, later = (urlencode({name: key}) if is_there else "" for name, key, is_there in ends) if ends else ("", "")
    return people, earlier, later


def numbers_of(people: Sequence[Contact]) -> dict[int, dict[str, Any]]:
    """Return how many calls each contact has, how many of them are analysed, and when the last was; one query."""
    rows = Recording.objects.filter(contact__in=[person.pk for person in people]).order_by().values("contact")
    analysed = Count("pk", filter=Q(state=State.COMPLETED))
    found = rows.annotate(calls=Count("pk"), analysed=analysed, last_call=Max("called_at"))
    return {row["contact"]: dict(row) for row in found}


def flags_of(people: Sequence[Contact]) -> dict[int, dict[str, int]]:
    """Return in how many calls of each contact anything was violated or omitted; one query."""
    contacts = [person.pk for person in people]
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
    branches = [Branch((equal("contact", person.pk),))]
    page = page_of(branches, request.GET)
    shown = list(calls.filter(pk__in=page.numbers).newest_first())
    context = {
        "person": person,
        "kind": "contact",
        "page": page,
        "events": events_of(shown, before=older_than(calls, shown)),
        "count": capped_count(branches, page),
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
