"""Requirement 2: every mandatory disclosure is read."""

from typing import Any

from callcov_portal.engine.checks.call import Call, evidence, not_assessed


def check(call: Call) -> dict[str, Any]:
    """`{read, matched_disclosures, missing_disclosures}` by the rules' ids, and the evidence for each that was found."""
    if reason := call.why_not("disclosure"):
        return {"read": False, "matched_disclosures": [], "missing_disclosures": [], **not_assessed(reason)}
    found = {rule.id: call.talk.first([rule]) for rule in call.applicable("disclosure")}
    missing = [name for name, match in found.items() if match is None]
    return {
        "read": not missing,
        "matched_disclosures": [name for name, match in found.items() if match],
        "missing_disclosures": missing,
        "evidence": [evidence(match) for match in found.values() if match],
    }
