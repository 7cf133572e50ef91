"""Results out of a transcript: one file per result, all of them pure."""

from typing import Any

from callcov_portal.engine.checks import (
    coaching,
    disclosures,
    identity,
    prohibited,
    purpose,
    quality,
    sensitive,
)
from callcov_portal.engine.checks.call import Call
from callcov_portal.engine.speech.transcript import Transcript
from callcov_portal.rules import RuleSet, builtin


def assess(transcript: Transcript, ruleset: RuleSet | None = None) -> dict[str, Any]:
    """Return `results` of the analysis object: `compliance` as documented, `quality` and `coaching` as far as computed.

    Beside the documented fields stand `quote`, `speaker`, `start`, `end` and `rule` as evidence. A check that could not be
    made says `"assessed": false` with its `reason` and flags nothing. There is no `summary`, because none is computed.
    Pure: equal input, equal output. Without `ruleset` the built-in rules apply.
    """
    call = Call(transcript, ruleset or builtin())
    compliance = {
        "identity_verification": identity.check(call),
        "mandatory_disclosures": disclosures.check(call),
        "purpose_declaration": purpose.check(call),
        "prohibited_phrases": prohibited.check(call),
        "sensitive_data": sensitive.check(call),
    }
    measured = quality.check(call)
    return {
        "compliance": compliance,
        "quality": measured,
        "coaching": coaching.check(call, compliance, measured),
    }
