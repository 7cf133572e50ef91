"""Which of two speakers is the agent: by what agents say, else by who speaks first."""

from collections.abc import Sequence
from dataclasses import replace

from callcov_portal.engine.speech.transcript import AGENT, CONTACT, Segment
from callcov_portal.rules import RuleSet, Talk

WEIGHTS = {"disclosure": 3, "greeting": 2, "hold": 2, "purpose": 2, "identity": 1}
"""What an agent's phrase counts; contacts, too, say their names."""
OVERRULE = 4
"""What the other channel must have said, and the expected agent nothing of it, to be taken for the agent's."""


def score(segments: Sequence[Segment], label: str, rules: RuleSet) -> int:
    """How much of what agents say was said by `label`; each rule counts once."""
    talk = Talk([replace(each, speaker=AGENT if each.speaker == label else CONTACT) for each in segments])
    return sum(weight for check, weight in WEIGHTS.items() for rule in rules.of(check) if talk.find(rule))


def agent_among_voices(segments: Sequence[Segment], labels: tuple[str, str], rules: RuleSet) -> str:
    """The agent's label where nothing is known beforehand."""
    scores = {label: score(segments, label, rules) for label in labels}
    if scores[labels[0]] != scores[labels[1]]:
        return max(labels, key=lambda label: scores[label])
    return segments[0].speaker if segments else labels[0]


def agent_channel(segments: Sequence[Segment], labels: tuple[str, str], expected: str, rules: RuleSet) -> str:
    """The agent's channel: the expected one, unless only the other one talks like an agent."""
    other = labels[1] if expected == labels[0] else labels[0]
    if score(segments, expected, rules) == 0 and score(segments, other, rules) >= OVERRULE:
        return other
    return expected


def with_roles(segments: Sequence[Segment], agent: str) -> list[Segment]:
    """Labels replaced by AGENT and CONTACT, in order of time."""
    named = [replace(each, speaker=AGENT if each.speaker == agent else CONTACT) for each in segments]
    return sorted(named, key=lambda each: (each.start, each.end))
