"""Invented calls, one after the other in the order of their times."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from callcov_portal.demodata.dialogue import Dialogue, Spoken
from callcov_portal.demodata.judgement import Line
from callcov_portal.demodata.people import agents
from callcov_portal.demodata.plan import Plan
from callcov_portal.demodata.schedule import moments
from callcov_portal.demodata.script import script
from callcov_portal.demodata.words import ranked
from callcov_portal.reading.ruled import Found

STILL_OPEN = 0.012  # of all calls the newest, and at most so many: waiting or being analysed
MOST_OPEN = 24
# How calls end that are not analysed, and how often of all.
ENDINGS = (
    ("failed", "analysis_failed", "The recording could not be decoded.", 0.007),
    ("failed", "unreachable", "The server answered 404 Not Found.", 0.004),
    ("failed", "not_audio", "There is no audio in it.", 0.003),
    ("failed", "refused", "agent_id: is longer than allowed", 0.002),
    ("failed", "expired", "The API has not finished it in 72 hours.", 0.001),
    ("failed", "too_large", "It is larger than 500 MB.", 0.001),
    ("cancelled", "", "", 0.002),
)
REVIEWED = 0.06
KNOWN, INBOUND = 0.98, 0.8  # contacts who are known; calls that contacts make
VERDICTS = (("pass", 0.7), ("coach", 0.22), ("fail", 0.08))
NEVER_SENT = frozenset(["unreachable", "not_audio", "too_large"])


@dataclass(frozen=True)
class Call:
    """An invented call. `agent` and `contact` are numbers, None is an unknown contact; `week` is a Monday."""

    number: int
    began: datetime
    week: date
    agent: int
    contact: int | None
    direction: str
    seconds: float
    state: str = "completed"
    failure: str = ""
    detail: str = ""
    verdict: str = ""
    lines: list[Line] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)
    negative: int = 0  # of the contact's lines, those with negative words

    @property
    def was_sent(self) -> bool:
        """Whether the API knows of it."""
        return self.state in {"completed", "processing"} or (self.state == "failed" and self.failure not in NEVER_SENT)


def calls(plan: Plan) -> Iterator[Call]:
    """Yield the calls of a plan; the same plan gives the same calls."""
    dice = random.Random(plan.seed)  # noqa: S311  invented data
    people = agents(plan.agents, dice)
    writer = Dialogue(script(), dice, has_words=plan.has_words)
    first_open = plan.calls - min(MOST_OPEN, round(STILL_OPEN * plan.calls))
    for number, (began, week, week_number) in enumerate(moments(plan, dice)):
        agent = ranked(plan.agents, dice.random())
        call = Call(
            number=number,
            began=began,
            week=week,
            agent=agent,
            contact=int(plan.contacts * dice.random() ** 1.5) if dice.random() < KNOWN else None,
            direction="inbound" if dice.random() < INBOUND else "outbound",
            seconds=round(dice.uniform(30, 480), 2),
        )
        if number >= first_open:
            yield replace(call, state="processing" if dice.random() < 0.4 else "queued")
        elif ending := ending_of(dice.random()):
            yield replace(call, state=ending[0], failure=ending[1], detail=ending[2])
        else:
            yield analysed(call, writer.write(people[agent], week_number), dice)


def ending_of(share: float) -> tuple[str, str, str, float] | None:
    """Return how a call ends that is not analysed, None for one that is; `share` is drawn from 0 to 1."""
    for ending in ENDINGS:
        share -= ending[3]
        if share < 0:
            return ending
    return None


def analysed(call: Call, spoken: Spoken, dice: random.Random) -> Call:
    """Return a call with its words and findings, sometimes with a verdict."""
    return replace(
        call,
        seconds=spoken.seconds,
        verdict=verdict_of(dice.random()) if dice.random() < REVIEWED else "",
        lines=spoken.lines,
        findings=spoken.findings,
        negative=spoken.negative,
    )


def verdict_of(share: float) -> str:
    """Return a verdict, drawn from 0 to 1."""
    for verdict, part in VERDICTS:
        share -= part
        if share < 0:
            return verdict
    return VERDICTS[0][0]
