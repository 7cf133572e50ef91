"""Where in the transcript a second lies."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One segment as a plain value; start and end in seconds."""

    speaker: str
    text: str
    start: float
    end: float


REACH = 2.0  # seconds a timestamp may lie beside the words it means


def line_at(lines: Sequence[Line], seconds: float) -> Line | None:
    """Return the line spoken at a second, else the nearest one within 2 s, else None."""
    nearest = min(lines, key=lambda line: distance(line, seconds), default=None)
    return nearest if nearest and distance(nearest, seconds) <= REACH else None


def distance(line: Line, seconds: float) -> float:
    """Return how many seconds lie between a second and a line: 0 inside it."""
    return max(line.start - seconds, seconds - line.end, 0.0)
