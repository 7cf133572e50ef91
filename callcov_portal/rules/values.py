"""Rules and what they find. Immutable values; a rule set is named by the hash of its text."""

from dataclasses import dataclass
from typing import Protocol

CHECKS = (
    "identity",
    "disclosure",
    "purpose",
    "prohibited",
    "greeting",
    "closing",
    "empathy",
    "hold",
    "escalation",
    "complaint",
    "churn",
)
"""What a rule can serve. Several rules may serve one check."""
SPEAKERS = ("agent", "contact", "any")
SEVERITIES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a call a phrase counts; a bound that is None does not bind. The last seconds are never the first half."""

    first_seconds: float | None = None
    last_seconds: float | None = None
    first_interactions: int | None = None
    """Of that speaker: stretches of speech until the other one takes the turn, counted from 1."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Phrases that should, or should never, be said."""

    id: str
    check: str
    """One of CHECKS."""
    title: str
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    """A match that touches one of these does not count: "I can't guarantee" is no guarantee."""
    speaker: str = "agent"
    position: Position = Position()
    severity: str = "medium"
    languages: tuple[str, ...] = ()
    """ISO 639-1; empty means those of the rule set."""
    advice: str = ""
    """What to tell the agent when the rule was broken."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A version of the rules. Equal text gives an equal hash, and the other way round."""

    name: str
    hash: str
    """SHA-256 of the text, hexadecimal."""
    languages: tuple[str, ...]
    rules: tuple[Rule, ...]
    text: str

    def of(self, check: str) -> tuple[Rule, ...]:
        """The rules that serve `check`, in the order written."""
        return tuple(rule for rule in self.rules if rule.check == check)

    def knows(self, rule: Rule, language: str) -> bool:
        """Whether `rule` is written for `language`; an unknown language ("") is given the benefit of the doubt."""
        return not language or language in (rule.languages or self.languages)


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase that was said: which words, by whom, when (seconds)."""

    rule: Rule
    phrase: str
    quote: str
    speaker: str
    start: float
    end: float
    score: float
    """How alike, 0 to 100."""
    segment: int
    """Number of the segment in which it begins."""
    interaction: int
    """Number of the speaker's interaction in which it begins, from 1."""


class SpokenWord(Protocol):
    """A word as the matcher needs it."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


class SpokenSegment(Protocol):
    """A segment as the matcher needs it: the speaker is "A" for the agent, anything else for the contact.

    `words` may be empty; the words' times are then shared out over the segment.
    """

    @property
    def speaker(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def words(self) -> "tuple[SpokenWord, ...]": ...
