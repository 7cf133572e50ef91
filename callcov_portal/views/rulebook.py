"""A rule set as people read it, and how two of them differ."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from callcov_portal import rules
from callcov_portal.reading import generic

EXPECTS = {
    rules.REQUIRED: "Must be said",
    rules.OPTIONAL: "Good when said",
    rules.NEVER: "Must not be said",
    rules.SIGNAL: "Noted when heard",
}
WHO = {"agent": "Agent", "contact": "Contact", "any": "Anyone"}
MOST_DIFFERING = 2000  # lines of a difference that a page shows
AROUND = 2  # lines that are shown before and after a wrong one


@dataclass(frozen=True)
class ReadRule:
    """One rule in words; `said` are its phrases, `together` its words together."""

    rule: rules.Rule
    expects: str
    who: str
    where: str
    together: tuple[str, ...]
    languages: str

    @property
    def forms(self) -> int:
        """In how many ways it can be said."""
        return len(self.rule.phrases) + len(self.together)


@dataclass(frozen=True)
class ReadCheck:
    """The rules that serve one check."""

    title: str
    rules: list[ReadRule]


@dataclass(frozen=True)
class Line:
    """One line of a text; `kind` is added, removed, place or same."""

    kind: str
    text: str
    number: int = 0


def checks_of(ruleset: rules.RuleSet) -> list[ReadCheck]:
    """Return the rules by check, in the order written."""
    checks = dict.fromkeys(rule.check for rule in ruleset.rules)
    return [ReadCheck(generic.title(check), [read(ruleset, rule) for rule in ruleset.of(check)]) for check in checks]


def read(ruleset: rules.RuleSet, rule: rules.Rule) -> ReadRule:
    """Return one rule in words."""
    return ReadRule(
        rule=rule,
        expects=EXPECTS[rule.kind],
        who=WHO[rule.speaker],
        where=", ".join(places(rule)) or "anywhere",
        together=tuple(f"{rules.described(each)} within {each.within} words" for each in rule.together),
        languages=", ".join(rule.languages or ruleset.languages),
    )


def places(rule: rules.Rule) -> Iterator[str]:
    """Yield where in the call it counts, and by when it must be said."""
    where, by = rule.position, rule.deadline
    if where.first_seconds is not None:
        yield f"first {where.first_seconds:g} s"
    if where.last_seconds is not None:
        yield f"last {where.last_seconds:g} s"
    if where.first_interactions is not None:
        yield f"first {where.first_interactions} turns"
    if where.first_segments is not None:
        yield f"first {where.first_segments} segments"
    if where.last_segments is not None:
        yield f"last {where.last_segments} segments"
    if by and by.seconds is not None:
        yield f"by {by.seconds:g} s"
    if by and by.interactions is not None:
        yield f"by turn {by.interactions}"


def difference(before: str, after: str) -> list[Line]:
    """Return the lines that differ, with three around each, at most `MOST_DIFFERING`; none for equal texts."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
    kinds = {"+": "added", "-": "removed", "@": "place"}
    shown = islice(lines, 2, MOST_DIFFERING + 2)  # after the two lines that name the files
    return [Line(kinds.get(line[:1], "same"), line) for line in shown]


def excerpt(text: str, number: int) -> list[Line]:
    """Return the lines around a wrong one, numbered from 1; none for number 0."""
    lines = text.splitlines()
    first, last = max(1, number - AROUND), min(len(lines), number + AROUND)
    around = range(first, last + 1) if number else ()
    return [Line("wrong" if at == number else "same", lines[at - 1][:200], at) for at in around]
