"""Requirement 1: the agent says who they are within the first 15 seconds."""

from typing import Any

from callcov_portal.engine.checks.call import Call, evidence, not_assessed, seconds

LIMIT_SECONDS = 15.0


def check(call: Call) -> dict[str, Any]:
    """`{verified, timestamp, flagged}` and the evidence; `flagged` when the name is missing (then no `timestamp`) or comes too late."""
    if reason := call.why_not("identity"):
        return {"verified": False, "flagged": False, **not_assessed(reason)}
    match = call.first("identity")
    if match is None:
        return {"verified": False, "flagged": True}
    return {
        "verified": True,
        "timestamp": seconds(match.start),
        "flagged": match.start > LIMIT_SECONDS,
        **evidence(match),
    }
