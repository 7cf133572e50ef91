"""Results whose shape nobody documented: shown as they are, never dropped."""

import math
from dataclasses import dataclass, field
from typing import Any

SECONDS_KEYS = ("timestamp", "start", "start_time", "time")
DEEPEST = 8


@dataclass(frozen=True)
class Entry:
    """One key of a result: its label, a value in words or children, the second it points at, whether it is flagged."""

    label: str
    value: str = ""
    seconds: float | None = None
    flagged: bool = False
    children: list["Entry"] = field(default_factory=list)


def title(key: str) -> str:
    """Return a key as people read it: `talk_ratio` → `Talk ratio`."""
    words = str(key).replace("_", " ").replace("-", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]


def seconds_of(value: Any) -> float | None:
    """Return the second an object points at (its `timestamp` or `start`), or None."""
    if not isinstance(value, dict):
        return None
    for key in SECONDS_KEYS:
        if (seconds := number(value.get(key))) is not None and seconds >= 0:
            return seconds
    return None


def number(value: Any) -> float | None:
    """Return a finite number, or None for anything else (true and false are no numbers)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # JSON knows integers of any length
        return None
    return found if math.isfinite(found) else None


def words_for(value: Any) -> str:
    """Return a plain value in words."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


def walk(value: Any, depth: int = 0) -> list[Entry]:
    """Return the entries of an object or a list, in its order; a plain value gives one entry without a label."""
    if isinstance(value, dict):
        return [entry(title(key), item, depth) for key, item in value.items()]
    if isinstance(value, list):
        return [entry(str(position), item, depth) for position, item in enumerate(value, start=1)]
    return [entry("", value, depth)]


def entry(label: str, value: Any, depth: int) -> Entry:
    """Return one entry; below the deepest level the rest is shown as text."""
    if isinstance(value, dict | list) and depth < DEEPEST:
        flagged = isinstance(value, dict) and value.get("flagged") is True
        plain = "" if value else "none"
        return Entry(label, plain, seconds_of(value), flagged, walk(value, depth + 1))
    return Entry(label, words_for(value))
