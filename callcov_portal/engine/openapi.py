"""How the operations are described in `/api/v1/openapi.json`; the documents that they answer are in `documents.py`."""

from typing import Any

from callcov_portal.engine.documents import Analysis, Error, ErrorWithParticulars, Page
from callcov_portal.engine.fields import URL
from callcov_portal.engine.orders import Order

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
MIME = {
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "m4a": "audio/mp4",
    "mpeg": "audio/mpeg",
    "mpga": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "webm": "audio/webm",
}


def a_number(description: str, least: int) -> dict[str, Any]:
    """Return the description of a header that is always sent."""
    return {"description": description, "required": True, "schema": {"type": "integer", "minimum": least}}


BUDGET = {
    "X-RateLimit-Limit": a_number("Requests per minute", 1),
    "X-RateLimit-Remaining": a_number("What is left of them", 0),
    "X-RateLimit-Reset": a_number("When more is left, in Unix seconds", 1),
}
WAIT = {"Retry-After": a_number("Seconds to wait", 1)}
REFUSALS = {401: Error, 429: Error, 503: Error}


def operation(responses: dict[int, Any], **extra: Any) -> dict[str, Any]:
    """Return what an operation's decorator takes: its answers, each with the headers that are always there."""
    answers = {**responses, **REFUSALS}
    headers = {status: {"headers": {**BUDGET, **(WAIT if status == 429 else {})}} for status in answers}
    return {"response": answers, "openapi_extra": {"responses": headers, **extra}}


def described_fields(*nothing: str | None) -> dict[str, Any]:
    """Return the fields of a create beside the audio; `nothing` are the values that count as not given."""
    fields: dict[str, Any] = Order.model_json_schema()["properties"]
    del fields["audio_url"]
    for name, field in fields.items():
        if "anyOf" in field:
            fields[name] = {**field, "anyOf": [field["anyOf"][0], {"enum": list(nothing)}]}
            fields[name].pop("default")
    return fields


def body(audio: str, schema: dict[str, Any], *nothing: str | None) -> dict[str, Any]:
    """Return the description of one dialect of the create body."""
    properties = {audio: schema, **described_fields(*nothing)}
    return {"schema": {"type": "object", "required": [audio, "agent_id", "contact_id"], "properties": properties}}


FILE = {
    "type": "string",
    "format": "binary",
    "description": "One of flac mp3 mp4 mpeg mpga m4a ogg wav webm, at most 500 MB unless the operator says otherwise. "
    "A link may be sent as audio_url in its place (our addition).",
}
METADATA_IS_JSON = {"metadata": {"contentType": "application/json"}}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 255},
    "description": "The same key again returns the first analysis and creates nothing (our addition).",
}
CREATE = operation(
    {
        201: Analysis,
        400: Error,
        411: ErrorWithParticulars,
        413: ErrorWithParticulars,
        422: ErrorWithParticulars,
        507: Error,
    },
    requestBody={
        "required": True,
        "content": {
            "application/json": body("audio_url", URL, "", None),
            "multipart/form-data": {**body("audio_file", FILE, ""), "encoding": METADATA_IS_JSON},
        },
    },
    parameters=[IDEMPOTENCY_KEY],
)
LIST = operation({200: Page, 400: Error})
RETRIEVE = operation({200: Analysis, 404: Error})
AUDIO = operation({404: Error})
AUDIO["openapi_extra"]["responses"][200] = {
    "description": "The audio as it was uploaded",
    "headers": BUDGET,
    "content": {mime: {"schema": {"type": "string", "format": "binary"}} for mime in sorted(set(MIME.values()))},
}
