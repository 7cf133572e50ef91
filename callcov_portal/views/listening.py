"""What of a call a person may hear: its muted copy, or all of it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest
from django.urls import reverse

from callcov_portal import hiding
from callcov_portal.models import Muting, Recording, SensitiveSpan, User
from callcov_portal.sound import MUTED_MIMES

NO_RIGHT = "Only administrators, and those to whom one gave the right, see and hear sensitive data."
CANNOT = (
    "The copy without the sensitive seconds could not be made, and the original is for those alone who have the right "
    "to hear it. Press “Try again” on the page of the call, or ask an administrator."
)


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


def muting_of(recording: Recording) -> str:
    """Return where the muted copy stands; one that is gone from the storage counts as one that could not be made."""
    if recording.muting == Muting.DONE and not default_storage.exists(recording.muted_name):
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


def served_of(recording: Recording, *, is_lifted: bool) -> Served:
    """Return what is sent of a recording: the original where nothing is sensitive, or for somebody with the right.

    Raises `Http404` where there is no audio, `BeingMade` while the muted copy is not there yet, and
    `PermissionDenied` where it could not be made.
    """
    state = muting_of(recording)
    if not recording.stored_name or not default_storage.exists(recording.stored_name):
        raise Http404("There is no audio of this call here.")
    if is_lifted or state == Muting.NONE:
        return original(recording)
    if state == Muting.DUE:
        raise BeingMade
    if state == Muting.FAILED:
        raise PermissionDenied(CANNOT)
    return muted(recording)


def original(recording: Recording) -> Served:
    """Return the file as it came."""
    name = recording.file_name or f"call-{recording.pk}.{recording.format}"
    mime = recording.mime or "application/octet-stream"
    return Served(recording.stored_name, mime, name, f'"{recording.sha256}"', recording.created_at)


def muted(recording: Recording) -> Served:
    """Return the copy in which sensitive seconds are silent."""
    suffix = PurePath(recording.muted_name).suffix
    stem = PurePath(recording.file_name).stem or f"call-{recording.pk}"
    tag = f'"{(recording.sha256 or "")[:16]}-{PurePath(recording.muted_name).stem}"'
    return Served(recording.muted_name, MUTED_MIMES[suffix[1:]], f"{stem}.muted{suffix}", tag, None)
