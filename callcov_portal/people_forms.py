"""Forms about agents and contacts: names, teams, merging, and the CSV of agents."""

from typing import Any

from django import forms

from callcov_portal.models.people import IDENTIFIER_LENGTH, TEAM_LENGTH
from callcov_portal.reading import rosters, tables


class ContactForm(forms.Form):
    """What a contact is called."""

    name = forms.CharField(max_length=200, required=False, help_text="Shown in place of the identifier.")


class AgentForm(ContactForm):
    """What an agent is called, and the team."""

    team = forms.CharField(
        max_length=TEAM_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"list": "known-teams", "autocomplete": "off"}),
        help_text="A name that its agents have in common. A new one makes a new team.",
    )


class MergeForm(forms.Form):
    """Into whom somebody is merged."""

    identifier = forms.CharField(
        label="Identifier of the one who is kept",
        max_length=IDENTIFIER_LENGTH,
        error_messages={"required": "Say who is kept."},
    )


class RosterForm(forms.Form):
    """A CSV of agents, as a file or (after the dry run) as the text that was shown; `rows` are what it says."""

    file = forms.FileField(
        required=False,
        label="CSV file",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        help_text="UTF-8 or UTF-16 or as Windows writes it; comma, semicolon or tab.",
    )
    text = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            if data.get("file") is not None:
                data["text"] = rosters.decoded(data["file"].read())
            data["rows"] = rosters.read(data.get("text", ""))
        except tables.NotATable as error:
            self.add_error("file", str(error))
        return data
