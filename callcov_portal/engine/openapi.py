"""How the operations are described in `/api/v1/openapi.json`.

The classes describe and do not serialise: the answers are written by `wire.py`, and a test holds one to the other.
"""

from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

ABOUT = (
    "The CallCov API as this program serves it locally. What the public documentation leaves open is filled in by "
    "our own choices, which are marked as such."
)
SECURITY = {
    "components": {
        "securitySchemes": {
            "Bearer": {"type": "http", "scheme": "bearer", "description": "An API key, sk_live_… or sk_test_…"},
            "XApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    },
    "security": [{"Bearer": []}, {"XApiKey": []}],
}


class Progress(Schema):
    """How far a running analysis is (an addition of this engine)."""

    stage: str
    fraction: float = Field(ge=0, le=1)


class Call(Schema):
    """The call, in the caller's words, and its measured length."""

    agent_id: str
    contact_id: str
    duration_ms: int | None
    duration_seconds: float | None
    call_type: str | None = None
    call_timestamp: str | None = None
    metadata: dict[str, Any] | None = None


class Audio(Schema):
    """The recording."""

    url: str
    duration_seconds: float | None
    format: str | None
    file_size: int | None
    size_bytes: int | None


class Segment(Schema):
    """One speaker's stretch of speech; times in seconds."""

    speaker: str
    text: str
    start: float
    end: float
    confidence: float
    words: list[dict[str, Any]]


class Transcript(Schema):
    """What was said."""

    text: str
    language: str
    segments: list[Segment]


class Metadata(Schema):
    """The analysis' own particulars; `completed_at` in Unix seconds."""

    processing_time_ms: int | None
    version: str
    webhook_url: str | None
    completed_at: int | None
    error_message: str | None


class Analysis(Schema):
    """One analysis; `created` in Unix seconds."""

    id: UUID
    object: Literal["analysis"]
    created: int
    status: Literal["processing", "completed", "failed"]
    livemode: bool
    call: Call
    audio: Audio
    transcript: Transcript | None
    results: dict[str, Any] | None
    metadata: Metadata
    error_message: str | None = None
    progress: Progress | None = None
    analysis_id: UUID | None = None


class Page(Schema):
    """One page of the list; the names of the paging fields are this engine's choice."""

    object: Literal["list"]
    data: list[Analysis]
    has_more: bool
    total: int
    limit: int
    offset: int


class Error(Schema):
    """Any error: one sentence, or one entry per field that cannot be used; `error` stands beside it in 411, 413 and 422."""

    detail: str | list[dict[str, Any]]
    error: dict[str, Any] | None = None


COMMON = {401: Error, 429: Error, 503: Error}
FIELDS = {
    "agent_id": {"type": "string", "minLength": 1, "maxLength": 255},
    "contact_id": {"type": "string", "minLength": 1, "maxLength": 255},
    "webhook_url": {"type": "string", "format": "uri", "maxLength": 2048},
    "call_direction": {"type": "string", "enum": ["inbound", "outbound"]},
    "call_timestamp": {"type": "string", "format": "date-time"},
    "metadata": {"type": "object"},
}


def body(audio: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the description of one dialect of the create body."""
    required = [audio, "agent_id", "contact_id"]
    return {"schema": {"type": "object", "required": required, "properties": {audio: schema, **FIELDS}}}


CREATE: dict[str, Any] = {
    "response": {201: Analysis, 400: Error, 413: Error, 422: Error, 507: Error, **COMMON},
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": body("audio_url", {"type": "string", "format": "uri", "maxLength": 2048}),
                "multipart/form-data": body("audio_file", {"type": "string", "format": "binary"}),
            },
        },
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string", "maxLength": 255},
                "description": "The same key again returns the first analysis and creates nothing (our addition).",
            }
        ],
    },
}
LIST: dict[str, Any] = {"response": {200: Page, 400: Error, **COMMON}}
RETRIEVE: dict[str, Any] = {"response": {200: Analysis, 404: Error, **COMMON}}
AUDIO: dict[str, Any] = {
    "response": {404: Error, **COMMON},
    "openapi_extra": {
        "responses": {
            200: {
                "description": "The audio as it was uploaded",
                "content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}},
            }
        }
    },
}
