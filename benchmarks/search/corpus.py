"""Calls that nobody made: seeded words by Zipf's law, and planted ones of which is known where they are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from callcov_portal.searching import Line

WORDS, VOCABULARY, SEGMENTS = 650, 12_000, 60
AGENTS, CONTACTS = 200, 5_000
FIRST_CALL = datetime(2025, 1, 1, tzinfo=UTC)
MONTHS_18 = timedelta(days=548)
ONE, PERCENT, PAIR = "zyxomma", "quittance", ("annual", "statement")
SYLLABLES = [consonant + vowel for consonant in "bcdfghklmnprstvw" for vowel in "aeiou"]


@dataclass(slots=True)
class Corpus:
    """All calls of a benchmark, generated one after the other; `planted` says afterwards which hold what (numbers)."""

    calls: int
    seed: int = 7
    planted: dict[str, list[int]] = field(default_factory=dict)

    def generate(self) -> Iterator[tuple[int, list[Line]]]:
        """Yield the number of each call, from 1 on, and its segments."""
        random = np.random.default_rng(self.seed)
        words = np.array(vocabulary())
        weights = 1 / np.arange(1, VOCABULARY + 1)
        bounds = np.cumsum(weights / weights.sum())
        for number in range(1, self.calls + 1):
            drawn = words[np.minimum(np.searchsorted(bounds, random.random(WORDS)), VOCABULARY - 1)].tolist()
            self.plant(drawn, number, random)
            yield number, list(spoken(drawn))

    def plant(self, drawn: list[str], number: int, random: np.random.Generator) -> None:
        """Put the planted words into a call and note them."""
        place = int(random.integers(10, WORDS - 10))
        if number == self.calls // 3:
            self.note(ONE, number, drawn, place, [ONE])
        if random.random() < 0.01:
            self.note(PERCENT, number, drawn, (place + 100) % (WORDS - 10), [PERCENT])
        chance = random.random()
        if chance < 0.002:
            self.note(" ".join(PAIR), number, drawn, (place + 200) % (WORDS - 10), list(PAIR))
        elif chance < 0.02:  # both words, but not one after the other
            drawn[(place + 200) % (WORDS - 10)], drawn[(place + 300) % (WORDS - 10)] = PAIR

    def note(self, what: str, number: int, drawn: list[str], place: int, said: list[str]) -> None:
        """Plant words at a place, which is never the end of a segment."""
        place -= place % (WORDS // SEGMENTS)
        drawn[place : place + len(said)] = said
        self.planted.setdefault(what, []).append(number)


def vocabulary() -> list[str]:
    """Return the words, the most frequent first; each is three or four syllables of its number."""
    base = len(SYLLABLES)
    return [
        SYLLABLES[n % base] + SYLLABLES[n // base % base] + SYLLABLES[(n * 7 + 3) % base] + "n" * (n % 2)
        for n in range(VOCABULARY)
    ]


def spoken(words: list[str]) -> Iterator[Line]:
    """Yield words as segments, the speakers taking turns."""
    size = WORDS // SEGMENTS
    for at in range(0, len(words), size):
        start = 0.4 * at
        yield Line(
            ("agent", "contact")[at // size % 2], " ".join(words[at : at + size]) + ".", start, start + 0.4 * size
        )


def called_at(number: int, calls: int) -> datetime:
    """Return when a call was, spread evenly over 18 months."""
    return FIRST_CALL + MONTHS_18 * (number / calls)


def agent_of(number: int) -> int:
    """Return which agent (from 1 on) spoke in a call: few have many, most have few."""
    spread = (number * 2_654_435_761 % 10_007) / 10_007
    return 1 + int(AGENTS * spread**3)


def analysis_of(number: int) -> UUID:
    """Return the id of a call's analysis."""
    return UUID(int=number)
