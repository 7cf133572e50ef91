"""Rules and what they find. Immutable values; a rule set is named by the hash of its text."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

REQUIRED, OPTIONAL, NEVER, SIGNAL = "required", "optional", "never", "signal"
EXPECTATIONS = (REQUIRED, OPTIONAL, NEVER, SIGNAL)
"""Required: its absence is an omission. Optional: good when said. Never: a violation when said. Signal: worth knowing."""

CHECKS = {
    "identity": REQUIRED,
    "disclosure": REQUIRED,
    "purpose": REQUIRED,
    "prohibited": NEVER,
    "greeting": REQUIRED,
    "closing": REQUIRED,
    "verification": OPTIONAL,
    "empathy": OPTIONAL,
    "promise": SIGNAL,  # neither good nor bad: somebody has to keep it
    "hold": SIGNAL,
    "escalation": SIGNAL,
    "complaint": SIGNAL,
    "dissatisfaction": SIGNAL,
    "churn": SIGNAL,
    "repeat_contact": SIGNAL,
    "transfer": SIGNAL,
    "other": REQUIRED,
}
"""What a rule can serve, and what is expected of it unless the rule says so itself. Several rules may serve one check."""

CHECK_IDS = {
    "identity": "identity_verification",
    "purpose": "purpose_declaration",
    "prohibited": "prohibited_phrases",
    "hold": "quality.hold_notice",
}
"""Names of checks in results, where they differ from `quality.<check>`; the first three are documented by the API."""
BY_RULE = {"disclosure": "disclosure", "other": "rule"}
"""Checks of which every rule is judged alone: `disclosure.<rule>`. Of all others any rule may satisfy the check."""

SPEAKERS = ("agent", "contact", "any")
SEVERITIES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a call a phrase counts; a bound that is None does not bind. The last seconds are never the first half."""

    first_seconds: float | None = None
    last_seconds: float | None = None
    first_interactions: int | None = None
    """Of that speaker: stretches of speech until the other one takes the turn, counted from 1."""
    first_segments: int | None = None
    last_segments: int | None = None
    """Of the whole call, whoever speaks."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when something must be said; said later it counts as said too late. One of the two is set."""

    seconds: float | None = None
    interactions: int | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Words that must all be said within `within` words of each other, in any order.

    Each of `words` is a tuple of alternatives; one that ends in `*` stands for every word that begins so.
    """

    words: tuple[tuple[str, ...], ...]
    within: int


@dataclass(frozen=True)
class Rule:
    """Phrases, or words together, that should, or should never, be said."""

    id: str
    check: str
    """One of CHECKS."""
    title: str
    phrases: tuple[str, ...] = ()
    together: tuple[Together, ...] = ()
    unless: tuple[str, ...] = ()
    """A match that touches one of these does not count: "I can't guarantee" is no guarantee."""
    speaker: str = "agent"
    position: Position = Position()
    deadline: Deadline | None = None
    expect: str = ""
    """One of EXPECTATIONS; empty means what the check expects."""
    severity: str = "medium"
    languages: tuple[str, ...] = ()
    """ISO 639-1; empty means those of the rule set."""
    advice: str = ""
    """What to tell the agent when the rule was broken."""

    @property
    def kind(self) -> str:
        """One of EXPECTATIONS."""
        return self.expect or CHECKS[self.check]

    @property
    def check_id(self) -> str:
        """The check's name in results."""
        if self.check in BY_RULE:
            return f"{BY_RULE[self.check]}.{self.id}"
        return CHECK_IDS.get(self.check, f"quality.{self.check}")

    @cached_property
    def version(self) -> str:
        """Names this rule's content, 12 hexadecimal digits: it changes when the rule does, and not with its neighbours."""
        content = repr({name: value for name, value in vars(self).items() if name != "version"})
        return hashlib.sha256(content.encode()).hexdigest()[:12]


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
    confidence: float | None
    """How sure it is, 0 to 1: likeness times the recogniser's mean confidence in these words; None without the latter."""
    segment: int
    """Number of the segment in which it begins."""
    interaction: int
    """Number of the speaker's interaction in which it begins, from 1."""


class SpokenWord(Protocol):
    """A word as the matcher needs it; a `confidence` beside is used where it is there."""

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
