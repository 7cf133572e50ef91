"""Forms about patterns of file names, and about a batch that is read by some."""

from django import forms
from django.core.exceptions import ValidationError

from callcov_portal.forms import CallDetailsForm
from callcov_portal.models.people import TEAM_LENGTH
from callcov_portal.reading import patterns


def readable(text: str) -> str:
    """Return patterns that can be read; raises `ValidationError` with what is wrong, and where."""
    try:
        patterns.compiled(text)
    except patterns.PatternError as error:
        raise ValidationError(str(error)) from error
    return text


class BatchForm(CallDetailsForm):
    """What holds for the files of a batch whose names do not tell, and the patterns by which the names are read."""

    pattern = forms.CharField(
        label="How names are read",
        required=False,
        max_length=patterns.LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"].required = False
        self.fields["agent"].help_text = "Of the files whose names do not tell. A new one is created."

    def clean_pattern(self) -> str:
        return readable("\n".join(self.cleaned_data["pattern"].splitlines()))


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
