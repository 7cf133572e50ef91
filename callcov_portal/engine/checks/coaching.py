"""What to tell the agent, each recommendation tied to the results that caused it."""

from collections.abc import Iterator
from typing import Any

from callcov_portal.engine.checks.call import Call

RANKS = {"high": 0, "medium": 1, "low": 2}


def check(call: Call, compliance: dict[str, Any], quality: dict[str, Any]) -> dict[str, Any]:
    """`{recommendations}`, the gravest first: `priority`, `text`, `because` (paths into the results) and, where known, `timestamp`.

    There is no customer effort score: nothing here measures it.
    """
    found = [*for_compliance(call, compliance), *for_quality(call, quality)]
    found.sort(key=lambda each: RANKS[each["priority"]])
    return {"recommendations": found}


def for_compliance(call: Call, compliance: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """From the five requirements."""
    for check, name in (("identity", "identity_verification"), ("purpose", "purpose_declaration")):
        if compliance[name]["flagged"]:
            rule = call.applicable(check)[0]
            yield recommendation(rule.severity, rule.advice, f"compliance.{name}", compliance[name].get("start"))
    missing = compliance["mandatory_disclosures"]["missing_disclosures"]
    for rule in call.applicable("disclosure"):
        if rule.id in missing:
            yield recommendation(rule.severity, rule.advice, f"compliance.mandatory_disclosures.{rule.id}")
    said: dict[str, float] = {}
    for instance in compliance["prohibited_phrases"]["instances"]:
        said.setdefault(instance["rule"], instance["timestamp"])
    for rule in call.applicable("prohibited"):
        if rule.id in said:
            yield recommendation(rule.severity, rule.advice, f"compliance.prohibited_phrases.{rule.id}", said[rule.id])


def for_quality(call: Call, quality: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """From what was measured: what is missing, and what the contact said that asks for an answer."""
    for name in ("greeting", "closing"):
        if quality[name]["flagged"]:
            rule = call.applicable(name)[0]
            yield recommendation(rule.severity, rule.advice, f"quality.{name}")
    complaints = quality["complaints"]["instances"] or []
    if complaints and quality["empathy"]["count"] == 0:
        rule = call.applicable("empathy")[0]
        yield recommendation("high", rule.advice, "quality.complaints", complaints[0]["timestamp"], "quality.empathy")
    for check, name in (("escalation", "escalation_requests"), ("churn", "intentions_to_leave")):
        if found := quality[name]["instances"]:
            rule = call.applicable(check)[0]
            yield recommendation(rule.severity, rule.advice, f"quality.{name}", found[0]["timestamp"])


def recommendation(priority: str, text: str, because: str, moment: float | None = None, *more: str) -> dict[str, Any]:
    """One piece of advice."""
    when = {} if moment is None else {"timestamp": moment}
    return {"priority": priority, "text": text, "because": [because, *more], **when}
