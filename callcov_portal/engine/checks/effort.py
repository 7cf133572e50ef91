"""The customer effort score: how hard the call was for the contact. The scale 0 to 5 is the API's, the formula ours."""

from collections.abc import Iterator
from typing import Any

from callcov_portal.engine.checks.call import Call, not_assessed

MOST = 5.0
USUAL_MINUTES = 5.0


def check(call: Call, quality: dict[str, Any]) -> dict[str, Any]:
    """`{score, scale, components}`: 0 is no effort, 5 the most; None with a reason when the contact was not heard.

    The score is the sum of its components, at most 5:

    - the contact had to call before: 1.5
    - transfers and supervisors asked for: 1 each, at most 1.5
    - minutes on hold: 0.5 each, at most 1
    - share of the contact's segments with negative words: 2 times it, at most 1
    - complaints heard: 0.5
    - minutes beyond 5: 0.1 each, at most 1
    """
    if not any(segment.speaker != "A" for segment in call.transcript.segments):
        return {"score": None, "components": None, **not_assessed("Nothing was heard of the contact.")}
    parts = [part for part in components(call, quality) if part["points"]]
    score = min(MOST, sum(float(part["points"]) for part in parts))
    return {"score": round(score, 1), "scale": "0 no effort, 5 very high effort; our formula", "components": parts}


def components(call: Call, quality: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of the score, each with the measure that caused it."""
    yield part("quality.repeated_contacts", 1.5 * min(1, count(quality, "repeated_contacts")))
    asked = count(quality, "transfer_requests") + count(quality, "escalation_requests")
    yield part("quality.transfer_requests, quality.escalation_requests", min(1.5, asked))
    yield part("quality.hold", min(1.0, 0.5 * (quality["hold"].get("total_seconds") or 0.0) / 60))
    yield part("quality.tone", min(1.0, 2 * negative_share(call, quality)))
    yield part("quality.complaints", 0.5 * min(1, count(quality, "complaints")))
    yield part("call.duration_seconds", min(1.0, 0.1 * max(0.0, call.transcript.duration_seconds / 60 - USUAL_MINUTES)))


def count(quality: dict[str, Any], name: str) -> int:
    """How often it was heard; 0 where nobody can tell."""
    return quality[name]["count"] or 0


def part(because: str, points: float) -> dict[str, Any]:
    """One component."""
    return {"because": because, "points": round(points, 2)}


def negative_share(call: Call, quality: dict[str, Any]) -> float:
    """Of the contact's segments, the share with negative words; 0 where words of tone are not known."""
    said = sum(segment.speaker != "A" for segment in call.transcript.segments)
    negative: int = quality["tone"].get("contact", {}).get("negative", 0)
    return negative / said if said else 0.0
