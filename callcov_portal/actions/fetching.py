"""Fetching the copy of a recording that came as a link."""

import threading
import uuid
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from callcov_portal import safefetch
from callcov_portal.actions import drawing, outcomes, recognising, recordings, schedule, shelving, storing, tallying
from callcov_portal.actions.pace import TooSoon
from callcov_portal.actions.recordings import NotTaken
from callcov_portal.models import Analysis, Failure, Recording, Urgency
from callcov_portal.uploads import incoming_folder

MEGABYTE = 1024 * 1024
# Answers that another try will not change.
FINAL_STATUSES = {400, 401, 403, 404, 405, 406, 410, 451}
# A link may take ten minutes: of a worker's four threads two always stay free for the rest.
MOST_AT_ONCE = 2
SLOTS = threading.BoundedSemaphore(MOST_AT_ONCE)


def is_busy() -> bool:
    """Say whether this process fetches as many links as it may."""
    if not SLOTS.acquire(blocking=False):
        return True
    SLOTS.release()
    return False


def fetch_copy(analysis: Analysis) -> bool:
    """Fetch the link of a queued analysis into the storage; True when the recording has its file.

    A dead link, one that is not allowed, something that is no audio, and bytes that are known already end the
    analysis with their own cause. A passing trouble is tried again later, a few times. Raises `TooSoon` while
    this process is fetching as many links as it may, `StorageAway` while there is no place for it.
    """
    if not SLOTS.acquire(blocking=False):
        raise TooSoon(timezone.now() + schedule.back_off(3))
    try:
        return fetch_into_storage(analysis)
    finally:
        SLOTS.release()


def fetch_into_storage(analysis: Analysis) -> bool:
    """Do what `fetch_copy` promises."""
    storing.require()
    path = incoming_folder() / f"{uuid.uuid4()}.part"
    try:
        fetched = safefetch.fetch_to(
            analysis.recording.link,
            path,
            guard=safefetch.Guard(tuple(settings.CALLCOV_FETCH_ALLOW)),
            max_bytes=settings.CALLCOV_MAX_UPLOAD_MB * MEGABYTE,
        )
        return attach(analysis.recording, path, fetched)
    except safefetch.Unreachable as error:
        note_unreachable(analysis, error)
    except safefetch.TooLarge as error:
        outcomes.fail(analysis, Failure.TOO_LARGE, str(error))
    except safefetch.FetchError as error:
        outcomes.fail(analysis, Failure.BLOCKED, str(error))
    except NotTaken as error:
        note_refusal(analysis, error)
    finally:
        path.unlink(missing_ok=True)
    return False


def attach(recording: Recording, path: Path, fetched: safefetch.Fetched) -> bool:
    """Give a recording its file, once. Raises `NotTaken` as `recordings.add_file` does.

    False if it was deleted meanwhile, or has a file already: a worker that was taken for dead may still come.
    """
    recordings.refuse_known_bytes(fetched.sha256, besides=recording.pk)
    probe = recordings.examine(path)
    name = shelving.shelve(path, probe.format)
    facts = {"sha256": fetched.sha256, "size_bytes": fetched.size, **recordings.probe_fields(probe)}
    try:
        with transaction.atomic():
            attached = Recording.objects.filter(pk=recording.pk, file="").update(file=name, **facts)
            if attached:
                recording.file.name, recording.duration_seconds = name, probe.duration_seconds
                note_file(recording)
                tallying.retally(recording.pk)
    except IntegrityError:
        shelving.discard(name)
        recordings.refuse_known_bytes(fetched.sha256, besides=recording.pk)
        raise
    if not attached:
        shelving.discard(name)
        return False
    return True


def note_file(recording: Recording) -> None:
    """Write down what is to be done with a recording that has its file now."""
    waiting = Analysis.objects.filter(recording=recording.pk, needs_copy=True)
    urgency = min(waiting.values_list("urgency", flat=True), default=Urgency.PERSON)
    needs_comparing = recognising.note_due(recording, urgency)
    waiting.update(needs_copy=False, needs_comparing=needs_comparing)
    drawing.note_due(recording.pk, is_heard_first=needs_comparing)


def note_refusal(analysis: Analysis, error: NotTaken) -> None:
    """End an analysis whose link brought nothing we can use; try again if only this machine was at fault."""
    if error.code == Failure.GAVE_UP and analysis.attempts < schedule.MOST_LINK_TRIES:
        outcomes.wait_longer(analysis, str(error))
    else:
        outcomes.fail(analysis, error.code, str(error), duplicate_of=error.duplicate_of)


def note_unreachable(analysis: Analysis, error: safefetch.Unreachable) -> None:
    """End an analysis whose link is dead; try again later if it may come back."""
    if error.status in FINAL_STATUSES or analysis.attempts >= schedule.MOST_LINK_TRIES:
        outcomes.fail(analysis, Failure.UNREACHABLE, str(error))
    else:
        outcomes.wait_longer(analysis, str(error))
