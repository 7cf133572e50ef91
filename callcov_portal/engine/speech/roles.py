"""Which of two speakers is the agent: by the channel, by what agents and contacts say, else by who speaks first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from callcov_portal.engine.speech.transcript import AGENT, CONTACT, Segment
from callcov_portal.rules import RuleSet, Talk

WEIGHTS = {
    "disclosure": 3,
    "verification": 2,
    "hold": 2,
    "purpose": 2,
    "greeting": 1,
    "identity": 1,
    "empathy": 1,
    "closing": 1,
    "escalation": 1,
    "complaint": 1,
    "churn": 1,
    "repeat_contact": 1,
    "dissatisfaction": 1,
    "transfer": 1,
}
"""What it counts when a rule's words were said by whom the rule is about. Contacts, too, say hello and their names."""
CLEAR = 4
"""Ahead by so much, and by twice the other's: enough to overrule what was expected."""
SIDES = {"0": "left", "1": "right"}
ONE_CHANNEL = "Both speakers are on one channel: who is the agent was guessed"


@dataclass(frozen=True, slots=True)
class Cast:
    """Whose label is the agent's, with `roles` and `note` as in Transcript."""

    agent: str
    roles: str
    note: str = ""


def score(segments: Sequence[Segment], agent: str, rules: RuleSet) -> int:
    """How well the talk fits if the label `agent` is the agent's; each rule counts once."""
    talk = Talk([replace(each, speaker=AGENT if each.speaker == agent else CONTACT) for each in segments])
    return sum(weight for check, weight in WEIGHTS.items() for rule in rules.of(check) if talk.find(rule))


def is_clear(more: int, less: int) -> bool:
    """Whether the votes leave little doubt."""
    return more - less >= CLEAR and more >= 2 * less


def by_channel(segments: Sequence[Segment], labels: tuple[str, str], expected: str, rules: RuleSet) -> Cast:
    """The expected channel's, unless the other one talks like an agent and this one like a contact."""
    other = labels[1] if expected == labels[0] else labels[0]
    if not is_clear(score(segments, other, rules), score(segments, expected, rules)):
        return Cast(expected, "channels")
    note = (
        f"The {SIDES[expected]} channel was expected to be the agent's, but what agents say was heard on the "
        f"{SIDES[other]} one, which was taken for the agent's."
    )
    return Cast(other, "channels_overruled", note)


def by_voice(segments: Sequence[Segment], labels: tuple[str, str], rules: RuleSet) -> Cast:
    """Where no channel tells: who talks more like an agent, else who speaks first."""
    if len({each.speaker for each in segments}) == 1:
        return of_one_voice(segments[0].speaker, segments, labels, rules)
    first, second = (score(segments, label, rules) for label in labels)
    if first == second:
        agent = segments[0].speaker if segments else labels[0]
        return Cast(agent, "voices", f"{ONE_CHANNEL} from who speaks first, because what they say does not tell.")
    margin = "high" if is_clear(max(first, second), min(first, second)) else "low"
    agent = labels[0] if first > second else labels[1]
    return Cast(agent, "voices", f"{ONE_CHANNEL} from what they say ({margin} margin).")


def of_one_voice(voice: str, segments: Sequence[Segment], labels: tuple[str, str], rules: RuleSet) -> Cast:
    """A lone voice is the agent's unless it talks like a contact."""
    nobody = labels[1] if voice == labels[0] else labels[0]
    as_contact = score(segments, nobody, rules) > score(segments, voice, rules)
    agent, who = (nobody, "contact") if as_contact else (voice, "agent")
    return Cast(agent, "one_voice", f"Only one voice was heard; it was taken for the {who}'s.")


def with_roles(segments: Sequence[Segment], agent: str) -> list[Segment]:
    """Labels replaced by AGENT and CONTACT, in order of time."""
    named = [replace(each, speaker=AGENT if each.speaker == agent else CONTACT) for each in segments]
    return sorted(named, key=lambda each: (each.start, each.end))
