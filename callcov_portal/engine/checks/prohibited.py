"""Requirement 4: nothing prohibited is said."""

from typing import Any

from callcov_portal.engine.checks.call import Call, evidence, not_assessed, seconds


def check(call: Call) -> dict[str, Any]:
    """`{used, instances}`; what an instance holds is ours: the phrase, when, the words, the rule and how grave."""
    if reason := call.why_not("prohibited"):
        return {"used": False, "instances": [], **not_assessed(reason)}
    instances = [
        {
            "phrase": match.phrase,
            "title": match.rule.title,
            "severity": match.rule.severity,
            "timestamp": seconds(match.start),
            **evidence(call, match),
        }
        for finding in call.of("prohibited")
        if (match := finding.match)
    ]
    return {"used": bool(instances), "instances": instances}
