"""The gist of a result: key sentences, advice, effort. Read where they have a shape we know, else shown generically."""

from dataclasses import dataclass
from typing import Any

from callcov_portal.reading.generic import number, seconds_of
from callcov_portal.reading.ruled import text_of
from callcov_portal.reading.speakers import NAMED

MOST = 50
PRIORITIES = ("high", "medium", "low")


@dataclass(frozen=True)
class KeySentence:
    """A sentence that says much about the call; `start` in seconds, `speaker` agent, contact or ""."""

    text: str
    speaker: str
    start: float | None


@dataclass(frozen=True)
class Advice:
    """What to tell the agent; `priority` high, medium, low or "", `start` where its first cause can be heard."""

    text: str
    priority: str
    start: float | None


def key_sentences(results: Any) -> list[KeySentence]:
    """Return our engine's key sentences, of which its summary consists; none from any other API."""
    found = []
    for item in entries(results, "key_sentences"):
        speaker = text_of(item.get("speaker")).casefold()
        found.append(KeySentence(text_of(item["text"]), NAMED.get(speaker, ""), seconds_of(item)))
    return found


def advice(results: Any) -> list[Advice]:
    """Return the recommendations of `coaching`, in their order; an undocumented shape that is not this one gives none."""
    found = []
    for item in entries(section(results, "coaching"), "recommendations"):
        priority = text_of(item.get("priority")).casefold()
        found.append(Advice(text_of(item["text"]), priority if priority in PRIORITIES else "", seconds_of(item)))
    return found


def effort(results: Any) -> float | None:
    """Return the customer effort score, on its documented scale of 0 to 5; None where there is none."""
    score = number(section(results, "coaching").get("customer_effort_score"))
    return score if score is not None and 0 <= score <= 5 else None


def roles_note(results: Any) -> str:
    """Return what our engine says of how agent and contact were told apart, "" where there is nothing to say."""
    return text_of(section(results, "speakers").get("note"))


def section(results: Any, name: str) -> dict[str, Any]:
    """Return an object of the results, empty if it is none."""
    found = results.get(name) if isinstance(results, dict) else None
    return found if isinstance(found, dict) else {}


def entries(holder: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects of a list that have a text."""
    listed = holder.get(name) if isinstance(holder, dict) else None
    items = listed[:MOST] if isinstance(listed, list) else []
    return [item for item in items if isinstance(item, dict) and text_of(item.get("text"))]
