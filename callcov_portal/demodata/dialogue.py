"""What is said in one call, and what the rules find in it."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callcov_portal.demodata.judgement import Line, Place, judged
from callcov_portal.demodata.people import FAILS, FORBIDDEN, GOOD, HEARD, LATE, Agent
from callcov_portal.demodata.script import OPENING, Script, opening
from callcov_portal.demodata.words import DAYS, PLACES, invented, ranked
from callcov_portal.reading.ruled import Found

AGENT, CONTACT = "agent", "contact"
SHORTEST, LONGEST = 40, 90  # lines of a call
CAN_BE_LATE = ("agent_identifies", "purpose_stated")
FIRST_LATE = 12  # the line: later than 15 s, and in the agent's seventh interaction
FIRST_FREE = 16  # the first line of the agent in which anything else is said that a rule finds
NEGATIVE = 0.02  # of the contact's lines
ON_TOPIC = 0.4  # of all lines, as long as there are any
GOES_ON = 0.32  # of the lines in which nothing is found: with a second sentence
STRIDES = (7, 11, 13, 17)  # by which lines are taken, so that none comes twice soon
COMMON = 300  # products that are spoken about
HUNDREDTHS_A_CHARACTER = 6.2
USUAL_LENGTH = 48  # of a line, where nobody wants its words
CONFIDENCE = 0.9


@dataclass(frozen=True)
class Spoken:
    """A whole call."""

    lines: list[Line]
    findings: list[Found]
    negative: int
    seconds: float


class Dialogue:
    """Writes one call after the other; without words, lines in which nothing is found stay empty."""

    def __init__(self, script: Script, dice: random.Random, *, has_words: bool = True) -> None:
        self.script, self.dice, self.has_words = script, dice, has_words

    def pick(self, several: Sequence[Any]) -> Any:
        """Return one of several."""
        return several[int(len(several) * self.dice.random())]

    def write(self, agent: Agent, week: int) -> Spoken:
        """Return what is said and found in a call of this agent in this week."""
        chances, dice = agent.chances(week), self.dice
        broken = {rule for rule in (*FAILS, *FORBIDDEN) if dice.random() < chances[rule]}
        count = (SHORTEST + int((LONGEST - SHORTEST + 1) * dice.random())) | 1  # the agent has the last word
        events = self.events(broken, chances, count)
        first, places = self.opening(broken)
        texts, negative = [first], 0
        topic = int(len(self.script.topics) * dice.random())
        topical = (self.topical(AGENT, topic), self.topical(CONTACT, topic))
        neutral = (self.endless(AGENT), self.endless(CONTACT))
        for at in range(1, count - 1):
            if rule := events.get(at):
                said = self.pick(self.script.said[rule])
                places[rule] = Place(at, said)
                texts.append(said.text)
            elif at % 2 and at > 2 and dice.random() < NEGATIVE:
                texts.append(self.pick(self.script.tone))
                negative += 1
            elif not self.has_words:
                texts.append("")
            else:
                ours, others = topical[at % 2], neutral[at % 2]
                text = ours.pop() if ours and (at < 3 or dice.random() < ON_TOPIC) else next(others)
                texts.append(f"{text} {next(others)}" if dice.random() < GOES_ON else text)
        texts.append(self.closing(broken, count - 1, places))
        lines = self.timed(texts, agent)
        seconds = round(lines[-1].end + 0.6, 2)
        return Spoken(lines, judged(self.script, lines, places, seconds), negative, seconds)

    def topical(self, who: str, at: int) -> list[str]:
        """Return what somebody says about the topic at a place and the one before it, the last first."""
        topics = self.script.topics
        return [*topics[at - 1][who], *topics[at][who]][::-1]

    def endless(self, who: str) -> Iterator[str]:
        """Yield neutral lines without end."""
        lines = self.script.between[who]
        at, stride = int(len(lines) * self.dice.random()), self.pick(STRIDES)
        while True:
            at = (at + stride) % len(lines)
            yield lines[at]

    def events(self, broken: set[str], chances: dict[str, float], count: int) -> dict[int, str]:
        """Return in which line which rule's words are said, beside opening and closing: the agent's lines are the even ones."""
        dice = self.dice
        late = [rule for rule in CAN_BE_LATE if rule in broken and dice.random() < LATE]
        middle = [rule for rule in (*GOOD, *HEARD) if dice.random() < chances[rule]]
        free = {who: list(range(FIRST_FREE + (who == CONTACT), count - 5, 2)) for who in (AGENT, CONTACT)}
        placed = {FIRST_LATE + 2 * at: rule for at, rule in enumerate(late)}
        for rule in [*(rule for rule in FORBIDDEN if rule in broken), *middle]:
            lines = free[self.script.speakers[rule]]
            at = lines.pop(int(len(lines) * dice.random()))
            placed.setdefault(at, rule)
        return placed

    def opening(self, broken: set[str]) -> tuple[str, dict[str, Place]]:
        """Return the agent's first line, and where in it which rule's words stand."""
        kept = tuple((rule, self.pick(self.script.said[rule]).text) for rule in OPENING if rule not in broken)
        places = {rule: Place(0, said) for rule, said in opening(kept).items()}
        return " ".join(text for _, text in kept) or self.pick(self.script.late), places

    def closing(self, broken: set[str], at: int, places: dict[str, Place]) -> str:
        """Return the last line, and note where it closes the call."""
        if at % 2 or "closes" in broken:
            return str(self.pick(self.script.leaving))
        said = self.pick(self.script.said["closes"])
        places["closes"] = Place(at, said)
        return str(said.text)

    def timed(self, texts: list[str], agent: Agent) -> list[Line]:
        """Return the lines with their slots filled and their times."""
        dice, words = self.dice, invented()
        slots = {
            "agent": agent.first_name,
            "place": self.pick(PLACES),
            "day": self.pick(DAYS),
            "product": words[ranked(COMMON, dice.random())],
            "part": words[ranked(len(words), dice.random())],
        }
        lines: list[Line] = []
        now = 40  # hundredths of a second
        for at, text in enumerate(texts):
            filled = text.format_map(slots) if "{" in text else text
            end = now + 35 + int(HUNDREDTHS_A_CHARACTER * (len(filled) or USUAL_LENGTH))
            lines.append(Line(CONTACT if at % 2 else AGENT, filled, now / 100, end / 100, CONFIDENCE))
            now = end + 20 + int(50 * dice.random())
        return lines
