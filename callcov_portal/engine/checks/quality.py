"""How the call went: only what can be measured. What cannot be known is null, with the reason beside it."""

from typing import Any

from callcov_portal.engine.checks import dynamics, tone
from callcov_portal.engine.checks.call import Call, evidence, instances, not_assessed, seconds

HEARD = {
    "empathy": "empathy",
    "verification": "verification",
    "promises": "promise",
    "complaints": "complaint",
    "dissatisfaction": "dissatisfaction",
    "escalation_requests": "escalation",
    "intentions_to_leave": "churn",
    "repeated_contacts": "repeat_contact",
    "transfer_requests": "transfer",
}
"""Measures that count what was heard, and the checks of the rules they count."""
PARTS = ("greeting", "identity", "purpose", "disclosure", "verification", "hold", "promise", "closing")
"""The parts of a call in the order in which they usually come."""


def check(call: Call) -> dict[str, Any]:
    """The measures by name; every one is an object, so that evidence can stand beside the value."""
    return {
        "greeting": phrase(call, "greeting"),
        "closing": phrase(call, "closing"),
        **{name: heard(call, served) for name, served in HEARD.items()},
        "talk_ratio": dynamics.talk_ratio(call),
        "silence": dynamics.silence(call),
        "hold": dynamics.hold(call),
        "interruptions": dynamics.interruptions(call),
        "speech_rate": dynamics.speech_rate(call),
        "tone": tone.check(call),
        "call_structure": structure(call),
    }


def phrase(call: Call, check: str) -> dict[str, Any]:
    """Whether something that belongs into every call was said: `{given, timestamp, flagged}`."""
    if reason := call.why_not(check):
        return {"given": None, "timestamp": None, "flagged": False, **not_assessed(reason)}
    first = next(iter(call.places(check)), None)
    if first is None:
        return {"given": False, "timestamp": None, "flagged": True}
    return {"given": True, "timestamp": seconds(first.start), "flagged": False, **evidence(call, first)}


def heard(call: Call, check: str) -> dict[str, Any]:
    """How often something was said, and where."""
    if reason := call.why_not(check):
        return {"count": None, "instances": None, **not_assessed(reason)}
    found = instances(call, call.places(check))
    return {"count": len(found), "instances": found}


def structure(call: Call) -> dict[str, Any]:
    """Who spoke first, and when each part of the call was first heard, in order of time; parts not heard are left out."""
    segments = call.transcript.segments
    if not segments:
        return {"first_speaker": None, "parts": None, **not_assessed("Nothing was said.")}
    begun = {part: call.places(part)[0] for part in PARTS if call.places(part)}
    parts = [{"part": part, "timestamp": seconds(match.start)} for part, match in begun.items()]
    return {
        "first_speaker": segments[0].speaker,
        "parts": sorted(parts, key=lambda part: float(str(part["timestamp"]))),
    }
