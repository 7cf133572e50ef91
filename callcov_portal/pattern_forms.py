"""The form of a pattern of file names."""

from django import forms

from callcov_portal.models.people import TEAM_LENGTH
from callcov_portal.upload_forms import readable


class FilePatternForm(forms.Form):
    """A pattern that is kept."""

    name = forms.CharField(max_length=100, error_messages={"required": "Give the pattern a name."})
    team = forms.CharField(
        max_length=TEAM_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"list": "known-teams", "autocomplete": "off", "placeholder": "all"}),
    )
    pattern = forms.CharField(
        max_length=300,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        error_messages={"required": "Enter the pattern."},
    )
    position = forms.IntegerField(min_value=0, max_value=999, required=False, initial=0)

    def clean_pattern(self) -> str:
        return readable(self.cleaned_data["pattern"])
