"""What to tell the agent, each recommendation tied to the findings or measures that caused it."""

from collections.abc import Iterator, Sequence
from typing import Any

from callcov_portal.engine.checks import effort
from callcov_portal.engine.checks.call import Call, seconds
from callcov_portal.engine.speech.transcript import AGENT
from callcov_portal.rules import MET, OMITTED, VIOLATED, Finding

RANKS = {"high": 0, "medium": 1, "low": 2}
TALKATIVE = 0.75
HASTY = 200  # words a minute
INTERRUPTING = 2
LONG_SILENCE = 10.0  # seconds
SIGNALS = ("escalation", "churn", "complaint")
"""What a contact says that asks for an answer."""


def check(call: Call, quality: dict[str, Any]) -> dict[str, Any]:
    """`{recommendations, customer_effort_score, customer_effort}`, the gravest recommendation first.

    A recommendation has `priority`, `text`, `because` (each a check or a measure, with the rule and the second where there
    is one) and, where known, `timestamp`. The score's key and scale are documented, its formula is ours (effort.py).
    """
    found = [*for_findings(call), *for_measures(quality)] if spoke(call) else []
    found.sort(key=lambda each: RANKS[each["priority"]])
    difficulty = effort.check(call, quality)
    return {
        "recommendations": found,
        "customer_effort_score": difficulty["score"],
        "customer_effort": difficulty,
    }


def spoke(call: Call) -> bool:
    """Whether the agent was heard: nobody else can be told anything."""
    return any(segment.speaker == AGENT for segment in call.transcript.segments)


def for_findings(call: Call) -> Iterator[dict[str, Any]]:
    """For what was omitted, violated, or asks for an answer: one recommendation for each rule."""
    caused: dict[str, list[Finding]] = {}
    empathy = any(finding.outcome == MET for finding in call.of("empathy"))
    for finding in call.findings:
        signal = finding.rule.check in SIGNALS and finding.outcome == MET
        if finding.rule.advice and (finding.outcome in {VIOLATED, OMITTED} or signal):
            caused.setdefault(finding.rule.id, []).append(finding)
    for findings in caused.values():
        yield recommendation(findings[0].rule.severity, findings[0].rule.advice, causes(findings))
    complaints, rule = [*call.of("complaint"), *call.of("dissatisfaction")], call.rule("empathy")
    if complaints and rule and rule.advice and not empathy:
        yield recommendation("high", rule.advice, [*causes(complaints), {"check": "quality.empathy"}])


def causes(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings that a recommendation rests on."""
    return [
        {"check": finding.check_id, "rule": finding.rule.id}
        | ({"timestamp": seconds(finding.match.start)} if finding.match else {})
        for finding in findings
    ]


def for_measures(quality: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """For what was measured."""
    if (quality["talk_ratio"]["agent"] or 0) > TALKATIVE:
        yield recommendation("low", "Let the contact speak more: ask, then listen.", [{"check": "quality.talk_ratio"}])
    if (quality["interruptions"].get("by_agent") or 0) >= INTERRUPTING:
        first = next(each for each in quality["interruptions"]["instances"] if each["speaker"] == "A")
        because = [{"check": "quality.interruptions", "timestamp": first["timestamp"]}]
        yield recommendation("medium", "Let the contact finish before you answer.", because)
    if (quality["speech_rate"]["agent_words_per_minute"] or 0) > HASTY:
        yield recommendation("low", "Speak more slowly.", [{"check": "quality.speech_rate"}])
    long = [each for each in quality["silence"]["instances"] or [] if each["duration_seconds"] >= LONG_SILENCE]
    if long:
        because = [{"check": "quality.silence", "timestamp": each["start"]} for each in long]
        yield recommendation("low", "Say what you are doing when it takes a while, or offer to hold.", because)


def recommendation(priority: str, text: str, because: list[dict[str, Any]]) -> dict[str, Any]:
    """One piece of advice; its `timestamp` is where the first of its causes can be heard."""
    moments = [cause["timestamp"] for cause in because if "timestamp" in cause]
    return {"priority": priority, "text": text, "because": because, **({"timestamp": moments[0]} if moments else {})}
