"""Requirement 3: the purpose of the call is stated within the agent's first four interactions."""

from typing import Any

from callcov_portal.engine.checks.call import Call, evidence, not_assessed

LIMIT_INTERACTIONS = 4
"""What the API documents; it holds whatever deadline a rule sets."""


def check(call: Call) -> dict[str, Any]:
    """`{disclosed, interaction_number, flagged}` and the evidence; `flagged` when it is missing (then no number) or comes too late.

    An interaction is what the agent says until the contact takes the turn, however many segments that is.
    """
    if reason := call.why_not("purpose"):
        return {"disclosed": False, "flagged": False, **not_assessed(reason)}
    first = next(iter(call.places("purpose")), None)
    if first is None:
        return {"disclosed": False, "flagged": True}
    return {
        "disclosed": True,
        "interaction_number": first.interaction,
        "flagged": first.interaction > LIMIT_INTERACTIONS,
        **evidence(call, first),
    }
