"""Findings as our engine lists them beside the documented results: `results.findings`, each with its evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from callcov_portal.reading.generic import number, title
from callcov_portal.reading.speakers import NAMED

MET, VIOLATED, OMITTED, NOT_ASSESSED, HEARD = "met", "violated", "omitted", "not_assessed", "heard"
GIVEN, FOUND = "given", "found"
SIGNAL = "signal"
SEVERITIES = ("high", "medium", "low")
OUTCOMES = (MET, VIOLATED, OMITTED, NOT_ASSESSED)

MOST = 2000  # findings of one call; places of one finding
LONGEST = 2000  # characters of a quote


@dataclass(frozen=True)
class Found:
    """One finding as a plain value; seconds from the recording's start, None where it has no place.

    `origin` says who came to it, `quote_origin` who took the words from the transcript. `also` and `searched` are
    as `models.Finding` keeps them.
    """

    check_id: str
    title: str
    outcome: str
    explanation: str = ""
    quote: str = ""
    quote_origin: str = GIVEN
    speaker: str = ""
    start: float | None = None
    end: float | None = None
    confidence: float | None = None
    origin: str = GIVEN
    rule: str = ""
    version: str = ""
    severity: str = ""
    also: list[dict[str, Any]] | None = None
    searched: dict[str, Any] | None = None


def rules_hash(results: Any) -> str:
    """Return the hash of the rules that a result says it was checked by, "" if it names none."""
    named = results.get("rules") if isinstance(results, dict) else None
    return text_of(named.get("hash")) if isinstance(named, dict) else ""


def ruled(results: Any) -> list[Found]:
    """Return the findings of `results.findings`. What is no finding is left out; an unknown outcome is *not assessed*.

    Never raises, whatever shape it has.
    """
    listed = results.get("findings") if isinstance(results, dict) else None
    items = listed[:MOST] if isinstance(listed, list) else []
    return [finding for item in items if isinstance(item, dict) for finding in one(item)]


def one(item: dict[str, Any]) -> Iterator[Found]:
    """Read one entry; without the name of its check it is none."""
    check = text_of(item.get("check"))
    if not check:
        return
    severity = item.get("severity")
    yield Found(
        check_id=check[:80],
        title=(text_of(item.get("title")) or title(check))[:200],
        outcome=outcome_of(item),
        explanation=text_of(item.get("explanation")),
        rule=text_of(item.get("rule"))[:64],
        version=text_of(item.get("version"))[:12],
        severity=severity if severity in SEVERITIES else "",
        also=places(item.get("also")),
        searched=window(item.get("searched")),
        **place(item),
    )


def outcome_of(item: dict[str, Any]) -> str:
    """Return the outcome of an entry; a signal that was met was heard, and is nobody's merit or fault."""
    outcome = item.get("outcome")
    if outcome not in OUTCOMES:
        return NOT_ASSESSED
    return HEARD if item.get("kind") == SIGNAL and outcome == MET else str(outcome)


def place(item: dict[str, Any]) -> dict[str, Any]:
    """Return quote, speaker, start, end (not before the start) and confidence of an entry."""
    speaker = item.get("speaker")
    start, end = second(item.get("start")), second(item.get("end"))
    return {
        "quote": text_of(item.get("quote"))[:LONGEST],
        "speaker": NAMED.get(speaker.strip().casefold(), "") if isinstance(speaker, str) else "",
        "start": start,
        "end": end if start is not None and end is not None and end >= start else None,
        "confidence": number(item.get("confidence")),
    }


def places(also: Any) -> list[dict[str, Any]] | None:
    """Return further places, or None if there are none that can be played."""
    items = also[:MOST] if isinstance(also, list) else []
    found = [place(item) for item in items if isinstance(item, dict)]
    return [each for each in found if each["start"] is not None] or None


def window(searched: Any) -> dict[str, Any] | None:
    """Return the seconds that were searched, with the nearest miss; None without both seconds."""
    if not isinstance(searched, dict):
        return None
    start, end = second(searched.get("start")), second(searched.get("end"))
    if start is None or end is None:
        return None
    return {"start": start, "end": end, "nearest": miss(searched.get("nearest"))}


def miss(nearest: Any) -> dict[str, Any] | None:
    """Return the words that came nearest; None without words."""
    if not isinstance(nearest, dict) or not text_of(nearest.get("quote")):
        return None
    found = place(nearest)
    del found["confidence"]
    return {**found, "phrase": text_of(nearest.get("phrase"))[:LONGEST], "likeness": number(nearest.get("likeness"))}


def second(value: Any) -> float | None:
    """Return a second of a recording: a number that is not negative."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def text_of(value: Any) -> str:
    """Return a text, and "" for anything else."""
    return value.strip() if isinstance(value, str) else ""
