"""What a caller may ask for: the body of a create in its three dialects, and the filters of the list."""

import math
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError

from callcov_portal.rules.loading import MOST_CHARACTERS
from callcov_portal.uploads import ReceivedFile

MAX_INTEGER = 2**31 - 1
MAX_METADATA = 16 * 1024
MAX_JSON = 1024 * 1024


class BadRequest(Exception):
    """The request cannot be used; `detail` says why, in the API's form: a sentence or a list of fields."""

    def __init__(self, detail: str | list[dict[str, Any]]) -> None:
        super().__init__(str(detail))
        self.detail = detail


def printable(text: str) -> str:
    """Refuse what no database and no log line carries: NUL and other control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("Control characters are not allowed")
    return text


def web_address(text: str) -> str:
    """Refuse what is no http or https URL. Whether its host may be reached is checked when it is."""
    parts = urlsplit(text)  # a ValueError of its own for a broken IPv6 address
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or any(c.isspace() for c in text):
        raise ValueError("A URL that begins with http:// or https:// is needed")
    return text


def iso_8601(text: str) -> str:
    """Refuse what is no date and time in ISO 8601; it is kept as it was written."""
    datetime.fromisoformat(text)
    return text


def small(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse metadata of more than 16 kB as JSON, or nested deeper than our own writer goes (250 levels)."""
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError as error:
        raise ValueError("Metadata may not be nested that deep") from error
    if size > MAX_METADATA:
        raise ValueError("At most 16 kB of metadata are kept")
    return value


def from_text(value: Any) -> Any:
    """Read an object that came as text, as it must in a form."""
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError as error:
        raise ValueError("A JSON object is needed") from error


def nothing(value: Any) -> Any:
    """Take an empty text for a field that was not given."""
    return None if value == "" else value


Id = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(printable)]
Url = Annotated[str, StringConstraints(max_length=2048), AfterValidator(printable), AfterValidator(web_address)]
Timestamp = Annotated[str, StringConstraints(max_length=64), AfterValidator(iso_8601)]
RulesText = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
Metadata = Annotated[dict[str, Any], BeforeValidator(from_text), AfterValidator(small)]


class Order(Schema):
    """A create: one recording by link or as a file (which is not part of this), whose call it is, what to check it by."""

    audio_url: Annotated[Url | None, BeforeValidator(nothing)] = None
    agent_id: Id
    contact_id: Id
    webhook_url: Annotated[Url | None, BeforeValidator(nothing)] = None
    call_direction: Annotated[Literal["inbound", "outbound"] | None, BeforeValidator(nothing)] = None
    call_timestamp: Annotated[Timestamp | None, BeforeValidator(nothing)] = None
    metadata: Annotated[Metadata | None, BeforeValidator(nothing)] = None
    rules: Annotated[RulesText | None, BeforeValidator(nothing)] = None
    rules_sha256: Annotated[Sha256 | None, BeforeValidator(nothing)] = None


class Filters(Schema):
    """The list's query: filters that combine, and paging by offset."""

    status_filter: Annotated[Literal["processing", "completed", "failed"] | None, BeforeValidator(nothing)] = None
    agent_id: Annotated[Id | None, BeforeValidator(nothing)] = None
    contact_id: Annotated[Id | None, BeforeValidator(nothing)] = None
    search: Annotated[Id | None, BeforeValidator(nothing)] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=MAX_INTEGER)] = 0


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
    return value if not isinstance(value, int) or abs(value) <= MAX_INTEGER else str(value)[:100]


def complaint(kind: str, where: list[str], message: str, given: Any) -> dict[str, Any]:
    """Return one entry of the `detail` list."""
    return {"type": kind, "loc": where, "msg": message, "input": given}
