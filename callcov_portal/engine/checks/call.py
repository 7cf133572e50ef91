"""One call as every check sees it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from callcov_portal.engine.speech.transcript import AGENT, Transcript
from callcov_portal.rules import Match, Rule, RuleSet, Talk


@dataclass(frozen=True)
class Call:
    """A transcript and the rules to check it by."""

    transcript: Transcript
    rules: RuleSet

    @cached_property
    def talk(self) -> Talk:
        """The words, prepared for matching."""
        return Talk(self.transcript.segments, self.transcript.duration_seconds)

    def applicable(self, check: str) -> tuple[Rule, ...]:
        """The rules for `check` that know the call's language."""
        return tuple(rule for rule in self.rules.of(check) if self.rules.knows(rule, self.transcript.language))

    def first(self, check: str) -> Match | None:
        """The earliest match of any rule for `check`."""
        return self.talk.first(self.applicable(check))

    def all(self, check: str) -> list[Match]:
        """Every match of the rules for `check`, in order of time."""
        found = [match for rule in self.applicable(check) for match in self.talk.find(rule)]
        return sorted(found, key=lambda match: match.start)

    def why_not(self, check: str) -> str:
        """Why `check` cannot be assessed, empty if it can."""
        if not self.transcript.segments:
            return "Nothing was said."
        if not self.rules.of(check):
            return "The rule set has no rule for this."
        if not self.applicable(check):
            return f"No rule for this knows the language {self.transcript.language!r}."
        return self._unheard({rule.speaker for rule in self.applicable(check)})

    def _unheard(self, wanted: set[str]) -> str:
        """Says so if nobody spoke whom the rules are about: who was not heard is not accused of what they did not say."""
        heard = {"agent" if segment.speaker == AGENT else "contact" for segment in self.transcript.segments}
        if "any" in wanted or wanted & heard:
            return ""
        return f"Nothing was heard of the {' or the '.join(sorted(wanted))}."


def evidence(match: Match) -> dict[str, Any]:
    """The words that a result rests on; our addition beside the documented fields."""
    return {
        "quote": match.quote,
        "speaker": match.speaker,
        "start": seconds(match.start),
        "end": seconds(match.end),
        "rule": match.rule.id,
    }


def not_assessed(reason: str) -> dict[str, Any]:
    """Marks a result that could not be had; nobody is accused by it."""
    return {"assessed": False, "reason": reason}


def seconds(value: float) -> float:
    """To the hundredth."""
    return round(value, 2)
