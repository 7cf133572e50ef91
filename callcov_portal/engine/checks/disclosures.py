"""Requirement 2: every mandatory disclosure is read."""

from typing import Any

from callcov_portal.engine.checks.call import Call, evidence, not_assessed
from callcov_portal.rules import OMITTED


def check(call: Call) -> dict[str, Any]:
    """`{read, matched_disclosures, missing_disclosures}` by the rules' ids, and the evidence for each that was found.

    A disclosure that a rule calls optional is matched when it is read, and never missing.
    """
    if reason := call.why_not("disclosure"):
        return {"read": False, "matched_disclosures": [], "missing_disclosures": [], **not_assessed(reason)}
    found = call.of("disclosure")
    missing = [finding.rule.id for finding in found if finding.outcome == OMITTED]
    return {
        "read": not missing,
        "matched_disclosures": [finding.rule.id for finding in found if finding.match],
        "missing_disclosures": missing,
        "evidence": [evidence(call, finding.match) for finding in found if finding.match],
    }
