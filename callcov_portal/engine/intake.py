"""How a job comes in: the file first, then the row, each kept before the caller hears of it."""

import logging
import os
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction

from callcov_portal import sound
from callcov_portal.engine import rulesets
from callcov_portal.engine.auth import ApiKey
from callcov_portal.engine.models import Job
from callcov_portal.engine.orders import Order
from callcov_portal.uploads import ReceivedFile

logger = logging.getLogger(__name__)


def folder() -> Path:
    """Return the folder of the audio that the engine keeps."""
    path: Path = settings.CALLCOV_DATA_DIR / "engine"
    path.mkdir(parents=True, exist_ok=True)
    return path


def accept(
    key: ApiKey, order: Order, file: ReceivedFile | None, *, base_url: str, idempotency_key: str | None
) -> tuple[Job, bool]:
    """Write down a job, due now; return it and whether it is new.

    With the idempotency key of an earlier create (of the same API key) that one's job is returned, whatever else
    the request says, also if two such requests arrive at once. Raises `sound.SoundError` for a file that is no
    audio we can read, and `BadRequest` for rules that cannot be used.
    """
    if (earlier := find(key, idempotency_key)) is not None:
        return earlier, False
    rules_hash = rulesets.chosen(order)
    job = Job(**facts(order), rules_hash=rules_hash, key=key.fingerprint, livemode=key.livemode, base_url=base_url)
    job.idempotency_key = idempotency_key
    if file is None:
        job.source_url = order.audio_url or ""
        job.audio_format = format_by_name(job.source_url)
    else:
        describe(job, file.temporary_file_path(), sha256=file.sha256, size=file.size or 0)
        keep(job, Path(file.temporary_file_path()))
    return write_down(key, job)


def write_down(key: ApiKey, job: Job) -> tuple[Job, bool]:
    """Insert the row; if another request with its idempotency key was quicker, return that one's job."""
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except BaseException as error:
        if not may_be_written(job):
            remove_audio(job)
        earlier = find(key, job.idempotency_key) if isinstance(error, IntegrityError) else None
        if earlier is None:
            raise
        return earlier, False
    return job, True


def may_be_written(job: Job) -> bool:
    """Say whether the row may be there in spite of an error: its commit may have lost only the answer."""
    try:
        return Job.objects.filter(pk=job.pk).exists()
    except DatabaseError:
        return True  # its audio goes with the leftovers if not


def find(key: ApiKey, idempotency_key: str | None) -> Job | None:
    """Return the job that this API key created with that idempotency key."""
    if idempotency_key is None:
        return None
    return Job.objects.filter(key=key.fingerprint, idempotency_key=idempotency_key).select_related("outcome").first()


def facts(order: Order) -> dict[str, Any]:
    """Return the job's fields that are the caller's own words."""
    return {
        "agent_id": order.agent_id,
        "contact_id": order.contact_id,
        "ids_folded": folded(order.agent_id, order.contact_id),
        "webhook_url": order.webhook_url or "",
        "call_direction": order.call_direction or "",
        "call_timestamp": order.call_timestamp or "",
        "call_metadata": orjson.dumps(order.metadata).decode() if order.metadata is not None else "",
    }


def folded(*ids: str) -> str:
    """Return texts in the form in which `search` compares them: one line each, without regard to case."""
    return "\n".join(text.casefold() for text in ids)


def format_by_name(url: str) -> str:
    """Return the format that a link's name claims, if it is one we take; the truth is found when it was fetched."""
    try:
        suffix = PurePosixPath(urlsplit(url).path).suffix.lower().removeprefix(".")
    except ValueError:
        return ""
    return suffix if suffix in sound.FORMATS else ""


def describe(job: Job, path: str, *, sha256: str, size: int) -> None:
    """Set what the audio is, by its content; raises `sound.SoundError` if it is none."""
    probe = sound.probe(Path(path))
    job.sha256, job.size = sha256, size
    job.audio_format, job.duration, job.channels = probe.format, probe.duration_seconds, probe.channels


def keep(job: Job, received: Path) -> None:
    """Move complete audio into the engine's folder, so that it survives a power cut before the row names it."""
    job.audio_file = f"{job.pk}.{job.audio_format}"
    job.stage = job.waiting_stage
    received.chmod(0o600)  # somebody's conversation
    os.replace(received, folder() / job.audio_file)
    sync_folder(folder())


def sync_folder(path: Path) -> None:
    """Make a rename in a folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def audio_path(job: Job) -> Path:
    """Return where the job's audio is kept; only meaningful while `audio_file` is set."""
    return folder() / job.audio_file


def remove_audio(job: Job) -> None:
    """Delete the job's audio from disk, if there is any."""
    if job.audio_file:
        audio_path(job).unlink(missing_ok=True)
