"""Every finding of the rules with its evidence, as one list; our addition beside the documented results."""

from typing import Any

from callcov_portal.engine.checks.call import Call, place, seconds
from callcov_portal.rules import Finding, Match, Miss, Searched


def check(call: Call) -> list[dict[str, Any]]:
    """The findings in the order of the rules."""
    return [finding_of(call, finding) for finding in call.findings]


def finding_of(call: Call, finding: Finding) -> dict[str, Any]:
    """One finding: what was checked, by which version of which rule, what came of it and where that can be heard."""
    rule = finding.rule
    where = heard(call, finding.match) if finding.match else NOWHERE
    return {
        "check": finding.check_id,
        "rule": rule.id,
        "version": rule.version,
        "title": finding.title,
        "kind": finding.kind,
        "severity": rule.severity,
        "outcome": finding.outcome,
        **where,
        "explanation": finding.explanation,
        "also": [heard(call, match) for match in finding.also],
        "searched": searched(call, finding.searched) if finding.searched else None,
    }


NOWHERE: dict[str, Any] = dict.fromkeys(("quote", "speaker", "start", "end", "confidence"))


def heard(call: Call, match: Match) -> dict[str, Any]:
    """Where something was said, and how sure that is."""
    return {**place(call, match), "confidence": match.confidence}


def searched(call: Call, where: Searched) -> dict[str, Any]:
    """The seconds in which something would have counted, and what came nearest to it."""
    nearest = miss(call, where.nearest) if where.nearest else None
    return {"start": seconds(where.start), "end": seconds(where.end), "nearest": nearest}


def miss(call: Call, near: Miss) -> dict[str, Any]:
    """Words that were not what was asked for; `likeness` from 0 to 1."""
    return {**place(call, near), "phrase": near.phrase, "likeness": round(near.likeness / 100, 3)}
