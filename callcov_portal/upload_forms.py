"""Judging what a browser says about files that were chosen: their names, sizes and dates, and what was entered for each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import BadRequest, ValidationError
from django.utils import timezone

from callcov_portal.forms import EARLIEST_CALL, CallDetailsForm, ManyFilesField
from callcov_portal.reading import patterns

MOST_FILES = 2000  # in one request; more come in several
NAME_LENGTH = 500
LARGEST_SIZE = 2**53
DETAILS = ("agent", "contact", "called_at", "direction")


class ItemForm(CallDetailsForm):
    """What was entered for one file or some; what is empty is taken from the name or the batch."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"].required = False


class BatchForm(ItemForm):
    """What holds for the files of a batch whose names do not tell, and the patterns by which the names are read."""

    pattern = forms.CharField(
        label="How names are read",
        required=False,
        max_length=patterns.LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"].help_text = "Of the files whose names do not tell. A new one is created."

    def clean_pattern(self) -> str:
        return readable("\n".join(self.cleaned_data["pattern"].splitlines()))


def readable(text: str) -> str:
    """Return patterns that can be read; raises `ValidationError` with what is wrong, and where."""
    try:
        patterns.compiled(text)
    except patterns.PatternError as error:
        raise ValidationError(str(error)) from error
    return text


@dataclass(frozen=True)
class Chosen:
    """A file that was chosen; `said` is what was entered for it alone."""

    name: str  # with its folders
    size: int
    modified: datetime | None
    said: Mapping[str, Any] = field(default_factory=dict)


def chosen_files(files: object) -> list[Chosen]:
    """Return the files that a document names. Raises `BadRequest` for what no page of ours sends, else `ValidationError`."""
    if not isinstance(files, list) or not 0 < len(files) <= MOST_FILES:
        raise BadRequest(f"Send 1 to {MOST_FILES:,} files at a time.")
    judge = cache(judged)
    return [chosen(each, judge) for each in files]


def chosen(file: object, judge: Callable[[tuple[str, ...]], dict[str, Any]]) -> Chosen:
    """Return one file."""
    match file:
        case {"name": str(name), "size": int(size), "modified": int(modified), **rest} if (
            name and 0 <= size <= LARGEST_SIZE
        ):
            if "\0" in name or len(name) > NAME_LENGTH:
                raise BadRequest("A file’s name is too long, or has a character that none can have.")
            return Chosen(name, size, file_date(modified), judge(tuple(str(rest.get(each) or "") for each in DETAILS)))
        case _:
            raise BadRequest("A file has a name, a size and a date.")


def judged(said: Sequence[str]) -> dict[str, Any]:
    """Return what was entered as it is kept; raises `ValidationError` with the first thing that is wrong."""
    if not any(said):
        return {}
    form = ItemForm(dict(zip(DETAILS, said, strict=True)))
    if not form.is_valid():
        raise ValidationError(str(next(iter(form.errors.values()))[0]))
    return {each: form.cleaned_data[each] for each in DETAILS if form.cleaned_data[each]}


def file_date(milliseconds: int | str) -> datetime | None:
    """Return the date that a browser gives for a file, or None for anything else, also for one that cannot be."""
    try:
        date = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return date if date >= EARLIEST_CALL else None


class AddFilesForm(BatchForm):
    """Files of a plain form, with what holds for those whose names do not tell."""

    files = ManyFilesField(  # type: ignore[assignment]  # a field's name is free, says Django
        required=True,
        allow_empty_file=True,
        error_messages={"required": "Choose at least one file."},
    )

    def clean(self) -> None:
        """Nothing is taken while somebody's name is missing: the files would have to be sent again."""
        pattern, files = self.cleaned_data.get("pattern", ""), self.cleaned_data.get("files", [])
        if not self.cleaned_data.get("agent") and not self.errors:
            zone = timezone.get_current_timezone()
            found = [patterns.read(pattern, file.name or "", zone) for file in files]
            if not all(said and said.agent for said in found):
                self.add_error("agent", "Say which agent spoke: a call without an agent cannot be analysed.")
