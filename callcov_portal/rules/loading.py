"""A rule set out of YAML, with errors that name the line."""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from callcov_portal.rules.matching import WILDCARD
from callcov_portal.rules.values import (
    CHECKS,
    EXPECTATIONS,
    SEVERITIES,
    SPEAKERS,
    Deadline,
    Position,
    Rule,
    RuleSet,
    Together,
)
from callcov_portal.rules.words import plain

BUILTIN = Path(__file__).with_name("builtin.yaml")
MOST_CHARACTERS = 500_000
MOST_PHRASES = 5_000
"""Phrases and words together of a whole rule set: each is looked for in all that was said."""
DEEPEST = 8
AN_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
A_LANGUAGE = re.compile(r"[a-z]{2,3}")


class RuleError(ValueError):
    """A rule set is wrong; `str()` says what and in which `line` (from 1)."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"Line {line}: {problem}")
        self.line = line


@cache
def builtin() -> RuleSet:
    """The rules that apply when nobody gave others."""
    return load(BUILTIN.read_text(encoding="utf-8"))


def load(text: str) -> RuleSet:
    """Read a rule set; raises RuleError at the first mistake. Same text, equal result."""
    root = compose(text)
    fields = mapping(root, required=("name", "rules"), optional=("languages",))
    rules = tuple(read_rule(node) for node in items(fields["rules"]))
    seen: dict[str, int] = {}
    for rule, node in zip(rules, items(fields["rules"]), strict=True):
        if rule.id in seen:
            raise RuleError(line_of(node), f"the id {rule.id} is already used in line {seen[rule.id]}.")
        seen[rule.id] = line_of(node)
    if sum(len(rule.phrases) + len(rule.together) + len(rule.unless) for rule in rules) > MOST_PHRASES:
        raise RuleError(1, f"the rule set has more than {MOST_PHRASES} phrases.")
    return RuleSet(
        name=string(fields["name"]),
        hash=hashlib.sha256(text.encode()).hexdigest(),
        languages=languages(fields["languages"]) if "languages" in fields else ("en",),
        rules=rules,
        text=text,
    )


def read_rule(node: yaml.Node) -> Rule:
    """One entry of `rules`."""
    optional: dict[str, Callable[[yaml.Node], Any]] = {
        "phrases": phrases,
        "together": together,
        "unless": phrases,
        "speaker": lambda value: one_of(value, SPEAKERS),
        "position": position,
        "deadline": deadline,
        "expect": lambda value: one_of(value, EXPECTATIONS),
        "severity": lambda value: one_of(value, SEVERITIES),
        "languages": languages,
        "advice": string,
    }
    fields = mapping(node, required=("id", "check", "title"), optional=tuple(optional))
    if not {"phrases", "together"} & fields.keys():
        raise RuleError(line_of(node), "a rule needs 'phrases' or 'together'.")
    given = {name: read(fields[name]) for name, read in optional.items() if name in fields}
    return Rule(
        id=pattern(fields["id"], AN_ID, "an id: lower-case letters, digits and _"),
        check=one_of(fields["check"], tuple(CHECKS)),
        title=string(fields["title"]),
        **given,
    )


def position(node: yaml.Node) -> Position:
    """`first_seconds`, `last_seconds`, `first_interactions`, `first_segments`, `last_segments`."""
    whole = ("first_interactions", "first_segments", "last_segments")
    return Position(**numbers(node, "a position", ("first_seconds", "last_seconds", *whole), whole))


def deadline(node: yaml.Node) -> Deadline:
    """`seconds` or `interactions`, not both."""
    found = numbers(node, "a deadline", ("seconds", "interactions"), ("interactions",))
    if len(found) > 1:
        raise RuleError(line_of(node), "a deadline is in seconds or in interactions, not in both.")
    return Deadline(**found)


def numbers(node: yaml.Node, what: str, names: tuple[str, ...], whole: tuple[str, ...]) -> dict[str, Any]:
    """At least one of `names` with a number above zero; those in `whole` with a whole one."""
    fields = mapping(node, optional=names)
    if not fields:
        raise RuleError(line_of(node), f"{what} needs one of {', '.join(names)}.")
    return {name: whole_number(value) if name in whole else positive(value) for name, value in fields.items()}


def together(node: yaml.Node) -> tuple[Together, ...]:
    """A list of `{words: [record*|monitor*, call|line], within: 8}`."""
    found = []
    for item in items(node):
        fields = mapping(item, required=("words", "within"))
        words = tuple(alternatives(word) for word in items(fields["words"]))
        within = whole_number(fields["within"])
        if len(words) < 2:
            raise RuleError(line_of(fields["words"]), "words together need at least two; one word is a phrase.")
        if not len(words) <= within <= 50:
            raise RuleError(line_of(fields["within"]), f"'within' is a number of words from {len(words)} to 50.")
        found.append(Together(words, within))
    return tuple(found)


def alternatives(node: yaml.Node) -> tuple[str, ...]:
    """`record*|monitor*`: single words, of which one must be said; a `*` at the end leaves its end open."""
    found = tuple(plain(part) + "*" * part.strip().endswith(WILDCARD) for part in string(node).split("|"))
    for word in found:
        if not word.strip("*") or " " in word:
            raise RuleError(
                line_of(node), f"{string(node)!r} is not words with | between them, each with an optional * at its end."
            )
    return found


def phrases(node: yaml.Node) -> tuple[str, ...]:
    """A list of phrases with at least one word each; `*` stands for one to three words between others."""
    found = []
    for item in items(node):
        phrase = string(item)
        parts = [part.strip() for part in phrase.split(WILDCARD)]
        if not all(re.search(r"\w", part) for part in parts):
            raise RuleError(line_of(item), f"{phrase!r} needs words, also before and after each *.")
        found.append(phrase)
    return tuple(found)


def compose(text: str) -> yaml.Node:
    """Parse to nodes that know their lines; aliases and depth, with which YAML can be made to explode, are refused."""
    if len(text) > MOST_CHARACTERS:
        raise RuleError(1, f"the rule set is longer than {MOST_CHARACTERS} characters.")
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
                raise RuleError(
                    event.start_mark.line + 1 if event.start_mark else 1, "aliases and deep nesting are not allowed."
                )
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as trouble:
        mark = getattr(trouble, "problem_mark", None)
        problem = getattr(trouble, "problem", None) or getattr(trouble, "reason", "cannot be read")
        raise RuleError(mark.line + 1 if mark else 1, f"not valid YAML: {problem}.") from None
    if root is None:
        raise RuleError(1, "the rule set is empty.")
    return root


def line_of(node: yaml.Node) -> int:
    """Counted from 1."""
    return int(node.start_mark.line) + 1


def mapping(node: yaml.Node, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> dict[str, yaml.Node]:
    """The node's keys with their value nodes; every required key, no unknown one, none twice."""
    if not isinstance(node, yaml.MappingNode):
        raise RuleError(line_of(node), f"expected `key: value` lines with {', '.join((*required, *optional))}.")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = str(key.value)
        if name not in (*required, *optional):
            raise RuleError(
                line_of(key), f"{name!r} is unknown here; possible are {', '.join((*required, *optional))}."
            )
        if name in found:
            raise RuleError(line_of(key), f"{name!r} is given twice.")
        found[name] = value
    for name in required:
        if name not in found:
            raise RuleError(line_of(node), f"{name!r} is missing.")
    return found


def items(node: yaml.Node) -> list[yaml.Node]:
    """The entries of a list that is not empty."""
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise RuleError(line_of(node), "expected a list with at least one entry (lines that begin with `- `).")
    return list(node.value)


def string(node: yaml.Node) -> str:
    """A text that is not empty."""
    if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
        raise RuleError(line_of(node), "expected a text.")
    return " ".join(str(node.value).split())


def one_of(node: yaml.Node, values: tuple[str, ...]) -> str:
    """One of `values`."""
    if (value := string(node)) not in values:
        raise RuleError(line_of(node), f"{value!r} is not possible here; possible are {', '.join(values)}.")
    return value


def pattern(node: yaml.Node, wanted: re.Pattern[str], what: str) -> str:
    """A text of a certain form."""
    if not wanted.fullmatch(value := string(node)):
        raise RuleError(line_of(node), f"{value!r} is not {what}.")
    return value


def positive(node: yaml.Node) -> float:
    """A number above zero."""
    try:
        value = float(string(node))
    except ValueError:
        value = 0.0
    if not 0 < value < 1_000_000:
        raise RuleError(line_of(node), "expected a number above zero.")
    return value


def whole_number(node: yaml.Node) -> int:
    """A whole number above zero."""
    if not (value := positive(node)).is_integer():
        raise RuleError(line_of(node), "expected a whole number above zero.")
    return int(value)


def languages(node: yaml.Node) -> tuple[str, ...]:
    """Language codes such as en."""
    return tuple(pattern(item, A_LANGUAGE, "a language code such as en") for item in items(node))
