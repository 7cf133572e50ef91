"""What is checked: rule sets as data, and their matching over words and segments."""

from callcov_portal.rules.loading import RuleError, builtin, load
from callcov_portal.rules.matching import Talk, interactions, plain
from callcov_portal.rules.values import CHECKS, Match, Position, Rule, RuleSet

__all__ = [
    "CHECKS",
    "Match",
    "Position",
    "Rule",
    "RuleError",
    "RuleSet",
    "Talk",
    "builtin",
    "interactions",
    "load",
    "plain",
]
