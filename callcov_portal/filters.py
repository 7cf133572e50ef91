"""Which calls are shown: every filter stands in the URL."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from callcov_portal.forms import PersonInput
from callcov_portal.models import (
    UNKNOWN_CONTACT,
    Agent,
    Analysis,
    Contact,
    Failure,
    Outcome,
    Recording,
    State,
)
from callcov_portal.models.matches import EARLIEST, LATEST, Scope
from callcov_portal.models.people import IDENTIFIER_LENGTH, key_of
from callcov_portal.models.rates import ASSESSED, came_out
from callcov_portal.models.spoken import key_from
from callcov_portal.searching.facets import agent_facet, contact_facet

# The words that judgement writes into the column `verdict`, after those about reviews as such.
REVIEWED = [
    ("no", "Not reviewed"),
    ("yes", "Reviewed"),
    ("pass", "Pass"),
    ("coach", "Needs coaching"),
    ("fail", "Fail"),
]

OUTCOMES = [
    (ASSESSED, "Any, but assessed"),
    (Outcome.VIOLATED, "Violated"),
    (Outcome.OMITTED, "Omitted"),
    (Outcome.MET, "Met"),
    (Outcome.HEARD, "Heard"),
]


def midnight(day: date) -> datetime:
    """Return when a day begins in the portal's time zone; the first day of all begins with time itself."""
    try:
        return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)
    except OverflowError:  # east of Greenwich the first day begins before the year 1
        return datetime.min.replace(tzinfo=UTC)


class DayInput(forms.DateInput):
    """The browser's own picker of a date."""

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"type": "date"})


class CallFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Which calls a list or an export shows; every filter is a parameter of the URL.

    Days are those of the portal's time zone, both ends included. `agent` and `contact` are whole identifiers
    without regard to case; `text` is any part of a number, identifier, name, file name or the API's id.
    `check` is the id of a check that was assessed, `outcome` how it (or, without `check`, any) came out.
    """

    text = django_filters.CharFilter(
        method="by_text",
        label="Find",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "number, name, file, id"}),
    )
    state = django_filters.MultipleChoiceFilter(
        method="by_state",
        choices=State.choices,
        label="State",
        widget=forms.CheckboxSelectMultiple,
    )
    failure = django_filters.ChoiceFilter(
        field_name="current_analysis__failure", choices=Failure.choices, label="Cause of failure", empty_label="Any"
    )
    reviewed = django_filters.ChoiceFilter(method="by_review", choices=REVIEWED, label="Review", empty_label="Any")
    agent = django_filters.CharFilter(
        method="by_agent",
        label="Agent",
        max_length=IDENTIFIER_LENGTH,
        widget=PersonInput("known_agents", "known-agents"),
    )
    contact = django_filters.CharFilter(
        method="by_contact",
        label="Contact",
        max_length=IDENTIFIER_LENGTH,
        widget=PersonInput("known_contacts", "known-contacts"),
    )
    check = django_filters.CharFilter(method="by_check", label="Check", max_length=80, widget=forms.HiddenInput)
    outcome = django_filters.ChoiceFilter(
        method="by_outcome", choices=OUTCOMES, label="A check came out", empty_label="Any"
    )
    since = django_filters.DateFilter(method="by_first_day", label="From", widget=DayInput())
    until = django_filters.DateFilter(method="by_last_day", label="To", widget=DayInput())

    class Meta:
        model = Recording
        fields: list[str] = []

    def by_text(self, calls: QuerySet[Recording], _name: str, text: str) -> QuerySet[Recording]:
        named = Q(identifier__icontains=text) | Q(name__icontains=text)
        condition = (
            Q(file_name__icontains=text)
            | Q(link__icontains=text)
            | Q(agent__in=Agent.objects.filter(named))
            | Q(contact__in=Contact.objects.filter(named))
            | Q(Exists(Analysis.objects.filter(recording=OuterRef("pk"), external_id__icontains=text)))
        )
        number = text.strip().removeprefix("#")
        if number.isdecimal() and len(number) < 19:
            condition |= Q(pk=int(number))
        return calls.filter(condition)

    def by_state(self, calls: QuerySet[Recording], _name: str, states: list[str]) -> QuerySet[Recording]:
        if State.COMPLETED not in states:
            return calls.filter(current_analysis__state__in=states)
        # Nearly all are completed. Joined, SQLite begins with them and sorts them all to show fifty (600 ms of 100,000).
        return calls.filter(Exists(Analysis.objects.filter(pk=OuterRef("current_analysis"), state__in=states)))

    def by_agent(self, calls: QuerySet[Recording], _name: str, identifier: str) -> QuerySet[Recording]:
        return calls.filter(agent__key=key_of(identifier))

    def by_contact(self, calls: QuerySet[Recording], _name: str, identifier: str) -> QuerySet[Recording]:
        key = key_of(identifier)
        return calls.filter(contact=None) if key == UNKNOWN_CONTACT else calls.filter(contact__key=key)

    def by_check(self, calls: QuerySet[Recording], _name: str, check_id: str) -> QuerySet[Recording]:
        outcome = self.form.cleaned_data.get("outcome")
        return calls if outcome else calls.filter(came_out(ASSESSED, check_id))

    def by_outcome(self, calls: QuerySet[Recording], _name: str, outcome: str) -> QuerySet[Recording]:
        return calls.filter(came_out(outcome, self.form.cleaned_data.get("check", "")))

    def by_first_day(self, calls: QuerySet[Recording], _name: str, day: date) -> QuerySet[Recording]:
        return calls.filter(called_at__gte=midnight(day))

    def by_last_day(self, calls: QuerySet[Recording], _name: str, day: date) -> QuerySet[Recording]:
        return calls.filter(called_at__lt=midnight(day + timedelta(days=1))) if day < date.max else calls

    def by_review(self, calls: QuerySet[Recording], _name: str, word: str) -> QuerySet[Recording]:
        if word in {"no", "yes"}:
            return calls.filter(reviewed_at__isnull=word == "no")
        return calls.filter(verdict=word)


def scope_of(chosen: Mapping[str, Any]) -> Scope | None:
    """Return in which part of the index of spoken words the calls of these filters lie; None if there are none.

    It says no more than agent, contact and days: the other filters must look at the calls themselves.
    """
    facets = []
    if agent := chosen.get("agent"):
        pk = Agent.objects.named(agent).values_list("pk", flat=True).first()
        if pk is None:
            return None
        facets.append(agent_facet(pk))
    if contact := chosen.get("contact"):
        pk = Contact.objects.named(contact).values_list("pk", flat=True).first()
        if pk is None and key_of(contact) != UNKNOWN_CONTACT:
            return None
        facets.append(contact_facet(pk))
    since, until = chosen.get("since"), chosen.get("until")
    first = key_from(midnight(since)) if since else EARLIEST
    before = key_from(midnight(until + timedelta(days=1))) if until and until < date.max else LATEST
    return Scope(tuple(facets), first, before)
