"""Forms judge what a browser sends; they never write."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UsernameField
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from callcov_portal.models import (
    UNKNOWN_CONTACT,
    Agent,
    Analysis,
    Contact,
    Direction,
    Failure,
    Outcome,
    Recording,
    Role,
    State,
)
from callcov_portal.models.people import IDENTIFIER_LENGTH, key_of
from callcov_portal.models.rates import ASSESSED, came_out
from callcov_portal.uploads import ReceivedFile

MAX_LINKS = 500
LINK_LENGTH = 2000
EARLIEST_CALL = datetime(1980, 1, 1, tzinfo=UTC)

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
]


class PersonInput(forms.TextInput):
    """A text field that offers the identifiers known already; it works as plain text without JavaScript."""

    def __init__(self, url_name: str, list_id: str) -> None:
        super().__init__(attrs={"list": list_id, "autocomplete": "off"})
        self.url_name, self.list_id = url_name, list_id


def zone_name() -> str:
    """Return the name of the portal's time zone as people read it."""
    return timezone.get_default_timezone_name().replace("_", " ")


def local_time_input() -> forms.DateTimeInput:
    """Return the browser's own picker of date and time."""
    return forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})


class CallDetailsForm(forms.Form):
    """Whose call it was, when, and who called whom. The agent is required, the rest may be unknown."""

    agent = forms.CharField(
        max_length=IDENTIFIER_LENGTH,
        widget=PersonInput("known_agents", "known-agents"),
        error_messages={"required": "Say which agent spoke: a call without an agent cannot be analysed."},
        help_text="The identifier your call centre uses. A new one is created.",
    )
    contact = forms.CharField(
        max_length=IDENTIFIER_LENGTH,
        required=False,
        widget=PersonInput("known_contacts", "known-contacts"),
        help_text="Empty: unknown.",
    )
    called_at = forms.DateTimeField(
        required=False,
        widget=local_time_input(),
        help_text="Empty: taken from the file's name or date.",
    )
    direction = forms.ChoiceField(choices=Direction, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["called_at"]
        field.label = "Time of the call"
        field.help_text = f"{zone_name()} time. {field.help_text}"

    def clean_called_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["called_at"]
        if moment and not EARLIEST_CALL <= moment <= timezone.now() + timedelta(days=1):
            raise ValidationError("A call is made before it is added: check the date.")
        return moment

    def clean_contact(self) -> str:
        contact: str = self.cleaned_data["contact"]
        return "" if key_of(contact) == UNKNOWN_CONTACT else contact


class CorrectionForm(CallDetailsForm):
    """The details of a call that is there: its time stays, to the second, unless another is entered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["called_at"].help_text = f"{zone_name()} time. Empty: stays as it is."

    def clean_called_at(self) -> datetime | None:
        moment = super().clean_called_at()
        return moment if "called_at" in self.changed_data else None


class ManyFilesInput(forms.ClearableFileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"


class ManyFilesField(forms.FileField):
    """Several files. Whether one is audio, too long or known already is not for the form to judge."""

    widget = ManyFilesInput(attrs={"accept": "audio/*,video/mp4,video/webm,video/mpeg,.flac,.mpga,.m4a,.ogg"})

    def clean(self, data: Any, initial: Any = None) -> list[ReceivedFile]:
        files = data if isinstance(data, list | tuple) else [data]
        clean_one = super().clean
        return [clean_one(file, initial) for file in files] if files else [clean_one(None, initial)]


class AddFilesForm(CallDetailsForm):
    """Files with the details that hold for all of them."""

    files = ManyFilesField(  # type: ignore[assignment]  # a field's name is free, says Django
        required=True,
        allow_empty_file=True,
        error_messages={"required": "Choose at least one file."},
    )


class AddLinksForm(CallDetailsForm):
    """Links, one a line, with the details that hold for all of them."""

    links = forms.CharField(
        max_length=MAX_LINKS * LINK_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "placeholder": "https://…"}),
        error_messages={"required": "Enter at least one link."},
    )

    def clean_links(self) -> list[str]:
        links = list(dict.fromkeys(line.strip() for line in self.cleaned_data["links"].splitlines() if line.strip()))
        if len(links) > MAX_LINKS:
            raise ValidationError(f"These are {len(links)} links. At most {MAX_LINKS} are taken at a time.")
        return links


class NewUserForm(forms.Form):
    """A person who shall sign in. Whether the name is free is not for the form to judge."""

    username = forms.CharField(
        label="Name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Enter the name under which this person signs in."},
        help_text="Letters, digits and @ . + - _",
    )
    role = forms.ChoiceField(choices=Role, initial=Role.REVIEWER)


class SignInForm(AuthenticationForm):
    """Name and password. Django's own form takes a name that the log of failures cannot hold."""

    username = UsernameField(max_length=150, widget=forms.TextInput(attrs={"autofocus": True}))


class OwnPasswordForm(PasswordChangeForm):
    """A new password in place of the old one: keeping the old one is no change, least of all of a one-time password."""

    def clean(self) -> dict[str, Any]:
        entered: dict[str, Any] = super().clean() or self.cleaned_data
        if entered.get("old_password") and entered.get("old_password") == entered.get("new_password1"):
            self.add_error("new_password1", "That is the password you have. Choose another one.")
        return entered


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
