"""The sentences of invented calls, and what the built-in rules find in each of them."""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from callcov_portal import rules
from callcov_portal.rules.findings import checks_of

SENTENCES = Path(__file__).with_name("sentences.yaml")
LETTERS = {"agent": "A", "contact": "B"}
OPENING = ("greets", "agent_identifies", "call_recording_notice", "purpose_stated")
EXAMPLES = {"agent": "Rachel", "product": "Velorin", "part": "Tamsor", "place": "Ashford", "day": "Monday"}


@dataclass(frozen=True)
class Said:
    """A sentence by which a rule is met, broken or heard: the words (from, up to) that the rule takes, the first place first."""

    text: str
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Script:
    """All sentences; those of `said` by the rule they are for. `groups` are the rules that are judged as one, in their order."""

    ruleset: rules.RuleSet
    groups: tuple[tuple[rules.Rule, ...], ...]
    speakers: dict[str, str]
    said: dict[str, tuple[Said, ...]]
    late: tuple[str, ...]
    leaving: tuple[str, ...]
    tone: tuple[str, ...]
    topics: tuple[dict[str, tuple[str, ...]], ...]
    between: dict[str, tuple[str, ...]]


@cache
def script() -> Script:
    """Read the sentences, once."""
    read: dict[str, Any] = yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))
    ruleset = rules.builtin()
    named = {rule.id: rule for rule in ruleset.rules}
    return Script(
        ruleset=ruleset,
        groups=tuple(tuple(group) for group in checks_of(ruleset)),
        speakers={rule.id: rule.speaker for rule in ruleset.rules},
        said={name: tuple(said(named[name], text) for text in texts) for name, texts in read["said"].items()},
        late=tuple(read["late"]),
        leaving=tuple(read["leaving"]),
        tone=tuple(read["tone"]),
        topics=tuple({who: tuple(texts) for who, texts in topic.items()} for topic in read["topics"].values()),
        between={who: tuple(texts) for who, texts in read["between"].items()},
    )


def said(rule: rules.Rule, text: str) -> Said:
    """Return a sentence with its words that the rule takes, wherever in a call; raises `ValueError` if it takes none."""
    words = text.format_map(EXAMPLES).split()
    timed = [(word, float(at), at + 1.0, None) for at, word in enumerate(words)]
    segment = rules.stored(LETTERS.get(rule.speaker, "A"), " ".join(words), 0.0, float(len(words)), timed)
    anywhere = replace(rule, position=rules.Position(), deadline=None)
    found = rules.findings(rules.RuleSet("", "", (), (anywhere,), ""), [segment])
    matches = [match for finding in found if finding.match for match in (finding.match, *finding.also)]
    if not matches:
        raise ValueError(f"{rule.id} finds nothing in {text!r}.")
    return Said(text, tuple((round(match.start), round(match.end)) for match in matches))


@lru_cache(maxsize=1024)
def opening(sentences: tuple[tuple[str, str], ...]) -> dict[str, Said]:
    """Return, for each rule with its sentence, the agent's first words as a whole, and which of them the rule takes."""
    whole = " ".join(text for _, text in sentences)
    named = {rule.id: rule for rule in rules.builtin().rules}
    return {rule: said(named[rule], whole) for rule, _ in sentences}
