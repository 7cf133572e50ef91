"""Forms judge what a browser sends; they never write."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UsernameField
from django.core.exceptions import ValidationError
from django.utils import timezone

from callcov_portal import rules
from callcov_portal.models import (
    UNKNOWN_CONTACT,
    Direction,
    Every,
    Recording,
    Role,
    State,
    Weekday,
)
from callcov_portal.models.people import IDENTIFIER_LENGTH, key_of
from callcov_portal.uploads import ReceivedFile

MAX_LINKS = 500
LINK_LENGTH = 2000
EARLIEST_CALL = datetime(1980, 1, 1, tzinfo=UTC)


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


class RulesForm(forms.Form):
    """A rule set as it is typed, and the talk that it is tried on: pasted, or a call's.

    Once it is valid, `ruleset` is what the text says, and `recording` the call that is named; `wrong_line` is where the
    text is wrong, else 0. What is to be tried on matters only where something is tried.
    """

    text = forms.CharField(
        label="Rules",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 34, "spellcheck": "false", "wrap": "off", "autocomplete": "off"}),
        error_messages={"required": "Line 1: the rule set is empty."},
    )
    note = forms.CharField(
        label="What has changed, and why",
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    talk = forms.CharField(
        label="A talk",
        required=False,
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 5, "placeholder": "Agent: Thank you for calling.\nContact: I want to cancel."}
        ),
        help_text="A line for each who speaks: “Agent: …”, “Contact: …”. A line without a name is the agent’s.",
    )
    call = forms.CharField(
        label="Or a call",
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"placeholder": "#12", "inputmode": "numeric", "autocomplete": "off"}),
    )
    rule = forms.CharField(label="Rule", required=False, max_length=64)

    ruleset: rules.RuleSet
    recording: Recording | None = None
    wrong_line = 0

    def __init__(self, *args: Any, is_tried: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_tried = is_tried

    def clean_text(self) -> str:
        """Return the text as it was before a browser changed its line ends: the same rules are the same version."""
        text = self.cleaned_data["text"].replace("\r\n", "\n").rstrip() + "\n"
        try:
            self.ruleset = rules.load(text)
        except rules.RuleError as error:
            self.wrong_line = error.line
            raise ValidationError(str(error)) from error
        return str(text)

    def clean_call(self) -> str:
        """Find the call; it must have been analysed."""
        call: str = self.cleaned_data["call"]
        number = call.strip().removeprefix("#")
        if not number or not self.is_tried:
            return call
        if number.isdecimal() and len(number) < 19:
            analysed = Recording.objects.filter(state=State.COMPLETED)
            self.recording = analysed.select_related("current_analysis").filter(pk=int(number)).first()
        if self.recording is None:
            raise ValidationError(f"There is no analysed call {call.strip()}.")
        return call

    def clean_rule(self) -> str:
        """One rule of the set, or "" for all; one that the text has lost since it was chosen is none."""
        rule: str = self.cleaned_data["rule"]
        return rule if rule in {each.id for each in getattr(self, "ruleset", rules.builtin()).rules} else ""

    def clean(self) -> None:
        """Something must be there to try the rules on."""
        given = self.cleaned_data
        if self.is_tried and not self.errors and not given["call"].strip() and not given["talk"].strip():
            self.add_error("talk", "Paste a few lines of a talk, or name a call.")


class ScheduleForm(forms.Form):
    """When an export is made again and again."""

    every = forms.ChoiceField(label="How often", choices=Every)
    weekday = forms.TypedChoiceField(label="On", choices=Weekday, coerce=int, initial=Weekday.MONDAY)
    hour = forms.TypedChoiceField(label="At", choices=[(hour, f"{hour}:00") for hour in range(24)], coerce=int)


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
