"""Forms about manifests: the file or the links, what holds for rows that do not say, and which column is what."""

from collections.abc import Sequence
from typing import Any

from django import forms

from callcov_portal.forms import PersonInput
from callcov_portal.models import UNKNOWN_CONTACT, Direction
from callcov_portal.models.people import IDENTIFIER_LENGTH, key_of
from callcov_portal.reading import manifests
from callcov_portal.reading.manifests import Columns, Head
from callcov_portal.reading.tables import NotATable
from callcov_portal.uploads import ReceivedFile

LABELS = {
    "link": "Link",
    "agent": "Agent",
    "contact": "Contact",
    "called_at": "Time of the call",
    "time": "Time of day, if apart",
    "direction": "Direction",
    "duration": "Length",
}
ORDERS = [("", "not said"), ("day", "3/2/2026 is 3 February"), ("month", "3/2/2026 is 2 March")]


class GivenForm(forms.Form):
    """What holds for every row that does not say otherwise."""

    agent = forms.CharField(
        max_length=IDENTIFIER_LENGTH,
        required=False,
        widget=PersonInput("known_agents", "known-agents"),
        help_text="Of rows that name none.",
    )
    contact = forms.CharField(
        max_length=IDENTIFIER_LENGTH,
        required=False,
        widget=PersonInput("known_contacts", "known-contacts"),
        help_text="Of rows that name none. Empty: unknown.",
    )
    direction = forms.ChoiceField(choices=Direction, required=False, help_text="Of rows that do not say.")

    @property
    def given(self) -> dict[str, Any]:
        """What is said, once the form is valid."""
        return {name: self.cleaned_data[name] for name in ("agent", "contact", "direction")}

    def clean_contact(self) -> str:
        contact: str = self.cleaned_data["contact"]
        return "" if key_of(contact) == UNKNOWN_CONTACT else contact


class ManifestForm(GivenForm):
    """A table with links, or links alone. Once it is valid, `head` is what the table begins with, None of links."""

    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        label="Table",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,text/csv"}),
        help_text="CSV (UTF-8, UTF-16, or as Windows writes it; comma, semicolon or tab) or Excel (.xlsx); up to "
        f"{manifests.MOST_ROWS:,} rows.",
    )
    links = forms.CharField(
        required=False,
        label="Or links, one a line",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "placeholder": "https://…"}),
    )

    head: Head | None = None

    @property
    def received(self) -> ReceivedFile | None:
        """The file, if one was chosen."""
        file: ReceivedFile | None = self.cleaned_data.get("file")
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = self.received
        if "file" not in self.errors and bool(file) == bool(data.get("links", "").strip()):
            self.add_error("file", "Choose a table, or enter links: one of the two.")
        elif file:
            try:
                self.head = manifests.head_of(file.file)  # type: ignore[arg-type]
            except NotATable as error:
                self.add_error("file", str(error))
        return data


class ColumnsForm(GivenForm):
    """Which column of a manifest is what."""

    day_first = forms.ChoiceField(choices=ORDERS, required=False, label="Days with strokes")

    def __init__(self, names: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "– none –"), *((str(place), name) for place, name in enumerate(names))]
        for field, label in LABELS.items():
            entry = forms.ChoiceField(choices=choices, required=field == "link", label=label)
            entry.error_messages["required"] = "Say which column holds the links."
            self.fields[f"of_{field}"] = entry

    def of_columns(self) -> list[forms.BoundField]:
        """Return the fields that say which column is what."""
        return [self[f"of_{field}"] for field in LABELS] + [self["day_first"]]

    @classmethod
    def initial_of(cls, columns: Columns) -> dict[str, str]:
        """Return what the form shows of columns that are known or guessed."""
        order = {None: "", True: "day", False: "month"}[columns.day_first]
        return {"day_first": order, **{f"of_{field}": str(place) for field, place in columns.places.items()}}

    @property
    def columns(self) -> Columns:
        """What is said, once the form is valid."""
        said = {field: self.cleaned_data[f"of_{field}"] for field in LABELS}
        order = {"": None, "day": True, "month": False}[self.cleaned_data["day_first"]]
        return Columns({field: int(place) for field, place in said.items() if place}, order)
