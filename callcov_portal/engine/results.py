"""What `results` of an analysis hold, as `/api/v1/openapi.json` describes it; `checks/` computes and writes them.

More fields than these may come: a reader ignores what it does not know.
"""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field

Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Speaker = Literal["A", "B"]


class Unassessed(Schema):
    """What a result says that could not be made: `assessed` is false and `reason` a sentence (additions of this engine)."""

    assessed: Literal[False] | None = None
    reason: str | None = None


class Evidence(Schema):
    """The words that a result rests on, and the rule that found them (additions of this engine)."""

    quote: str
    speaker: Speaker
    start: Seconds
    end: Seconds
    confidence: Share | None = None
    rule: str


class Witnessed(Unassessed):
    """A result that may have evidence: the same fields, there only when something was found."""

    quote: str | None = None
    speaker: Speaker | None = None
    start: Seconds | None = None
    end: Seconds | None = None
    confidence: Share | None = None
    rule: str | None = None


class IdentityVerification(Witnessed):
    """Whether the agent says who is calling within the first 15 seconds."""

    verified: bool
    timestamp: Seconds | None = None
    flagged: bool


class MandatoryDisclosures(Unassessed):
    """Which disclosures were read, by the ids of their rules."""

    read: bool
    matched_disclosures: list[str]
    missing_disclosures: list[str]
    evidence: list[Evidence] | None = None


class PurposeDeclaration(Witnessed):
    """Whether the agent says what the call is about within the first four interactions."""

    disclosed: bool
    interaction_number: Annotated[int, Field(ge=1)] | None = None
    flagged: bool


class ProhibitedPhrase(Evidence):
    """Where something was said that should not be (the fields are this engine's choice)."""

    phrase: str
    title: str
    severity: Literal["high", "medium", "low"]
    timestamp: Seconds


class ProhibitedPhrases(Unassessed):
    """What should never be said."""

    used: bool
    instances: list[ProhibitedPhrase]


class SensitiveSpan(Schema):
    """Where sensitive data is said, never the data itself (the fields are this engine's choice)."""

    type: Literal["card_number", "card_expiry", "cvv", "ssn", "phone_number", "email", "date_of_birth"]
    timestamp: Seconds
    end: Seconds
    speaker: Speaker
    masked: str


class SensitiveData(Unassessed):
    """Data that should not be in a recording."""

    shared: bool
    instances: list[SensitiveSpan]


class Compliance(Schema):
    """The five documented checks."""

    identity_verification: IdentityVerification
    mandatory_disclosures: MandatoryDisclosures
    purpose_declaration: PurposeDeclaration
    prohibited_phrases: ProhibitedPhrases
    sensitive_data: SensitiveData


class Place(Schema):
    """Words in the call: who said them, when, and how sure that is (null where the recogniser does not say)."""

    quote: str
    speaker: Speaker
    start: Seconds
    end: Seconds
    confidence: Share | None


class NearMiss(Schema):
    """The words that came nearest to what was looked for, and the phrase that they resemble."""

    quote: str
    speaker: Speaker
    start: Seconds
    end: Seconds
    phrase: str
    likeness: Share


class Searched(Schema):
    """The window in which something would have counted that was not said, and what came nearest."""

    start: Seconds
    end: Seconds
    nearest: NearMiss | None


class Finding(Schema):
    """One result of the rules with its evidence; without a place it was not said, or could not be assessed."""

    check: str
    rule: str
    version: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
    title: str
    kind: Literal["required", "optional", "never", "signal"]
    severity: Literal["high", "medium", "low"]
    outcome: Literal["met", "violated", "omitted", "not_assessed"]
    quote: str | None
    speaker: Speaker | None
    start: Seconds | None
    end: Seconds | None
    confidence: Share | None
    explanation: str
    also: list[Place]
    searched: Searched | None


class Recommendation(Schema):
    """What to tell the agent, and what caused it."""

    priority: Literal["high", "medium", "low"]
    text: str
    because: list[Any]
    timestamp: Seconds | None = None


class Coaching(Schema):
    """Recommendations, the gravest first, and the documented score, whose formula is this engine's."""

    recommendations: list[Recommendation]
    customer_effort_score: Annotated[float, Field(ge=0, le=5)] | None = None
    customer_effort: dict[str, Any] | None = None


class KeySentence(Schema):
    """A sentence that says much about the call, as it was said."""

    text: str
    speaker: Speaker
    start: Seconds
    end: Seconds


class RulesUsed(Schema):
    """By which rules a call was checked; `hash` is the SHA-256 of their text."""

    name: str
    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Speakers(Schema):
    """How agent and contact were told apart, and a note where that needs one."""

    roles: Literal["channels", "channels_overruled", "voices", "one_voice"]
    note: str


class Results(Schema):
    """What was found. The measures of `quality`, most of `coaching`, and all that stands after `summary` are ours.

    Analyses of earlier versions lack what came later.
    """

    compliance: Compliance
    quality: dict[str, dict[str, Any]]
    coaching: Coaching
    summary: str | None = None
    key_sentences: list[KeySentence] | None = None
    findings: list[Finding] | None = None
    rules: RulesUsed | None = None
    speakers: Speakers | None = None
