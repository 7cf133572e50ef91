"""Which calls are shown: every filter stands in the URL."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from callcov_portal.filter_fields import DayInput, NumbersField, SomeOf, minutes, one, some_text
from callcov_portal.forms import PersonInput
from callcov_portal.models import (
    UNKNOWN_CONTACT,
    Agent,
    Batch,
    Contact,
    Direction,
    Failure,
    Outcome,
    Recording,
    State,
    User,
)
from callcov_portal.models.branches import Branch
from callcov_portal.models.matches import EARLIEST, LATEST, Scope
from callcov_portal.models.people import IDENTIFIER_LENGTH, TEAM_LENGTH, key_of
from callcov_portal.models.rates import ASSESSED, ASSESSED_OUTCOMES
from callcov_portal.models.selection import Choice, Selection, of_length
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

VERDICTS = ("pass", "coach", "fail")
UNKNOWN_DIRECTION = "unknown"
DIRECTIONS = [(direction.value or UNKNOWN_DIRECTION, direction.label) for direction in reversed(Direction)]

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


class CallFilter(forms.Form):
    """Which calls a list or an export shows; every filter is a parameter of the URL.

    Days are those of the portal's time zone, both ends included. `agent` and `contact` are whole identifiers, also old
    ones, without regard to case; `team` is that of the agent; what `text` finds says `models/lookup.py`. `check` is the id of a check that was assessed,
    `outcome` how it (or, without `check`, any) came out. `call` names calls one by one, `batch` is the id of a batch, `uploaded_by` is a user's name,
    `shortest` and `longest` are minutes.
    """

    text = some_text(
        "Find",
        200,
        forms.TextInput(attrs={"type": "search", "placeholder": "call, agent, contact, file…"}),
        "Number, part of an agent’s name, start of a contact’s or a file’s name, whole API id.",
    )
    call = NumbersField(label="Calls", required=False)
    batch = forms.UUIDField(label="Batch", required=False, widget=forms.HiddenInput)
    state = SomeOf(label="State", choices=State.choices, required=False)
    failure = one("Cause of failure", Failure.choices)
    reviewed = one("Review", REVIEWED)
    agent = some_text("Agent", IDENTIFIER_LENGTH, PersonInput("known_agents", "known-agents"))
    team = some_text("Team", TEAM_LENGTH)
    contact = some_text("Contact", IDENTIFIER_LENGTH, PersonInput("known_contacts", "known-contacts"))
    check = some_text("Check", 80, forms.HiddenInput())
    outcome = one("A check came out", OUTCOMES)
    since = forms.DateField(label="From", widget=DayInput(), required=False)
    until = forms.DateField(label="To", widget=DayInput(), required=False)
    shortest = minutes("Minutes from")
    longest = minutes("Minutes to")
    direction = one("Direction", DIRECTIONS)
    uploaded_by = some_text("Added by", 150)

    @property
    def qs(self) -> QuerySet[Recording]:
        """The calls that the URL chooses, in one query; the filters must be readable."""
        return self.selection.queryset(Recording.objects.all())

    @property
    def branches(self) -> list[Branch]:
        """The calls that the URL chooses, as a page of them is read; none if a filter cannot be read."""
        return self.selection.branches() if self.is_valid() else []

    @property
    def of_batch(self) -> Batch | None:
        """The batch whose calls alone are meant, if there is one."""
        pk = self.cleaned_data.get("batch") if self.is_valid() else None
        return Batch.objects.filter(pk=pk).first() if pk else None

    @property
    def is_cut(self) -> bool:
        """Whether the text fits more contacts than are looked at."""
        return self.is_valid() and bool(self.selection.text) and self.selection.found.more_contacts

    @cached_property
    def selection(self) -> Selection:
        """What the filters, which can be read, come to."""
        asked: dict[str, Any] = self.cleaned_data
        choices = chosen(asked)
        check, outcome = asked["check"], asked["outcome"]
        outcomes: tuple[str, ...] = ()
        if check or outcome in {ASSESSED, Outcome.MET}:
            outcomes = ASSESSED_OUTCOMES if outcome in {"", ASSESSED} else (outcome,)
        return Selection(
            choices=tuple(choice for choice in choices if choice),
            nothing=not all(choices),
            since=midnight(asked["since"]) if asked["since"] else None,
            until=midnight(asked["until"] + timedelta(days=1)) if (asked["until"] or date.max) < date.max else None,
            shortest=seconds_of(asked["shortest"]),
            longest=seconds_of(asked["longest"]),
            check=check,
            outcomes=outcomes,
            text=asked["text"],
            numbers=tuple(asked["call"]) or None,
        )


def chosen(asked: dict[str, Any]) -> list[Choice | None]:
    """Return the choices among columns, those first that mostly leave fewest calls; None where one names nobody."""
    choices = [*of_whom(asked)]
    if failure := asked["failure"]:
        choices.append(Choice("failure", (failure,)))
    outcome = asked["outcome"]
    if not asked["check"] and outcome in {Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD}:
        choices.append(Choice(f"is_{outcome}", (True,)))
    if (word := asked["reviewed"]) and word != "no":
        choices.append(Choice("verdict", VERDICTS if word == "yes" else (word,)))
    if asked["state"]:
        choices += of_state(asked)
    if direction := asked["direction"]:
        choices.append(Choice("direction", ("" if direction == UNKNOWN_DIRECTION else direction,)))
    if asked["shortest"] is not None or asked["longest"] is not None:
        choices.append(of_length(seconds_of(asked["shortest"]), seconds_of(asked["longest"])))
    if asked["reviewed"] == "no":
        choices.append(Choice("verdict", ("",)))
    return choices


def of_state(asked: dict[str, Any]) -> list[Choice | None]:
    """Return the choice of states. A cause of failure or an outcome tells the state, so beside it there is none, or nothing."""
    told = set(State)
    if asked["failure"]:
        told &= {State.FAILED}
    if asked["outcome"] or asked["check"]:
        told &= {State.COMPLETED}
    if told == set(State):
        return [Choice("state", tuple(asked["state"]))]
    return [] if told & set(asked["state"]) else [None]


def of_whom(asked: dict[str, Any]) -> Iterator[Choice | None]:
    """Yield the choices of people, and of what somebody added together."""
    if identifier := asked["contact"]:
        yield contact_named(key_of(identifier))
    if batch := asked["batch"]:
        yield Choice("batch", (batch,))
    if asked["agent"] or asked["team"]:
        yield agents_named(asked["agent"], asked["team"])
    if name := asked["uploaded_by"]:
        yield one_of("uploaded_by", User.objects.filter(username=name).values_list("pk", flat=True).first())


def contact_named(key: str) -> Choice | None:
    """Return the choice of one contact; calls of unknown contacts have none."""
    if key == UNKNOWN_CONTACT:
        return Choice("contact", (None,))
    return one_of("contact", Contact.objects.number_of(key))


def agents_named(identifier: str, team: str) -> Choice | None:
    """Return the choice of an agent, of those of a team, or of the agent if it is of the team."""
    one = one_of("agent", Agent.objects.number_of(identifier)) if identifier else None
    if not team or (identifier and not one):
        return one
    members = Agent.objects.filter(team=team, merged_into=None).order_by("pk").values_list("pk", flat=True)
    numbers = tuple(members.filter(pk__in=one.values) if one else members)
    return Choice("agent", numbers) if numbers else None


def one_of(column: str, number: int | None) -> Choice | None:
    """Return the choice of the one row that is named, or None if there is none."""
    return None if number is None else Choice(column, (number,))


def seconds_of(span: Decimal | None) -> float | None:
    """Return minutes as seconds."""
    return None if span is None else float(span) * 60


def scope_of(chosen: Mapping[str, Any]) -> Scope | None:
    """Return in which part of the index of spoken words the calls of these filters lie; None if there are none.

    It says no more than agent, contact and days: the other filters must look at the calls themselves.
    """
    facets = []
    if agent := chosen.get("agent"):
        pk = Agent.objects.number_of(agent)
        if pk is None:
            return None
        facets.append(agent_facet(pk))
    if contact := chosen.get("contact"):
        pk = Contact.objects.number_of(contact)
        if pk is None and key_of(contact) != UNKNOWN_CONTACT:
            return None
        facets.append(contact_facet(pk))
    since, until = chosen.get("since"), chosen.get("until")
    first = key_from(midnight(since)) if since else EARLIEST
    before = key_from(midnight(until + timedelta(days=1))) if until and until < date.max else LATEST
    return Scope(tuple(facets), first, before)
