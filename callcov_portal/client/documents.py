"""From bytes nobody vouches for to a JSON document that can be read and stored."""

import json
import math
from typing import Any

DEEPEST = 100
MOST_CONTAINERS = 2_000_000  # an empty {} takes two bytes on the wire and 64 in memory


class BadDocument(ValueError):
    """The bytes are not a document that can be used; the message says why."""


def read_json(body: bytes) -> Any:
    """The document in `body`, cleaned so that every database can store it.

    NaN, infinite numbers and integers beyond 64 bits become None; NUL and lone surrogates in texts become U+FFFD. Raises BadDocument for
    anything that is not JSON, nests deeper than 100 levels, holds an integer of thousands of digits or has more
    than two million objects and lists.
    """
    if body.count(b"{") + body.count(b"[") > MOST_CONTAINERS:
        raise BadDocument("The answer has more objects than any analysis could have.")
    try:
        return _clean(json.loads(body, parse_constant=lambda _: None), DEEPEST)
    except RecursionError as error:
        raise BadDocument("The answer is nested too deeply.") from error
    except BadDocument:
        raise
    except ValueError as error:  # includes broken UTF-8 and integers of more than 4,300 digits
        raise BadDocument("The answer is not JSON.") from error


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < 2**63 else None
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise BadDocument("The answer is nested too deeply.")
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    return {clean_text(key): _clean(item, depth - 1) for key, item in value.items()}


def clean_text(text: str) -> str:
    """`text` without what PostgreSQL or UTF-8 cannot hold."""
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
