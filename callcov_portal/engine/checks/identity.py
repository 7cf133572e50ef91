"""Requirement 1: the agent says who they are within the first 15 seconds."""

from typing import Any

from callcov_portal.engine.checks.call import Call, evidence, not_assessed, seconds

LIMIT_SECONDS = 15.0
"""What the API documents; it holds whatever deadline a rule sets."""


def check(call: Call) -> dict[str, Any]:
    """`{verified, timestamp, flagged}` and the evidence; `flagged` when the name is missing (then no `timestamp`) or comes too late."""
    if reason := call.why_not("identity"):
        return {"verified": False, "flagged": False, **not_assessed(reason)}
    first = next(iter(call.places("identity")), None)
    if first is None:
        return {"verified": False, "flagged": True}
    late = first.start > LIMIT_SECONDS
    return {"verified": True, "timestamp": seconds(first.start), "flagged": late, **evidence(call, first)}
