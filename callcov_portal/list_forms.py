"""Forms of the list of calls: saved views, and acts on many calls. They judge and never write."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from callcov_portal.filter_fields import DayInput
from callcov_portal.filters import CallFilter
from callcov_portal.forms import EARLIEST_CALL, PersonInput, zone_name
from callcov_portal.models import BulkAct, Direction
from callcov_portal.models.people import IDENTIFIER_LENGTH
from callcov_portal.models.saved_view import NAME_LENGTH

MOST_HOURS = 24 * 366
EXPORT = "export"


class SavedViewForm(forms.Form):
    """A name for the filters of the list, and whether colleagues see it."""

    name = forms.CharField(max_length=NAME_LENGTH, error_messages={"required": "Enter a name for the view."})
    is_shared = forms.BooleanField(label="Shared with everybody", required=False)
    query = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def clean_query(self) -> str:
        """Return the filters without a page; they must be readable."""
        asked = QueryDict(self.cleaned_data["query"])
        if not CallFilter(asked).is_valid():
            raise ValidationError("These filters cannot be read. Set them again on the page of calls.")
        kept = QueryDict(mutable=True)
        for name in CallFilter.base_fields:
            if values := [value for value in asked.getlist(name) if value]:
                kept.setlist(name, values)
        return kept.urlencode()


class BulkForm(forms.Form):
    """Which act, and on which calls: those whose numbers are sent, or all that the filters choose."""

    act = forms.ChoiceField(
        choices=[*BulkAct.choices, (EXPORT, "Export as CSV")],
        error_messages={"required": "Choose what to do.", "invalid_choice": "That cannot be done with calls."},
    )
    all = forms.BooleanField(required=False)
    query = forms.CharField(required=False, strip=False)

    filters: CallFilter

    def clean(self) -> dict[str, Any]:
        """Find the calls that are meant: `filters` chooses them."""
        given = self.cleaned_data
        asked = QueryDict(given.get("query", ""), mutable=True)
        if not given.get("all"):
            numbers = self.data.getlist("call") if isinstance(self.data, QueryDict) else []
            if not numbers:
                raise ValidationError("No call is chosen: select some, or all that match.")
            asked = QueryDict(mutable=True)
            asked.setlist("call", numbers)
        self.filters = CallFilter(asked)
        if not self.filters.is_valid():
            raise ValidationError("The filters cannot be read. Set them again on the page of calls.")
        return given


class BulkCorrectionForm(forms.Form):
    """What is corrected on many calls; what is left empty stays as it is on each."""

    agent = forms.CharField(
        max_length=IDENTIFIER_LENGTH, required=False, widget=PersonInput("known_agents", "known-agents")
    )
    contact = forms.CharField(
        max_length=IDENTIFIER_LENGTH,
        required=False,
        widget=PersonInput("known_contacts", "known-contacts"),
        help_text="“unknown” takes the contact away.",
    )
    direction = forms.ChoiceField(choices=[("", "Stays"), *Direction.choices[1:]], required=False)
    day = forms.DateField(label="Day of the call", required=False, widget=DayInput())
    hours = forms.FloatField(
        label="Move the time by hours",
        required=False,
        min_value=-MOST_HOURS,
        max_value=MOST_HOURS,
        help_text="1 makes each call one hour later, -2 two hours earlier.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["day"].help_text = f"The time of day stays ({zone_name()} time)."

    def clean_day(self) -> str:
        """Return the day as ISO 8601, "" for none."""
        day: date | None = self.cleaned_data["day"]
        if day and not EARLIEST_CALL.date() <= day <= timezone.localdate() + timedelta(days=1):
            raise ValidationError("A call is made before it is added: check the date.")
        return day.isoformat() if day else ""

    def clean(self) -> dict[str, Any]:
        """Something must be corrected, and the time in one way."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        if not given and not self.errors:
            raise ValidationError("Nothing is entered: fill in what is to be corrected.")
        if "day" in given and "hours" in given:
            self.add_error("hours", "Set the day or move the time, not both.")
        return given
