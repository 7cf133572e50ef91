"""From bytes nobody vouches for to a JSON document that can be read and stored."""

import json
import math
from itertools import chain
from typing import Any

import orjson

DEEPEST = 100
MOST_CONTAINERS = 2_000_000  # an empty {} takes two bytes on the wire and 64 in memory
LARGEST = 2.0**63


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
    usual = _read_usual(body)
    return _read_any(body) if usual is UNREAD else usual


def glance(body: bytes) -> Any:
    """The document in `body` as it came: for a look at a few of its keys, whose values are cleaned by who looks.

    Raises BadDocument as `read_json` does, but takes what nests deeper.
    """
    if body.count(b"{") + body.count(b"[") > MOST_CONTAINERS:
        raise BadDocument("The answer has more objects than any analysis could have.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _read_any(body)


UNREAD = object()


def _read_usual(body: bytes) -> Any:
    """The document, if nothing in it needs cleaning, else UNREAD. A fraction of the work: an hour's call has 100,000 values."""
    if b"\\u0000" in body:
        return UNREAD
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:  # among others for lone surrogates
        return UNREAD
    return document if _is_usual(document) else UNREAD


def _is_usual(document: Any) -> bool:
    """Whether it nests no deeper than it may and all its numbers are of a usual size."""
    values = [document]
    for _ in range(DEEPEST):
        holders = [value.values() if type(value) is dict else value for value in values if type(value) in CONTAINERS]
        if not _are_usual(values):
            return False
        values = list(chain.from_iterable(holders))
        if not values:
            return True
    return _are_usual(values) and not any(type(value) in CONTAINERS for value in values)


def _are_usual(values: list[Any]) -> bool:
    """Whether all numbers among some values fit into 64 bits; what does not is read in another way by each reader."""
    numbers = [value for value in values if type(value) is float or type(value) is int]
    return not numbers or -LARGEST < min(numbers) <= max(numbers) < LARGEST


CONTAINERS = frozenset({dict, list})


def _read_any(body: bytes) -> Any:
    """The document, cleaned value by value."""
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
