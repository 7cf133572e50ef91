"""The fields that a caller fills in: what is taken, and how it is described to programs.

A description says what a caller should send; a little more is taken (an IPv6 address in a URL, a time without an offset).
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from callcov_portal.rules import MOST_CHARACTERS

MAX_INTEGER = 2**31 - 1
MAX_METADATA = 16 * 1024
HEX = r"^[0-9a-fA-F]{64}$"

ID = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[^\x00-\x1f\x7f]*$"}
BLANKS = r"\x00-\x20\x7f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # dialects differ in what \s is
# What Python refuses in a host besides: characters that become one of the marks above when they are normalised.
MARKS = r"\u2047-\u2049\u2100\u2101\u2105\u2106\u2a74\ufe13\ufe16\ufe55\ufe56\ufe5f\ufe6b\uff03\uff0f\uff1a\uff1f\uff20"
NAME = rf"[^{BLANKS}{MARKS}/?#\[\]@"
URL = {
    "type": "string",
    "maxLength": 2048,
    "pattern": rf"^[hH][tT][tT][pP][sS]?://({NAME}]*@)?{NAME}:]+(:{NAME}]*)?([/?#][^{BLANKS}]*)?$",
}
MOMENT = {"type": "string", "format": "date-time", "maxLength": 64}
DIRECTION = {"type": "string", "enum": ["inbound", "outbound"]}
METADATA = {"type": "object", "description": "At most 16 kB as JSON"}
RULES = {
    "type": "string",
    "format": "rule-set",
    "maxLength": MOST_CHARACTERS,
    "description": "The rules to check the call by, as YAML (our addition); without them the built-in ones apply.",
}
SHA256 = {
    "type": "string",
    "pattern": HEX,
    "description": "SHA-256 of the rules; alone it names rules that were sent before, or the built-in ones.",
}


def or_nothing(schema: dict[str, Any]) -> WithJsonSchema:
    """Describe a field that may be left out, empty or null."""
    return WithJsonSchema({"anyOf": [schema, {"enum": ["", None]}]})


def or_empty(schema: dict[str, Any]) -> WithJsonSchema:
    """Describe a query parameter that may be left out or empty."""
    return WithJsonSchema({"anyOf": [schema, {"enum": [""]}]})


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


Id = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(printable), WithJsonSchema(ID)]
Url = Annotated[str, StringConstraints(max_length=2048), AfterValidator(printable), AfterValidator(web_address)]
Direction = Literal["inbound", "outbound"]
Timestamp = Annotated[str, StringConstraints(max_length=64), AfterValidator(iso_8601)]
Metadata = Annotated[dict[str, Any], BeforeValidator(from_text), AfterValidator(small)]
RulesText = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)]
Sha256 = Annotated[str, StringConstraints(pattern=HEX, to_lower=True)]

MaybeUrl = Annotated[Url | None, BeforeValidator(nothing), or_nothing(URL)]
MaybeDirection = Annotated[Direction | None, BeforeValidator(nothing), or_nothing(DIRECTION)]
MaybeTimestamp = Annotated[Timestamp | None, BeforeValidator(nothing), or_nothing(MOMENT)]
MaybeMetadata = Annotated[Metadata | None, BeforeValidator(nothing), or_nothing(METADATA)]
MaybeRules = Annotated[RulesText | None, BeforeValidator(nothing), or_nothing(RULES)]
MaybeSha256 = Annotated[Sha256 | None, BeforeValidator(nothing), or_nothing(SHA256)]
IdFilter = Annotated[Id | None, BeforeValidator(nothing), or_empty(ID)]
