"""Invented agents: each with habits of their own, which change over the weeks."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from callcov_portal.demodata.words import FIRST_NAMES, LAST_NAMES

# How often an average agent fails to do what is required, does what is forbidden, and does what is good.
FAILS = {
    "greets": 0.03,
    "agent_identifies": 0.06,
    "call_recording_notice": 0.11,
    "purpose_stated": 0.05,
    "closes": 0.09,
}
FORBIDDEN = {
    "not_my_problem": 0.009,
    "blames_the_contact": 0.007,
    "guarantees_an_outcome": 0.014,
    "pressures": 0.008,
    "threatens": 0.001,
    "insults": 0.002,
    "asks_for_a_secret": 0.004,
}
GOOD = {
    "verifies_the_contact": 0.82,
    "shows_empathy": 0.45,
    "promises": 0.3,
    "cooling_off_notice": 0.12,
}
# How often it is heard, whoever the agent is.
HEARD = {
    "puts_on_hold": 0.22,
    "asks_for_a_supervisor": 0.025,
    "complains": 0.03,
    "is_displeased": 0.06,
    "wants_to_leave": 0.035,
    "had_to_call_before": 0.08,
    "asks_for_a_transfer": 0.03,
}
LATE = 0.3  # of those who fail to say who they are or what it is about: who do so too late


@dataclass(frozen=True, eq=False)
class Agent:
    """An agent: `skill` about 0, `trend` its change over a year, and how much more or less often than others each thing."""

    identifier: str
    name: str
    skill: float
    trend: float
    habits: dict[str, float] = field(default_factory=dict)

    @property
    def first_name(self) -> str:
        return self.name.split()[0]

    @lru_cache(maxsize=100_000)  # noqa: B019  lives as long as one seeding
    def chances(self, week: int) -> dict[str, float]:
        """Return how likely each rule is broken (what is required), broken or met (all else) in a call of that week."""
        skill = self.skill + self.trend * week / 52
        worse, season = math.exp(-0.7 * skill), 1 + 0.35 * math.sin(week / 8.3)
        return {
            **{rule: min(0.6, base * worse * self.habits[rule]) for rule, base in (FAILS | FORBIDDEN).items()},
            **{rule: min(0.97, max(0.03, base + 0.1 * skill)) for rule, base in GOOD.items()},
            **{rule: base * season for rule, base in HEARD.items()},
        }


def agents(count: int, dice: random.Random) -> Sequence[Agent]:
    """Return so many agents, the first of whom take most calls; names repeat when there are very many."""
    pairs = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    dice.shuffle(pairs)
    return [
        Agent(
            identifier=f"demo-{number + 1:03}",
            name=pairs[number % len(pairs)],
            skill=dice.gauss(0, 0.8),
            trend=dice.gauss(0.15, 0.5),
            habits={rule: math.exp(dice.gauss(0, 0.5)) for rule in FAILS | FORBIDDEN},
        )
        for number in range(count)
    ]
