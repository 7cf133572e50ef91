"""One call as every check sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from callcov_portal.engine.speech.transcript import AGENT, CONTACT, Transcript
from callcov_portal.rules import (
    NOT_ASSESSED,
    Finding,
    Match,
    Miss,
    Rule,
    RuleSet,
    Sensitive,
    findings,
    masked_texts,
    sensitive,
)

ROLES = {AGENT: "agent", CONTACT: "contact"}


@dataclass(frozen=True)
class Call:
    """A transcript and the rules to check it by."""

    transcript: Transcript
    rules: RuleSet

    @cached_property
    def findings(self) -> list[Finding]:
        """All that the rules find, in their order."""
        said = self.transcript
        return findings(self.rules, said.segments, language=said.language, duration=said.duration_seconds)

    @cached_property
    def sensitive(self) -> list[Sensitive]:
        """What nobody should read or hear who need not."""
        return sensitive(self.transcript.segments)

    @cached_property
    def masked_texts(self) -> list[str]:
        """The segments' texts without what is sensitive."""
        return masked_texts(self.transcript.segments, self.sensitive)

    def of(self, check: str) -> list[Finding]:
        """The findings of one check."""
        return [finding for finding in self.findings if finding.rule.check == check]

    def places(self, check: str) -> list[Match]:
        """Every place where a check was heard, in order of time."""
        found = [match for finding in self.of(check) for match in (finding.match, *finding.also) if match]
        return sorted(found, key=lambda match: match.start)

    def rule(self, check: str) -> Rule | None:
        """The first rule for a check."""
        return next(iter(self.rules.of(check)), None)

    def why_not(self, check: str) -> str:
        """Why `check` cannot be assessed, empty if it can."""
        if not self.transcript.segments:
            return "Nothing was said."
        served = self.rules.of(check)
        if not served:
            return "The rule set has no rule for this."
        unassessed = [finding for finding in self.of(check) if finding.outcome == NOT_ASSESSED]
        if unassessed:
            return unassessed[0].explanation
        known = [rule for rule in served if self.rules.knows(rule, self.transcript.language)]
        if not known:
            return f"No rule for this knows the language {self.transcript.language!r}."
        return self._unheard({rule.speaker for rule in known})

    def _unheard(self, wanted: set[str]) -> str:
        """Says so if nobody spoke whom the rules are about: who was not heard is not accused of what they did not say."""
        heard = {ROLES.get(segment.speaker, "contact") for segment in self.transcript.segments}
        if "any" in wanted or wanted & heard:
            return ""
        return f"Nothing was heard of the {' or the '.join(sorted(wanted))}."

    def shown(self, quote: str, speaker: str, start: float, end: float) -> str:
        """A quote as it may be shown: the mark of what is sensitive in it instead, if anything is."""
        touched = [each for each in self.sensitive if each.speaker == speaker and each.start < end and each.end > start]
        return " ".join(each.masked for each in touched) or quote


def place(call: Call, said: Match | Miss) -> dict[str, Any]:
    """Where something was said, by whom and in which words."""
    return {
        "quote": call.shown(said.quote, said.speaker, said.start, said.end),
        "speaker": said.speaker,
        "start": seconds(said.start),
        "end": seconds(said.end),
    }


def evidence(call: Call, match: Match) -> dict[str, Any]:
    """The words that a result rests on; our addition beside the documented fields."""
    return {**place(call, match), "confidence": match.confidence, "rule": match.rule.id}


def instances(call: Call, matches: Iterable[Match]) -> list[dict[str, Any]]:
    """Places as the API lists instances: with a `timestamp`."""
    return [{"timestamp": seconds(match.start), **evidence(call, match)} for match in matches]


def not_assessed(reason: str) -> dict[str, Any]:
    """Marks a result that could not be had; nobody is accused by it."""
    return {"assessed": False, "reason": reason}


def seconds(value: float) -> float:
    """To the hundredth."""
    return round(value, 2)
