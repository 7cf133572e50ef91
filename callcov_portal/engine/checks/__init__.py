"""Results out of a transcript: one file per result, all of them pure."""

from typing import Any

from callcov_portal.engine.checks import (
    coaching,
    disclosures,
    findings,
    identity,
    prohibited,
    purpose,
    quality,
    sensitive,
    summary,
)
from callcov_portal.engine.checks.call import Call
from callcov_portal.engine.speech.transcript import Transcript
from callcov_portal.rules import RuleSet, builtin


def assess(transcript: Transcript, ruleset: RuleSet | None = None) -> dict[str, Any]:
    """Return `results` of the analysis object: `compliance` as documented, `quality`, `coaching`, `summary`, and ours beside.

    Ours are `findings` (every finding of the rules with its evidence), `rules` (the rule set's name and hash),
    `key_sentences` (what the summary consists of) and `speakers` (how agent and contact were told apart). Beside the
    documented fields stand `quote`, `speaker`, `start`, `end`, `confidence` and `rule` as evidence. A check that could not
    be made says `"assessed": false` with its `reason` and flags nothing. Nothing in it holds what is sensitive.
    Pure: equal input, equal output. Without `ruleset` the built-in rules apply.
    """
    call = Call(transcript, ruleset or builtin())
    measured = quality.check(call)
    sentences = summary.check(call)
    return {
        "compliance": {
            "identity_verification": identity.check(call),
            "mandatory_disclosures": disclosures.check(call),
            "purpose_declaration": purpose.check(call),
            "prohibited_phrases": prohibited.check(call),
            "sensitive_data": sensitive.check(call),
        },
        "quality": measured,
        "coaching": coaching.check(call, measured),
        "summary": summary.as_text(sentences),
        "key_sentences": sentences,
        "findings": findings.check(call),
        "rules": {"name": call.rules.name, "hash": call.rules.hash},
        "speakers": {"roles": transcript.roles, "note": transcript.note},
    }
