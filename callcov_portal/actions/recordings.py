"""Taking recordings in, correcting what is known about them, and letting them go."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from callcov_portal import safefetch, sound
from callcov_portal.actions import drawing, indexing, recognising, shelving, tallying
from callcov_portal.models import (
    UNKNOWN_CONTACT,
    Agent,
    Analysis,
    BatchItem,
    CalledAtSource,
    Contact,
    Failure,
    Fate,
    LogEntry,
    Recording,
    Spent,
    Urgency,
    User,
    Way,
)
from callcov_portal.models.people import key_of
from callcov_portal.models.recording import key_of_link
from callcov_portal.reading.filenames import called_at_in

Who = TypeVar("Who", Agent, Contact)

LONGEST_LINK = 2000  # what the column holds
A_FEW = 5


@dataclass(frozen=True)
class CallDetails:
    """What a person says about a call. Only the agent is required."""

    agent: str
    contact: str = ""
    called_at: datetime | None = None
    direction: str = ""
    called_at_source: CalledAtSource = CalledAtSource.FORM


class Settled(Exception):
    """Something has become of the item already, so it becomes no other call."""


class NotTaken(Exception):
    """A recording was refused; nothing was stored or sent. Says why in one sentence."""

    def __init__(self, code: Failure, why: str, duplicate_of: Recording | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.duplicate_of = duplicate_of


def add_file(
    *,
    path: Path,
    sha256: str,
    size: int,
    file_name: str,
    details: CallDetails,
    user: User | None,
    file_date: datetime | None = None,
    item: BatchItem | None = None,
) -> Recording:
    """Store a complete file as a recording with a queued analysis, due now; `item` becomes that call with it.

    `path` is moved into the storage. Raises `NotTaken` for a file that holds no audio, is too long, or whose
    bytes are known already (the same file sent twice gives one recording, whoever comes first), and `Settled`.
    """
    refuse_known_bytes(sha256)
    probe = examine(path)
    name = shelving.shelve(path, probe.format)
    try:
        return write_recording(
            details,
            user,
            when(details, file_name, file_date),
            item,
            file=name,
            file_name=file_name[:255],
            sha256=sha256,
            size_bytes=size,
            **probe_fields(probe),
        )
    except Exception as error:
        shelving.discard(name)
        if isinstance(error, IntegrityError):
            refuse_known_bytes(sha256)
        raise


def add_link(*, link: str, details: CallDetails, user: User | None, item: BatchItem | None = None) -> Recording:
    """Write down a link as a recording whose copy will be fetched; raises `NotTaken` for an address that is not allowed.

    Only the form of the link is checked here; the rest when it is fetched. `item` becomes that call; raises `Settled`.
    """
    if len(link) > LONGEST_LINK:
        raise NotTaken(Failure.BLOCKED, f"The link is longer than {LONGEST_LINK} characters.")
    try:
        safefetch.check_url(link, safefetch.Guard(tuple(settings.CALLCOV_FETCH_ALLOW)))
    except safefetch.FetchError as error:
        raise NotTaken(Failure.BLOCKED, str(error)) from error
    file_name = link.partition("?")[0].rstrip("/").rpartition("/")[2]
    called = when(details, file_name, None)
    return write_recording(
        details, user, called, item, link=link, link_key=key_of_link(link), file_name=file_name[:255]
    )


def examine(path: Path) -> sound.Probe:
    """Return what a file is; raises `NotTaken` if it is nothing we can use, `GAVE_UP` if only we were at fault."""
    try:
        return sound.probe(path)
    except sound.TooLong as error:
        raise NotTaken(Failure.TOO_LARGE, str(error)) from error
    except sound.NotAudio as error:
        raise NotTaken(Failure.NOT_AUDIO, str(error)) from error
    except sound.SoundError as error:
        raise NotTaken(Failure.GAVE_UP, str(error)) from error


def probe_fields(probe: sound.Probe) -> dict[str, object]:
    """Return what a probe tells a recording."""
    return {
        "format": probe.format,
        "mime": probe.mime,
        "duration_seconds": probe.duration_seconds,
        "channels": probe.channels,
    }


def refuse_known_bytes(sha256: str, besides: int | None = None) -> None:
    """Raise `NotTaken` naming the call that has these bytes already; the one numbered `besides` may have them."""
    known = Recording.objects.filter(sha256=sha256).exclude(pk=besides or 0).first()
    if known:
        raise NotTaken(Failure.DUPLICATE, f"The same recording is there already as {known}.", known)


def when(details: CallDetails, file_name: str, file_date: datetime | None) -> tuple[datetime, CalledAtSource]:
    """Return when the call was and how we know: the form, else the file's name, its date, the time of the upload."""
    if details.called_at:
        return details.called_at, details.called_at_source
    if named := called_at_in(file_name, timezone.get_current_timezone()):
        return named, CalledAtSource.FILE_NAME
    if file_date and file_date <= timezone.now():
        return file_date, CalledAtSource.FILE_DATE
    return timezone.now(), CalledAtSource.UPLOAD


@transaction.atomic
def write_recording(
    details: CallDetails,
    user: User | None,
    called: tuple[datetime, CalledAtSource],
    item: BatchItem | None,
    **fields: object,
) -> Recording:
    """Write a recording and its first analysis, due now; if it has its file, it is to be compared and drawn as well.

    The batch's item becomes that call in the same transaction, once: raises `Settled` if it is something already.
    """
    recording = Recording.objects.create(
        agent=agent_named(details.agent),
        contact=contact_named(details.contact),
        called_at=called[0],
        called_at_source=called[1],
        direction=details.direction,
        uploaded_by=user,
        batch_id=item.batch_id if item else None,
        **fields,
    )
    if item and not BatchItem.objects.settle(item.pk, Fate.STORED, recording=recording):
        raise Settled
    urgency = urgency_of(item)
    needs_comparing = recognising.note_due(recording, urgency)
    recording.current_analysis = Analysis.objects.create(
        recording=recording,
        requested_by=user,
        next_attempt_at=timezone.now(),
        needs_copy=not recording.file,
        needs_comparing=needs_comparing,
        urgency=urgency,
    )
    recording.state = recording.current_analysis.state
    recording.save(update_fields=["current_analysis", "state"])
    tallying.retally(recording.pk)
    if recording.stored_name:
        drawing.note_due(recording.pk, is_heard_first=needs_comparing)
    return recording


def urgency_of(item: BatchItem | None) -> Urgency:
    """Return how urgent a new call is: the first few of what a person adds are waited for, the rest of a batch is not."""
    if item is None:
        return Urgency.PERSON
    if item.batch.way not in {Way.FILES, Way.LINKS}:
        return Urgency.BULK
    return Urgency.PERSON if item.position <= A_FEW else Urgency.BATCH


def agent_named(identifier: str) -> Agent:
    """Return the agent with this identifier, or whose alias it is; a new one if nobody has it. In a transaction only."""
    found = Agent.objects.get_or_create(key=key_of(identifier), defaults={"identifier": identifier})[0]
    return kept(Agent.objects, found)


def contact_named(identifier: str) -> Contact | None:
    """Return the contact as `agent_named` does; None for an unknown contact."""
    if key_of(identifier) in {"", UNKNOWN_CONTACT}:
        return None
    found = Contact.objects.get_or_create(key=key_of(identifier), defaults={"identifier": identifier})[0]
    return kept(Contact.objects, found)


def kept(people: models.Manager[Who], person: Who) -> Who:
    """Return who is meant: the person, held until the end of the transaction, or the one they were merged into.

    Held, because a merge in this moment would leave a call with one who has none any more.
    """
    held = people.select_for_update(no_key=True).get(pk=person.pk)
    return people.get(pk=held.merged_into_id) if held.merged_into_id else held


@transaction.atomic
def edit_details(recording: Recording, details: CallDetails, user: User) -> list[str]:
    """Correct agent, contact, time and direction; log what changed and return it in words.

    What the API was told with the submission stays as it was sent.
    """
    before = described(recording)
    recording.agent = agent_named(details.agent)
    recording.contact = contact_named(details.contact)
    recording.direction = details.direction
    if details.called_at and details.called_at != recording.called_at:
        recording.called_at, recording.called_at_source = details.called_at, CalledAtSource.FORM
    recording.save(update_fields=["agent", "contact", "direction", "called_at", "called_at_source"])
    after = described(recording)
    tallying.retally(recording.pk)
    changes = [f"{key}: {before[key]} → {after[key]}" for key in after if before[key] != after[key]]
    if changes:
        indexing.mark(recording.pk)
        note(user, "edited", recording, "; ".join(changes))
    return changes


def described(recording: Recording) -> dict[str, str]:
    """Return the details of a call in words, for the log; the time in the portal's zone."""
    return {
        "agent": recording.agent.identifier,
        "contact": recording.contact_identifier,
        "time": timezone.localtime(recording.called_at).isoformat(" ", "seconds"),
        "direction": recording.get_direction_display(),
    }


@transaction.atomic
def delete(recording: Recording, user: User) -> None:
    """Delete a recording with its files, analyses, transcript, findings and reviews. The API's own copy stays.

    Workers may be busy with it: the rows are locked, analyses first as applying does, so that results, deliveries
    and a fetched file either are there already and go too, or find nothing to belong to. Twice is no error.
    """
    analyses = list(Analysis.objects.select_for_update().filter(recording=recording.pk).order_by("pk"))
    held = Recording.objects.select_for_update().filter(pk=recording.pk).first()
    if held is None:
        return
    note(user, "deleted", held, "; ".join(f"{key}: {value}" for key, value in described(held).items()))
    Spent.objects.bulk_create(
        Spent(sent_at=analysis.sent_at, seconds=held.duration_seconds or 0) for analysis in analyses if analysis.sent_at
    )
    tallying.forget(held.pk)
    Recording.objects.filter(pk=held.pk).update(current_analysis=None)
    Recording.objects.filter(pk=held.pk).delete()
    shelving.discard(held.stored_name)
    shelving.discard(held.muted_name)


def note(user: User | None, act: str, recording: Recording, text: str = "") -> None:
    """Write one line of the log."""
    LogEntry.objects.create(user=user, act=act, recording_number=recording.pk, text=text)
