"""What of a call a person may hear: its muted copy, or all of it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import PurePath
from typing import NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import reverse

from callcov_portal import hiding
from callcov_portal.models import Muting, Recording, SensitiveSpan, User
from callcov_portal.models.prepared import Prepared, prepared
from callcov_portal.sound import MUTED_MIMES
from callcov_portal.storage import is_gone

NO_RIGHT = "Only administrators, and those to whom one gave the right, see and hear sensitive data."
NO_AUDIO = "There is no audio of this call here."
CANNOT = (
    "The copy without the sensitive seconds could not be made, and the original is for those alone who have the right "
    "to hear it. Press “Try again” on the page of the call, or ask an administrator."
)


class Heard(NamedTuple):
    """What is looked at of a call when its sound is asked for: a player asks often, and needs none of the people."""

    number: int
    stored_name: str
    file_name: str
    format: str
    mime: str
    sha256: str | None
    created_at: datetime
    muting: str
    muted_name: str


COLUMNS = ("pk", "file", "file_name", "format", "mime", "sha256", "created_at", "muting", "muted_file")
MOST_NUMBER = 2**63 - 1  # that a database has


class BeingMade(Exception):
    """The muted copy is not there yet; it is being made."""


@dataclass(frozen=True)
class Served:
    """A stored file that may be sent to somebody; `tag` changes with its bytes."""

    name: str
    mime: str
    file_name: str
    tag: str
    modified: datetime | None


@dataclass(frozen=True)
class Stretch:
    """Seconds that are silent, and what was said in them."""

    start: float
    end: float
    what: str

    @property
    def length(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Sound:
    """What the player of a call offers.

    `url` is "" while there is nothing to play; `version` changes with what everybody may hear.
    """

    url: str
    state: str
    version: str
    detail: str
    stretches: list[Stretch]
    is_lifted: bool
    may_lift: bool

    @property
    def download(self) -> str:
        """Where the same is had as a file."""
        return f"{self.url}{'&' if '?' in self.url else '?'}download=1"


def refuse_unless_may_unmask(user: User) -> None:
    """Raise `PermissionDenied`, in one sentence, for somebody without the right."""
    if not user.can_unmask:
        raise PermissionDenied(NO_RIGHT)


def wants_all(request: HttpRequest) -> bool:
    """Say whether the request asks for the original sound; raises `PermissionDenied` for somebody without the right."""
    if request.GET.get("unmuted") != "1":
        return False
    refuse_unless_may_unmask(request.user)  # type: ignore[arg-type]
    return True


def heard(number: int) -> Heard:
    """Return what is known of a call's sound; raises `Http404` where there is no such call."""
    found = calls_by_number().rows([number]) if number <= MOST_NUMBER else []
    if not found:
        raise Http404("There is no such call.")
    return Heard(*found[0])


@lru_cache(maxsize=1)
def calls_by_number() -> Prepared:
    """Return the query by which a call's sound is found."""
    return prepared(Recording.objects.filter(pk=0).order_by().values_list(*COLUMNS))


def muting_of(recording: Recording | Heard) -> str:
    """Return where the muted copy stands; one that is gone from the folder counts as one that could not be made."""
    if recording.muting == Muting.DONE and is_gone(recording.muted_name):
        return Muting.FAILED
    return recording.muting


def sound_of(recording: Recording, user: User, *, is_lifted: bool = False) -> Sound:
    """Return what the player of a call offers a user; two queries at most."""
    state = muting_of(recording)
    is_lifted = is_lifted and user.can_unmask and state != Muting.NONE
    address = reverse("call_audio", args=[recording.pk])
    may_play = bool(recording.file) and (is_lifted or state in {Muting.NONE, Muting.DONE})
    return Sound(
        url=(f"{address}?unmuted=1" if is_lifted else address) if may_play else "",
        state=state,
        version=f"{state}.{recording.muted_spans[:8]}" if recording.file else "",
        detail=recording.muting_detail,
        stretches=stretches_of(recording) if state else [],
        is_lifted=is_lifted,
        may_lift=user.can_unmask and state != Muting.NONE and bool(recording.file),
    )


def playable(recording: Recording) -> str:
    """Return where everybody hears a call, "" if nobody does yet; no query, and the file itself is not looked at."""
    is_open = recording.muting in {Muting.NONE, Muting.DONE}
    return reverse("call_audio", args=[recording.pk]) if recording.file and is_open else ""


def stretches_of(recording: Recording) -> list[Stretch]:
    """Return the silent seconds of a recording in order; what two analyses say of the same ones is one stretch."""
    rows = SensitiveSpan.objects.filter(analysis__recording=recording).order_by("start", "end")
    found: list[Stretch] = []
    for start, end, kind in rows.values_list("start", "end", "kind"):
        what = hiding.name_of(kind)
        if found and start <= found[-1].end:
            found.append(joined(found.pop(), end, what))
        else:
            found.append(Stretch(start, end, what))
    return found


def joined(before: Stretch, end: float, what: str) -> Stretch:
    """Return one stretch for two that overlap."""
    named = before.what if what in before.what.split(", ") else f"{before.what}, {what}"
    return Stretch(before.start, max(before.end, end), named)


def served_of(call: Heard, *, is_lifted: bool) -> Served:
    """Return what is sent of a call: the original where nothing is sensitive, or for somebody with the right.

    Raises `Http404` where there is only a link, `BeingMade` while the muted copy is not there yet, and
    `PermissionDenied` where it could not be made.
    """
    state = muting_of(call)
    if not call.stored_name:
        raise Http404(NO_AUDIO)
    if is_lifted or state == Muting.NONE:
        return original(call)
    if state == Muting.DUE:
        raise BeingMade
    if state == Muting.FAILED:
        raise PermissionDenied(CANNOT)
    return muted(call)


def original(call: Heard) -> Served:
    """Return the file as it came."""
    name = call.file_name or f"call-{call.number}.{call.format}"
    mime = call.mime or "application/octet-stream"
    return Served(call.stored_name, mime, name, f'"{call.sha256}"', call.created_at)


def muted(call: Heard) -> Served:
    """Return the copy in which sensitive seconds are silent."""
    suffix = PurePath(call.muted_name).suffix
    stem = PurePath(call.file_name).stem or f"call-{call.number}"
    tag = f'"{(call.sha256 or "")[:16]}-{PurePath(call.muted_name).stem}"'
    return Served(call.muted_name, MUTED_MIMES[suffix[1:]], f"{stem}.muted{suffix}", tag, None)
