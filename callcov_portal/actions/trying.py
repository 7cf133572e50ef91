"""Trying rules on a talk, before anybody is judged by them. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from callcov_portal import rules
from callcov_portal.actions.comparing import words_of
from callcov_portal.actions.judging import raw_findings, spoken, value_of
from callcov_portal.models import Analysis
from callcov_portal.reading.pasted import talk_in
from callcov_portal.reading.ruled import Found


@dataclass(frozen=True)
class Tried:
    """What one rule came to: the finding, and which of its phrases was heard how alike (0 to 1; None: none was)."""

    finding: Found
    phrase: str
    likeness: float | None


def alone(ruleset: rules.RuleSet, rule_id: str) -> rules.RuleSet:
    """Return the rule set with that rule only; with all of them for ""."""
    if not rule_id:
        return ruleset
    return replace(ruleset, rules=tuple(rule for rule in ruleset.rules if rule.id == rule_id))


def try_on_text(ruleset: rules.RuleSet, text: str) -> list[Tried]:
    """Return what the rules find in a pasted talk, whatever its language."""
    said = [spoken(line.speaker, line.text, line.start, line.end, None) for line in talk_in(text)]
    return tried(ruleset, said)


def try_on_call(ruleset: rules.RuleSet, analysis: Analysis) -> list[Tried]:
    """Return what the rules find in the stored words of a call."""
    return tried(ruleset, words_of(analysis.pk), analysis.language, analysis.recording.duration_seconds)


def tried(
    ruleset: rules.RuleSet, said: Sequence[rules.StoredSegment], language: str = "", duration: float | None = None
) -> list[Tried]:
    """Run the rules and keep with each finding what a person who writes rules asks for."""
    marks = rules.sensitive(said)
    return [
        Tried(
            value_of(found, marks),
            found.match.phrase if found.match else "",
            found.match.score / 100 if found.match else None,
        )
        for found in raw_findings(ruleset, said, language, duration)
    ]
