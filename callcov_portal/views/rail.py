"""The filters beside the list: how many calls each choice has, and the days that people ask for most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import cast

from django import forms
from django.db.models import Value
from django.http import QueryDict
from django.utils import timezone

from callcov_portal.filters import DIRECTIONS, UNKNOWN_DIRECTION, VERDICTS, CallFilter
from callcov_portal.markup import Piece
from callcov_portal.models import Agent, Failure, Outcome, State, User
from callcov_portal.models.prepared import Prepared, prepared
from callcov_portal.models.selection import CAP, Choice, capped_counts
from callcov_portal.views.believing import Believed
from callcov_portal.views.listing import clean_query

MOST_NAMES = 200
COUNTED_BOX = Piece('{} <span class="n">{}</span>')
MANY = Believed()  # choices with more than `CAP` calls

# What is counted of each filter: its choices, and the calls behind each.
COUNTED: dict[str, dict[str, Choice]] = {
    "state": {state: Choice("state", (state.value,)) for state in State},
    "failure": {failure: Choice("failure", (failure.value,)) for failure in Failure},
    "reviewed": {"no": Choice("verdict", ("",)), **{verdict: Choice("verdict", (verdict,)) for verdict in VERDICTS}},
    "outcome": {
        outcome: Choice(f"is_{outcome.value}", (True,))
        for outcome in (Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD)
    },
    "direction": {word: Choice("direction", ("" if word == UNKNOWN_DIRECTION else word,)) for word, _ in DIRECTIONS},
}


@dataclass(frozen=True)
class Preset:
    """Some days that are asked for often."""

    label: str
    query: str
    is_here: bool


def show_counts(filters: CallFilter) -> None:
    """Write beside each choice of the form how many calls there are of it, over all calls; one query.

    Counts stop at a thousand, each is read from the index that the choice has.
    """
    asked = [(name, word, choice) for name, choices in COUNTED.items() for word, choice in choices.items()]
    counts = counted([choice for _, _, choice in asked])
    by_filter: dict[str, dict[str, int]] = {}
    for (name, word, _), count in zip(asked, counts, strict=True):
        by_filter.setdefault(name, {})[word] = count
    by_filter["reviewed"]["yes"] = min(sum(by_filter["reviewed"][verdict] for verdict in VERDICTS), CAP + 1)
    for name, found in by_filter.items():
        field = cast("forms.ChoiceField", filters.fields[name])
        is_boxes = isinstance(field.widget, forms.CheckboxSelectMultiple)
        choices = cast("list[tuple[str, str]]", field.choices)
        field.widget.choices = [(word, labelled(label, found.get(word), is_boxes=is_boxes)) for word, label in choices]


def counted(choices: Sequence[Choice]) -> list[int]:
    """Return how many calls there are of each choice, `CAP + 1` of those with more.

    Where there are more, that is believed for a minute: to count a thousand again for each page costs more than its rows.
    """
    unknown = [choice for choice in choices if choice not in MANY]
    found = dict(zip(unknown, capped_counts(unknown), strict=True))
    for choice, count in found.items():
        if count > CAP:
            MANY.add(choice)
    return [found.get(choice, CAP + 1) for choice in choices]


def labelled(label: str, count: int | None, *, is_boxes: bool) -> str:
    """Write a choice with its count: beside the label where there is room for marks, else behind it."""
    if count is None:
        return label
    number = f"{CAP:,}+" if count > CAP else f"{count:,}"
    return COUNTED_BOX(label, number) if is_boxes else f"{label} · {number}"


def offer_names(filters: CallFilter) -> None:
    """Let the form offer the teams, and who may have added calls; one query."""
    found = sorted(names().rows())
    for field, nothing in (("team", "Any"), ("uploaded_by", "Anybody")):
        offer(filters, field, nothing, [name for what, name in found if what == field][:MOST_NAMES])


def offer(filters: CallFilter, field: str, nothing: str, names: Sequence[str]) -> None:
    """Let a field that takes a text be a choice of these names, and of the one that is in the URL."""
    typed = filters.data.get(field, "")
    others = [typed] if typed and typed not in names else []
    choices = [("", nothing), *((name, name) for name in [*others, *names])]
    filters.fields[field].widget = forms.Select(choices=choices)


@lru_cache(maxsize=1)
def names() -> Prepared:
    """Return the query of the names, each with the filter that takes it."""
    teams = Agent.objects.exclude(team="").order_by().values_list(Value("team"), "team")
    users = User.objects.order_by().values_list(Value("uploaded_by"), "username")
    return prepared(teams.union(users))


def presets(parameters: QueryDict, today: date | None = None) -> Sequence[Preset]:
    """Return the days that are asked for most; all other filters stay as they are."""
    today = today or timezone.localdate()
    rest = clean_query(parameters, without=("before", "after", "since", "until"))
    here = (parameters.get("since", ""), parameters.get("until", ""))
    spans = [
        ("Today", today),
        ("7 days", today - timedelta(days=6)),
        ("30 days", today - timedelta(days=29)),
        ("This month", today.replace(day=1)),
    ]
    found = [Preset("Any", rest, here == ("", ""))]
    for label, first in spans:
        query = "&".join(filter(None, (rest, f"since={first.isoformat()}")))
        found.append(Preset(label, query, here == (first.isoformat(), "")))
    return found
