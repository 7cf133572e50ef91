"""What a caller may ask for: the body of a create in its three dialects, and the filters of the list."""

import math
from typing import Annotated, Any, cast

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from ninja import Schema
from pydantic import BeforeValidator, Field, ValidationError

from callcov_portal.engine import fields
from callcov_portal.engine.models import State
from callcov_portal.uploads import ReceivedFile

MAX_JSON = 1024 * 1024


class BadRequest(Exception):
    """The request cannot be used; `detail` says why, in the API's form: a sentence or a list of fields."""

    def __init__(self, detail: str | list[dict[str, Any]]) -> None:
        super().__init__(str(detail))
        self.detail = detail


class Order(Schema):
    """A create: one recording by link or as a file (which is not part of this), whose call it is, what to check it by."""

    audio_url: Annotated[fields.Url | None, BeforeValidator(fields.nothing)] = None
    agent_id: fields.Id
    contact_id: fields.Id
    webhook_url: fields.MaybeUrl = None
    call_direction: fields.MaybeDirection = None
    call_timestamp: fields.MaybeTimestamp = None
    metadata: fields.MaybeMetadata = None
    rules: fields.MaybeRules = None
    rules_sha256: fields.MaybeSha256 = None


class Filters(Schema):
    """The list's query: filters that combine, and paging by offset."""

    status_filter: Annotated[State | None, BeforeValidator(fields.nothing), fields.or_empty({"enum": State.values})] = (
        None
    )
    agent_id: fields.IdFilter = None
    contact_id: fields.IdFilter = None
    search: fields.IdFilter = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=fields.MAX_INTEGER)] = 0


def read_order(request: HttpRequest) -> tuple[Order, ReceivedFile | None]:
    """Return what a create asks for, and its file if it brings one.

    JSON and forms are told apart by Content-Type. Raises `BadRequest` for a body that cannot be used, and what
    Django raises for one that cannot even be read.
    """
    kind = request.content_type or ""
    if kind == "application/json" or kind.endswith("+json"):
        return check(read_json(request), None, required="audio_url"), None
    if kind == "multipart/form-data":
        file = cast("ReceivedFile | None", request.FILES.get("audio_file"))
        required = "audio_url" if "audio_url" in request.POST and file is None else "audio_file"
        return check(request.POST.dict(), file, required=required), file
    raise BadRequest("Send a JSON body (application/json) or a form with a file (multipart/form-data)")


def read_json(request: HttpRequest) -> dict[str, Any]:
    """Return the body's JSON object; anything else raises `BadRequest`, more than 1 MB `RequestDataTooBig`."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_JSON:
        raise RequestDataTooBig("A JSON body may have at most 1 MB.")
    try:
        document = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object")
    return document


def check(given: dict[str, Any], file: ReceivedFile | None, *, required: str) -> Order:
    """Return the order if everything required is there and of the right form; `required` names the audio's field."""
    if file is None and given.get("audio_file") and required == "audio_file":
        raise BadRequest(
            [complaint("file_type", ["body", "audio_file"], "A file with a name is needed, not a text", {})]
        )
    absent = [required] if file is None and required not in given else []
    absent += [name for name in ("agent_id", "contact_id") if name not in given]
    if absent:
        raise BadRequest([complaint("missing", ["body", name], "Field required", {}) for name in absent])
    if file is None and (given[required] is None or given[required] == ""):
        raise BadRequest(f"{required} is required")
    try:
        return Order.model_validate(given)
    except ValidationError as error:
        raise BadRequest([complaint_about(found, "body") for found in error.errors()]) from error


def complaint_about(error: Any, place: str) -> dict[str, Any]:
    """Return one of pydantic's errors in the API's form, without echoing back more than a glimpse of the input."""
    where = [place, *(str(part) for part in error["loc"] if part != place)]
    value = error.get("input")
    if not isinstance(value, str | int | float | bool | None) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        value = {}
    return complaint(error["type"], where, error["msg"].removeprefix("Value error, "), shortened(value))


def shortened(value: Any) -> Any:
    """Return a value as an error may show it: texts and whole numbers that a reader of JSON can take."""
    if isinstance(value, str):
        return value[:100]
    return value if not isinstance(value, int) or abs(value) <= fields.MAX_INTEGER else str(value)[:100]


def complaint(kind: str, where: list[str], message: str, given: Any) -> dict[str, Any]:
    """Return one entry of the `detail` list."""
    return {"type": kind, "loc": where, "msg": message, "input": given}
