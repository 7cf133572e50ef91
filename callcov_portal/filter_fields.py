"""The kinds of fields that filters have; all of them may be left empty."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

MOST_NUMBERS = 500  # calls that a URL may name one by one
LONGEST_MINUTES = 10_000


class DayInput(forms.DateInput):
    """The browser's own picker of a date."""

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"type": "date"})


class NumbersField(forms.Field):
    """Calls named one by one, by their numbers."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[int]:
        """Return the numbers; raises `ValidationError` for what is none, and for too many."""
        words = [str(word) for word in value or []]
        if len(words) > MOST_NUMBERS:
            raise ValidationError(f"At most {MOST_NUMBERS} calls can be named one by one.")
        if not all(word.isdecimal() and len(word) < 19 for word in words):
            raise ValidationError("Calls are named by their numbers.")
        return [int(word) for word in words]


def some_text(label: str, longest: int, widget: forms.Widget | None = None, help_text: str = "") -> forms.CharField:
    """Return a field that takes a text."""
    return forms.CharField(label=label, max_length=longest, widget=widget, help_text=help_text, required=False)


class Shared(forms.Widget):
    """A widget whose choices all forms share, since Django copies each of them for each form; others are set, not added."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Shared":
        own = copy(self)
        own.attrs = self.attrs.copy()
        memo[id(self)] = own
        return own


class SharedSelect(Shared, forms.Select):
    """A select."""


class SharedBoxes(Shared, forms.CheckboxSelectMultiple):
    """Boxes beside each other."""


class OneOf(forms.ChoiceField):
    """A choice among what is the same in all forms."""

    widget: type[forms.widgets.ChoiceWidget] = SharedSelect

    def __deepcopy__(self, memo: dict[int, Any]) -> "OneOf":
        return forms.Field.__deepcopy__(self, memo)


class SomeOf(OneOf, forms.MultipleChoiceField):
    """Several choices among what is the same in all forms."""

    widget = SharedBoxes


def one(label: str, choices: Sequence[tuple[str, str]]) -> OneOf:
    """Return a field that takes one of these, or any."""
    return OneOf(label=label, choices=[("", "Any"), *choices], required=False)


def minutes(label: str) -> forms.DecimalField:
    """Return a field that takes minutes."""
    widget = forms.NumberInput(attrs={"inputmode": "decimal", "step": "any", "min": "0"})
    return forms.DecimalField(label=label, min_value=0, max_value=LONGEST_MINUTES, widget=widget, required=False)
