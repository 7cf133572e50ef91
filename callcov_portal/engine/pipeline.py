"""The work on a job, step by step: fetch the link, hear the audio, check what was said, write it down once."""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from callcov_portal import safefetch, sound, uploads
from callcov_portal.engine import checks, intake, rulesets, speech, wire
from callcov_portal.engine.holding import Hold, stopping
from callcov_portal.engine.models import MAX_ATTEMPTS, Callback, Job, Outcome, State

logger = logging.getLogger(__name__)

# What one process does at a time: one recording is heard, one link is fetched. A job whose room is taken stays due.
HEARING, FETCHING = threading.Lock(), threading.Lock()
PAUSES = (timedelta(seconds=5), timedelta(seconds=30))  # after the first and the second attempt
MODEL_PAUSE, MODEL_PATIENCE = timedelta(seconds=50), timedelta(hours=24)
STOP_SPREADS = 0.3  # seconds
# Trying again cannot help.
FINAL = (sound.NotAudio, sound.TooLong, safefetch.Blocked, safefetch.TooLarge, rulesets.Outdated)
PASSING = (sound.SoundError, safefetch.FetchError, speech.SpeechError, uploads.DiskFull)
DIED = "The engine stopped each time it worked on this recording, so it was given up after {} attempts."


class Superseded(Exception):
    """The lease was lost and the job is another worker's: nothing of this attempt may be written."""


def advance(pk: uuid.UUID) -> bool:
    """Do a job's next step, if it is due and this process is free for it; say whether one was done.

    Raises nothing for trouble with the job itself: that is written into its row.
    """
    job = Job.objects.due(timezone.now()).filter(pk=pk).first()
    if job is None or stopping.is_set():
        return False
    room, step = (HEARING, hear) if job.audio_file else (FETCHING, fetch)
    if not room.acquire(blocking=False):
        return False
    try:
        return take(pk, step)
    finally:
        room.release()


def take(pk: uuid.UUID, step: Callable[[Job, Hold], None]) -> bool:
    """Claim the job and do a step of it; False if another worker was quicker."""
    owner = Job.objects.claim(pk, timezone.now())
    if owner is None:
        return False
    job = Job.objects.get(pk=pk)
    if job.attempts > MAX_ATTEMPTS:
        fail(job, owner, job.error_message or DIED.format(MAX_ATTEMPTS))
        return True
    with Hold(job, owner) as hold:
        attempt(job, hold, step)
    return True


def attempt(job: Job, hold: Hold, step: Callable[[Job, Hold], None]) -> None:
    """Do a step and write down what came of it, unless the job is no longer ours."""
    try:
        step(job, hold)
    except Superseded:
        logger.warning("Job %s went on elsewhere; this attempt is dropped.", job.pk)
    except speech.Cancelled:
        give_back(job, hold.owner)
    except FINAL as error:
        # When a service manager ends all our processes at once, the audio's reader may be the first to go.
        if stopping.wait(STOP_SPREADS):
            give_back(job, hold.owner)
        else:
            fail(job, hold.owner, str(error))
    except speech.ModelUnusable as error:
        wait_for_model(job, hold.owner, str(error))
    except PASSING as error:
        try_again(job, hold.owner, str(error), final=is_final(error))
    except OSError as error:
        logger.exception("Job %s was stopped by the machine.", job.pk)
        try_again(job, hold.owner, f"The engine could not store or read the recording: {error.strerror or error}.")
    except DatabaseError:
        logger.exception("Job %s waits for the database.", job.pk)  # its lease runs out and it is due again
    except Exception:
        logger.exception("Job %s failed unexpectedly.", job.pk)
        try_again(job, hold.owner, "The engine could not analyse this recording (internal error; see its log).")


def is_final(error: Exception) -> bool:
    """Say whether trying again is useless: the link's server has answered that there is nothing to have."""
    status = getattr(error, "status", None)
    return status is not None and 400 <= status < 500 and status not in {408, 425, 429}


def fetch(job: Job, hold: Hold) -> None:
    """Bring the link's audio into the engine's folder, and look what it is; then the job is due to be heard."""
    hold.progress("fetching", 0.0)
    part = intake.folder() / f"{hold.owner}.part"
    uploads.refuse_if_disk_full(part.parent, 0)
    guard = safefetch.Guard(allow=tuple(settings.CALLCOV_FETCH_ALLOW))
    try:
        got = safefetch.fetch_to(
            job.source_url, part, guard=guard, max_bytes=settings.CALLCOV_MAX_UPLOAD_MB * 1024 * 1024
        )
        intake.describe(job, str(part), sha256=got.sha256, size=got.size)
        if not Job.objects.held(job.pk, hold.owner).exists():
            raise Superseded  # whoever has the job now may be hearing its audio: it is not replaced
        intake.keep(job, part)
    finally:
        part.unlink(missing_ok=True)
    names = ("audio_file", "audio_format", "sha256", "size", "duration", "channels", "stage")
    found = {name: getattr(job, name) for name in names}
    release(job, hold.owner, **found, attempts=0, error_message="")


def hear(job: Job, hold: Hold) -> None:
    """Turn the audio into a transcript and results, and complete the job with them."""
    began = time.monotonic()
    path = intake.audio_path(job)
    if not path.exists():
        raise sound.NotAudio("The engine's copy of the audio is gone: submit the recording again.")
    try:
        heard = speech.recogniser().transcribe(path, progress=hold.progress, cancelled=hold.cancelled)
    finally:
        connection.close()  # it may have broken in the hours in which nothing was asked of it
    hold.progress("checking rules", 0.0)
    results = checks.assess(heard, rulesets.of(job))
    outcome = Outcome(
        job=job,
        transcript=wire.transcript(heard.segments, heard.language).decode(),
        results=orjson.dumps(results, option=orjson.OPT_SERIALIZE_NUMPY).decode(),
    )
    complete(job, hold.owner, outcome, round((time.monotonic() - began) * 1000))


def complete(job: Job, owner: uuid.UUID, outcome: Outcome, milliseconds: int) -> None:
    """Write state, outcome and the duty to call back, all or nothing; raises `Superseded` if the lease was lost."""
    with transaction.atomic():
        finish(job, owner, State.COMPLETED, processing_ms=milliseconds, error_message="")
        outcome.save(force_insert=True)


def fail(job: Job, owner: uuid.UUID, message: str) -> None:
    """End the job with a reason, and write the duty to call back; nothing if the lease was lost."""
    logger.info("Job %s failed: %s", job.pk, message)
    try:
        with transaction.atomic():
            finish(job, owner, State.FAILED, error_message=message)
    except Superseded:
        logger.warning("Job %s went on elsewhere; its failure here is dropped.", job.pk)


def finish(job: Job, owner: uuid.UUID, state: State, **fields: Any) -> None:
    """Make the job final; within a transaction of the caller's."""
    done = Job.objects.held(job.pk, owner).update(
        state=state, completed_at=timezone.now(), owner=None, stage="", fraction=1.0, **fields
    )
    if not done:
        raise Superseded
    if job.webhook_url:
        Callback.objects.create(job=job)


def try_again(job: Job, owner: uuid.UUID, trouble: str, *, final: bool = False) -> None:
    """Put the job back for a later attempt; after the last one it fails with what the trouble was."""
    if final or job.attempts >= MAX_ATTEMPTS:
        fail(job, owner, trouble)
        return
    pause = PAUSES[min(job.attempts, len(PAUSES)) - 1]
    Job.objects.held(job.pk, owner).update(
        owner=None, error_message=trouble, stage=job.waiting_stage, fraction=0.0, next_attempt_at=timezone.now() + pause
    )


def wait_for_model(job: Job, owner: uuid.UUID, trouble: str) -> None:
    """Put the job back, its attempt uncounted: a wrong setting fails no recording, unless nobody mends it for a day."""
    logger.error("Job %s waits. %s", job.pk, trouble)
    if timezone.now() - job.created_at > MODEL_PATIENCE:
        fail(job, owner, trouble)
        return
    Job.objects.held(job.pk, owner).update(
        owner=None,
        error_message=trouble,
        stage="waiting for the speech model",
        fraction=0.0,
        attempts=job.attempts - 1,
        next_attempt_at=timezone.now() + MODEL_PAUSE,
    )


def give_back(job: Job, owner: uuid.UUID) -> None:
    """Return the job untried, because this worker is being stopped; nothing if the lease was lost."""
    Job.objects.held(job.pk, owner).update(
        owner=None, stage=job.waiting_stage, fraction=0.0, attempts=job.attempts - 1, next_attempt_at=timezone.now()
    )


def release(job: Job, owner: uuid.UUID, **fields: Any) -> None:
    """Let go of the job, due at once for its next step; raises `Superseded` if the lease was lost."""
    if not Job.objects.held(job.pk, owner).update(owner=None, next_attempt_at=timezone.now(), **fields):
        raise Superseded
