"""The API's operations: HTTP in, wire format out."""

import logging
import uuid
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from ninja import NinjaAPI, Query
from ninja.errors import HttpError
from ninja.errors import ValidationError as InvalidQuery

from callcov_portal import sound, uploads
from callcov_portal.engine import intake, openapi, tasks, wire
from callcov_portal.engine.gate import EngineRequest
from callcov_portal.engine.models import Job
from callcov_portal.engine.orders import BadRequest, Filters, complaint_about, read_order

logger = logging.getLogger(__name__)
api = NinjaAPI(
    title="callcov_portal engine",
    version=wire.VERSION,
    description=openapi.ABOUT,
    docs_url=None,
    openapi_extra=openapi.SECURITY,
)


@api.post("/analysis", **openapi.CREATE, include_in_schema=False)
@api.post("/analysis/", **openapi.CREATE)
def create_analysis(request: EngineRequest) -> HttpResponse:
    """Submit a recording, by link or as a file. An Idempotency-Key makes repeating it safe."""
    return wire.answer(wire.analysis(submit(request)), 201)


@api.post("/calls/analyze/", **openapi.CREATE, include_in_schema=False)
@api.post("/calls/analyze", **openapi.CREATE)
def analyze_call(request: EngineRequest) -> HttpResponse:
    """The same under its other documented path: the answer names the id a second time."""
    job = submit(request)
    return wire.answer({**wire.analysis(job), "analysis_id": str(job.pk)}, 201)


def submit(request: EngineRequest) -> Job:
    """Take the request's recording in and ring for it; nothing is rung for a repetition."""
    repetition_key = read_idempotency_key(request)
    order, file = read_order(request)
    job, new = intake.accept(request.api_key, order, file, base_url=base_url(request), idempotency_key=repetition_key)
    if new:
        tasks.ring(tasks.work, job.pk)
    return job


def read_idempotency_key(request: HttpRequest) -> str | None:
    """Return the Idempotency-Key; raises `BadRequest` for one of more than 255 characters."""
    given = request.headers.get("Idempotency-Key", "").strip()
    if len(given) > 255:
        raise BadRequest("The Idempotency-Key may have at most 255 characters")
    return given or None


def base_url(request: HttpRequest) -> str:
    """Return the address under which the caller reached the API. Its key guards the API, so any Host will do."""
    try:
        return request.build_absolute_uri("/api/v1")
    except DisallowedHost:
        return wire.own_address()


@api.get("/analysis", **openapi.LIST, include_in_schema=False)
@api.get("/analysis/", **openapi.LIST)
def list_analyses(request: EngineRequest, filters: Query[Filters]) -> StreamingHttpResponse:
    """List analyses with their transcripts and results, the newest first."""
    jobs = matching(visible(request), filters)
    pieces = wire.page(jobs, jobs.count(), filters.limit, filters.offset)
    return StreamingHttpResponse(pieces, content_type="application/json")


def visible(request: EngineRequest) -> QuerySet[Job]:
    """Return the jobs that the caller may see: all of the key's mode, also those made with a key since replaced."""
    return Job.objects.filter(livemode=request.api_key.livemode).select_related("outcome")


def matching(jobs: QuerySet[Job], filters: Filters) -> QuerySet[Job]:
    """Return the jobs that pass every filter, the newest first, in an order without ties."""
    if filters.status_filter:
        jobs = jobs.filter(state=filters.status_filter)
    if filters.agent_id:
        jobs = jobs.filter(agent_id=filters.agent_id)
    if filters.contact_id:
        jobs = jobs.filter(contact_id=filters.contact_id)
    if filters.search:
        jobs = jobs.filter(ids_folded__contains=intake.folded(filters.search))
    return jobs.order_by("-created_at", "-id")


@api.get("/analysis/{uuid:analysis_id}/", **openapi.RETRIEVE, include_in_schema=False)
@api.get("/analysis/{uuid:analysis_id}", **openapi.RETRIEVE)
def retrieve_analysis(request: EngineRequest, analysis_id: uuid.UUID) -> HttpResponse:
    """Return one analysis."""
    return wire.answer(wire.analysis(find(request, analysis_id)))


@api.get("/analysis/{uuid:analysis_id}/audio", **openapi.AUDIO)
def retrieve_audio(request: EngineRequest, analysis_id: uuid.UUID) -> FileResponse:
    """Return the audio that was uploaded for an analysis, while the engine keeps it (not CallCov's: ours)."""
    job = find(request, analysis_id)
    try:
        file = intake.audio_path(job).open("rb") if job.audio_file else None
    except FileNotFoundError:
        file = None
    if file is None:
        raise HttpError(404, "The audio is not kept any more")
    return FileResponse(file, content_type=openapi.MIME.get(job.audio_format, "application/octet-stream"))


def find(request: EngineRequest, analysis_id: uuid.UUID) -> Job:
    """Return one of the caller's jobs; 404 if there is none."""
    job = visible(request).filter(pk=analysis_id).first()
    if job is None:
        raise HttpError(404, wire.NOT_FOUND)
    return job


# --- Errors: whatever happens, the answer is JSON -------------------------------------------------------------------


@api.exception_handler(BadRequest)
def refuse_request(_request: HttpRequest, error: BadRequest) -> HttpResponse:
    """Answer a body that cannot be used."""
    return wire.error(400, error.detail)


@api.exception_handler(InvalidQuery)
def refuse_query(_request: HttpRequest, error: InvalidQuery) -> HttpResponse:
    """Answer a query that cannot be used."""
    return wire.error(400, [complaint_about(found, "query") for found in error.errors])


@api.exception_handler(sound.SoundError)
def refuse_audio(_request: HttpRequest, error: sound.SoundError) -> HttpResponse:
    """Answer a file that is no audio we take: the documented sentence, and beside it what is wrong with this one."""
    if isinstance(error, sound.NotAudio | sound.TooLong):
        return wire.error(422, wire.BAD_AUDIO, error={"code": error.code, "message": str(error)})
    logger.error("Audio cannot be read: %s", error)
    return wire.error(503, str(error))


@api.exception_handler(HttpError)
def refuse(_request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer what an operation refused by itself."""
    return wire.error(error.status_code, str(error))


@api.exception_handler(Exception)
def report(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer what nobody foresaw: the caller learns the status, the log learns the rest."""
    if isinstance(error, RequestDataTooBig) and not isinstance(error, uploads.DiskFull):
        return wire.too_large(str(error), settings.CALLCOV_MAX_UPLOAD_MB if isinstance(error, uploads.TooLarge) else 1)
    status, sentence = verdict(error)
    if status >= 500:
        logger.error("%s %s failed.", request.method, request.path, exc_info=error)
    return wire.error(status, sentence)


def verdict(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence for an exception."""
    match error:
        case uploads.DiskFull():
            return 507, str(error)
        case MultiPartParserError() | SuspiciousOperation() | UnreadablePostError():
            return 400, f"The body could not be read: {error}"
        case DatabaseError():
            return 503, "The engine cannot reach its database; try again."
        case _:
            return 500, "Internal server error"


# --- Beside the API --------------------------------------------------------------------------------------------------


def health(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers; needs no key."""
    return wire.answer({"status": "ok"})


def any_error(status: int) -> Any:
    """Return a handler for the errors that Django answers itself, outside the API's operations."""

    def handler(_request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
        return wire.error(status, HTTPStatus(status).phrase)

    return handler
