"""The wire format of the CallCov API, written out by hand.

What CallCov documents is emitted as documented, in the union of its dialects (`file_size` and `size_bytes`,
reasons of failure in two places). What is marked [inferred] is our reading of a gap in the documents, and [ours]
is an addition of this engine that a reader of the contract may ignore; neither may be called CallCov's.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse

from callcov_portal.engine.models import Job, State

VERSION = "1.0.0"
BAD_CREDENTIALS = "Invalid authentication credentials"
BAD_AUDIO = "Invalid audio file format"
NOT_FOUND = "Analysis not found"  # [inferred]: no body of a 404 is documented


def analysis(job: Job) -> dict[str, Any]:
    """Return the analysis object; the job should have been read with its `outcome`."""
    outcome = getattr(job, "outcome", None)
    document = {
        "id": str(job.pk),
        "object": "analysis",
        "created": int(job.created_at.timestamp()),
        "status": job.state,
        "livemode": job.livemode,
        "call": call(job),
        "audio": audio(job),
        "transcript": orjson.Fragment(outcome.transcript) if outcome else None,
        "results": orjson.Fragment(outcome.results) if outcome else None,
        "metadata": metadata(job),
    }
    if job.state == State.FAILED:
        document["error_message"] = job.error_message
    if job.state == State.PROCESSING:
        document["progress"] = progress(job)  # [ours]
    return document


def progress(job: Job) -> dict[str, Any]:
    """Return what is being done and how far it is; while nobody works on the job, also what went wrong before."""
    return {
        "stage": job.stage or ("stored" if job.audio_file else ""),
        "fraction": round(job.fraction, 3),
        "trouble": job.error_message if job.owner is None else "",
    }


def call(job: Job) -> dict[str, Any]:
    """Return what is known of the call: the caller's words again, and its length once it was measured."""
    document: dict[str, Any] = {
        "agent_id": job.agent_id,
        "contact_id": job.contact_id,
        "duration_ms": None if job.duration is None else round(job.duration * 1000),
        "duration_seconds": job.duration,
    }
    if job.call_direction:
        document["call_type"] = job.call_direction
    if job.call_timestamp:
        document["call_timestamp"] = job.call_timestamp  # [inferred]: taken at create, its echo is not documented
    if job.call_metadata:
        document["metadata"] = orjson.Fragment(job.call_metadata)
    return document


def audio(job: Job) -> dict[str, Any]:
    """Return what is known of the audio; numbers are null until it was read."""
    return {
        "url": job.source_url or f"{job.base_url or own_address()}/analysis/{job.pk}/audio",
        "duration_seconds": job.duration,
        "format": job.audio_format or None,
        "file_size": job.size,
        "size_bytes": job.size,
    }


def own_address() -> str:
    """Return the API's address on this machine, for want of the one under which a caller reached it."""
    return f"http://127.0.0.1:{settings.CALLCOV_ENGINE_PORT}/api/v1"


def metadata(job: Job) -> dict[str, Any]:
    """Return the analysis' own particulars."""
    return {
        "processing_time_ms": job.processing_ms,
        "version": VERSION,
        "webhook_url": job.webhook_url or None,
        # [inferred]: its type is not documented; Unix seconds, like `created`.
        "completed_at": int(job.completed_at.timestamp()) if job.completed_at else None,
        "error_message": job.error_message if job.state == State.FAILED else None,
    }


def page(jobs: QuerySet[Job], total: int, limit: int, offset: int) -> Iterator[bytes]:
    """Yield the list envelope piece by piece: a page may hold a thousand whole transcripts.

    The names of the paging fields are [inferred]; `object` and `data` are documented.
    """
    yield b'{"object":"list","data":['
    for number, job in enumerate(jobs[offset : offset + limit].iterator(chunk_size=50)):
        yield (b"," if number else b"") + orjson.dumps(analysis(job))
    paging = {"has_more": offset + limit < total, "total": total, "limit": limit, "offset": offset}
    yield b"]," + orjson.dumps(paging)[1:]


def news(job: Job) -> bytes:
    """Return the body of a call-back: the documented wrapper, with the whole object in `data`.

    `analysis.completed` is documented, `analysis.failed` is [inferred].
    """
    return orjson.dumps({"event": f"analysis.{job.state}", "data": analysis(job)})


def answer(document: dict[str, Any], status: int = 200) -> HttpResponse:
    """Return a JSON response."""
    return HttpResponse(orjson.dumps(document), status=status, content_type="application/json")


def error(status: int, detail: str | list[dict[str, Any]], **beside: Any) -> HttpResponse:
    """Return an error: `detail` is one sentence, or a list with one entry per field."""
    return answer({"detail": detail, **beside}, status)


def too_large(message: str, megabytes: int) -> HttpResponse:
    """Return the answer to a body above a limit: the error guide's document beside `detail`."""
    details = {"max_size_mb": megabytes}
    return error(413, message, error={"code": "file_too_large", "message": message, "details": details})


def transcript(segments: Iterable[Any], language: str) -> bytes:
    """Return a transcript: the dialogue as one text, and its segments with times in seconds.

    `confidence` is documented in one dialect only; `words` is [ours].
    """
    segments = list(segments)
    roles = {"A": "Agent", "B": "Customer"}
    lines = (f"{roles.get(segment.speaker, segment.speaker)}: {segment.text}" for segment in segments)
    return orjson.dumps({"text": "\n".join(lines), "language": language, "segments": [turn(s) for s in segments]})


def turn(segment: Any) -> dict[str, Any]:
    """Return one segment of the transcript."""
    return {
        "speaker": segment.speaker,
        "text": segment.text,
        **span(segment),
        "words": [{"text": word.text, **span(word)} for word in segment.words],
    }


def span(heard: Any) -> dict[str, float]:
    """Return when something was said, to the millisecond, and how sure the recogniser is of it."""
    return {
        "start": round(heard.start, 3),
        "end": round(heard.end, 3),
        "confidence": round(heard.confidence, 3),
    }
