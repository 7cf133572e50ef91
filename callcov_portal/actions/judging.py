"""What our rules find in the words of a call, and when an API's findings are taken in their place."""

from collections.abc import Iterable, Sequence
from typing import Any

from callcov_portal import rules
from callcov_portal.actions.results import SegmentRow
from callcov_portal.actions.rules import in_force, kept
from callcov_portal.client.types import AnalysisSnapshot
from callcov_portal.models import Analysis, Origin, Outcome, Speaker
from callcov_portal.reading.alignment import Line
from callcov_portal.reading.findings import findings
from callcov_portal.reading.ruled import Found, ruled, rules_hash

# As the rules name them; whoever is neither agent nor contact is nobody's agent.
LETTERS = {Speaker.AGENT.value: "A", Speaker.CONTACT.value: "B"}
SPEAKERS = {letter: speaker for speaker, letter in LETTERS.items()}
NOBODY = "?"
Marks = Sequence[rules.Sensitive]


def judge(
    analysis: Analysis, snapshot: AnalysisSnapshot, rows: Sequence[SegmentRow], lines: Sequence[Line]
) -> tuple[list[Found], str]:
    """Return the findings of a completed analysis, and the hash of the rules they come from.

    An API that names the rules we sent, or those in force, has applied them: its findings are taken as *given*. Of any
    other we take the documented results, and add, *found by us*, what the rules in force find in the transcript.
    """
    ruleset, named = in_force(), rules_hash(snapshot.results)
    if named and named in {analysis.rules, ruleset.hash}:
        return findings(snapshot.results, lines, ruled(snapshot.results)), named
    kept(ruleset)
    said = [spoken(row.speaker, row.text, row.start, row.end, row.words) for row in rows]
    ours = found_by(ruleset, said, snapshot.language, snapshot.duration_seconds)
    return [*findings(snapshot.results, lines), *ours], ruleset.hash


def spoken(
    speaker: str, text: str, start: float, end: float, words: Iterable[Sequence[Any]] | None
) -> rules.StoredSegment:
    """Return a stored segment as the rules take it: with the letters by which they know agent and contact."""
    return rules.stored(LETTERS.get(speaker, NOBODY), text, start, end, words)


def found_by(
    ruleset: rules.RuleSet, said: Sequence[rules.StoredSegment], language: str, duration: float | None
) -> list[Found]:
    """Return what a rule set finds in what was said, as found by us; sensitive data in the quotes is hidden. Pure."""
    marks = rules.sensitive(said)
    return [value_of(finding, marks) for finding in raw_findings(ruleset, said, language, duration)]


def raw_findings(
    ruleset: rules.RuleSet, said: Sequence[rules.StoredSegment], language: str, duration: float | None
) -> list[rules.Finding]:
    """Return what a rule set finds, as the rules say it. A call of 150 s takes some 30 ms with a thousand phrases."""
    return rules.findings(ruleset, said, language=code_of(language), duration=duration or 0.0)


def code_of(language: str) -> str:
    """Return the language as rules name it: `en` for `en-GB`; "" for what is no code, which is given the benefit of the doubt."""
    code = language.strip().lower().replace("_", "-").partition("-")[0]
    return code if len(code) in {2, 3} and code.isalpha() else ""


def value_of(finding: rules.Finding, marks: Marks = ()) -> Found:
    """Return a rule's finding as the value that is kept; `marks` is the sensitive data that was spoken."""
    heard = finding.kind == rules.SIGNAL and finding.outcome == rules.MET
    return Found(
        check_id=finding.check_id[:80],
        title=finding.title[:200],
        outcome=Outcome.HEARD.value if heard else finding.outcome,
        explanation=finding.explanation,
        origin=Origin.FOUND.value,
        rule=finding.rule.id,
        version=finding.rule.version,
        severity=finding.rule.severity,
        also=[{**place(match, marks), "confidence": match.confidence} for match in finding.also] or None,
        searched=window(finding.searched, marks) if finding.searched else None,
        **(place(finding.match, marks) if finding.match else {}),
        confidence=finding.match.confidence if finding.match else None,
        quote_origin=Origin.FOUND.value,
    )


def place(words: rules.Match | rules.Miss, marks: Marks) -> dict[str, Any]:
    """Return where something was said, and by whom."""
    return {
        "quote": shown(words, marks),
        "speaker": SPEAKERS.get(words.speaker, Speaker.UNKNOWN.value),
        "start": round(words.start, 2),
        "end": round(words.end, 2),
    }


def shown(words: rules.Match | rules.Miss, marks: Marks) -> str:
    """Return a quote, or, where it touches sensitive data, the marks for that."""
    touched = (
        mark for mark in marks if mark.speaker == words.speaker and mark.start < words.end and mark.end > words.start
    )
    return " ".join(mark.masked for mark in touched) or words.quote


def window(searched: rules.Searched, marks: Marks) -> dict[str, Any]:
    """Return the seconds in which something was looked for in vain, and what came nearest, `likeness` from 0 to 1."""
    miss = searched.nearest
    nearest = miss and {**place(miss, marks), "phrase": miss.phrase, "likeness": round(miss.likeness / 100, 3)}
    return {"start": round(searched.start, 2), "end": round(searched.end, 2), "nearest": nearest}
