"""Agents and contacts: lists, and a page for each."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from callcov_portal.filters import CallFilter
from callcov_portal.models import Agent, Contact, Recording
from callcov_portal.models.people import IDENTIFIER_LENGTH, key_of
from callcov_portal.models.rates import check_rates, totals, with_calls, with_rates
from callcov_portal.views.listing import list_context
from callcov_portal.views.rendering import PortalRequest, render_page

PAGE_SIZE = 50


@dataclass(frozen=True)
class Side:
    """One of the two sides of a call. `word` is also the filter of the list of calls and the name of the page."""

    people: type[Agent] | type[Contact]
    word: str
    words: str


@dataclass(frozen=True)
class Sort:
    """One way to order a list of people."""

    key: str
    label: str
    order: tuple[Any, ...]
    needs_rates: bool = False


AGENTS = Side(Agent, "agent", "agents")
CONTACTS = Side(Contact, "contact", "contacts")

SORTS = (
    Sort("name", "", ("key",)),
    Sort("calls", "Calls", (F("calls").desc(), "key")),
    Sort("analysed", "Analysed", (F("analysed").desc(), "key")),
    Sort("violated", "With violations", (F("violated_rate").desc(nulls_last=True), "key"), needs_rates=True),
    Sort("omitted", "With omissions", (F("omitted_rate").desc(nulls_last=True), "key"), needs_rates=True),
    Sort("last", "Last call", (F("last_call").desc(), "key")),
)
DEFAULT_SORT = SORTS[1]


@require_safe
def agents(request: PortalRequest) -> HttpResponse:
    """List the agents who have calls."""
    return listed(request, AGENTS)


@require_safe
def contacts(request: PortalRequest) -> HttpResponse:
    """List the contacts who have calls; calls of unknown contacts are in no row."""
    return listed(request, CONTACTS)


@require_safe
def agent(request: PortalRequest, pk: int) -> HttpResponse:
    """Show one agent's calls, and how each check came out in them."""
    return person_page(request, AGENTS, pk)


@require_safe
def contact(request: PortalRequest, pk: int) -> HttpResponse:
    """Show one contact's calls over all agents, and how each check came out in them."""
    return person_page(request, CONTACTS, pk)


def listed(request: HttpRequest, side: Side) -> HttpResponse:
    """Render a page of a list of people, searched by `?text=` and ordered by `?sort=`."""
    text = request.GET.get("text", "").replace("\0", "").strip()[:IDENTIFIER_LENGTH]
    sort = next((sort for sort in SORTS if sort.key == request.GET.get("sort")), DEFAULT_SORT)
    found = with_calls(matching(side.people._default_manager.all(), text))
    ordered = (with_rates(found) if sort.needs_rates else found).order_by(*sort.order)
    page = Paginator(ordered, PAGE_SIZE).get_page(request.GET.get("page"))
    people = page.object_list if sort.needs_rates else add_rates(side, list(page.object_list))
    context = {"side": side, "text": text, "sort": sort, "sorts": SORTS, "page": page, "people": people}
    return render_page(request, "people/list.html", "people/_list.html", context)


def matching(people: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Return those whose identifier or name contains the text, without regard to case."""
    return people.filter(Q(key__contains=key_of(text)) | Q(name__icontains=text)) if text else people


def add_rates(side: Side, people: list[Any]) -> list[Any]:
    """Return the people of one page, in their order, with rates: these cost, so they are counted for the page alone."""
    everyone = side.people._default_manager.filter(pk__in=[person.pk for person in people])
    rated = {person.pk: person for person in with_rates(with_calls(everyone))}
    return [rated[person.pk] for person in people if person.pk in rated]


def person_page(request: HttpRequest, side: Side, pk: int) -> HttpResponse:
    """Render the page of one person; the days of the URL (`since`, `until`) hold for the list and for every number."""
    person = get_object_or_404(side.people, pk=pk)
    parameters = only(request.GET, "since", "until", "before", "after")
    filters = CallFilter(parameters, queryset=Recording.objects.with_people().filter(**{side.word: person}))
    is_valid = filters.is_valid()
    chosen = filters.qs if is_valid else Recording.objects.none()
    listed_calls = list_context(chosen, parameters)
    behind = "&".join(filter(None, (urlencode({side.word: person.identifier}), listed_calls["query"])))
    context = {
        **listed_calls,
        "side": side,
        "person": person,
        "filters": filters,
        "totals": totals(chosen),
        "rates": check_rates(chosen),
        # What every number's link carries: this person, and the days of this page.
        "behind": behind,
        "within": behind,
    }
    return render(request, "people/person.html", context, status=200 if is_valid else 422)


def only(parameters: QueryDict, *names: str) -> QueryDict:
    """Return the parameters of these names."""
    kept = QueryDict(mutable=True)
    for name in names:
        if name in parameters:
            kept.setlist(name, parameters.getlist(name))
    return kept
