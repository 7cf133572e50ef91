"""What is checked: rule sets as data, their matching over words and segments, and what they find."""

from callcov_portal.rules.findings import MET, NOT_ASSESSED, OMITTED, VIOLATED, Finding, Searched, findings
from callcov_portal.rules.loading import MOST_CHARACTERS, RuleError, builtin, load
from callcov_portal.rules.matching import Talk, described
from callcov_portal.rules.misses import Miss
from callcov_portal.rules.sensitive import MARKS, Sensitive, mask, masked_texts, sensitive
from callcov_portal.rules.stored import StoredSegment, stored
from callcov_portal.rules.values import (
    CHECKS,
    EXPECTATIONS,
    NEVER,
    OPTIONAL,
    REQUIRED,
    SIGNAL,
    Deadline,
    Match,
    Position,
    Rule,
    RuleSet,
    SpokenSegment,
    Together,
)
from callcov_portal.rules.words import interactions, plain

__all__ = [
    "CHECKS",
    "EXPECTATIONS",
    "MARKS",
    "MET",
    "MOST_CHARACTERS",
    "NEVER",
    "NOT_ASSESSED",
    "OMITTED",
    "OPTIONAL",
    "REQUIRED",
    "SIGNAL",
    "VIOLATED",
    "Deadline",
    "Finding",
    "Match",
    "Miss",
    "Position",
    "Rule",
    "RuleError",
    "RuleSet",
    "Searched",
    "Sensitive",
    "SpokenSegment",
    "StoredSegment",
    "Talk",
    "Together",
    "builtin",
    "described",
    "findings",
    "interactions",
    "load",
    "mask",
    "masked_texts",
    "plain",
    "sensitive",
    "stored",
]
