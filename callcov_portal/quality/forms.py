"""Forms judge what a browser sends; they never write."""

from django import forms

from callcov_portal.quality.models import Verdict


class ReviewForm(forms.Form):
    """A plain verdict, with a note where there is something to say."""

    verdict = forms.ChoiceField(
        choices=Verdict.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a verdict."},
    )
    note = forms.CharField(required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}))
