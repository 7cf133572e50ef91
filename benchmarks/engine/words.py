"""How well the words fit: word error rate and speakers, after Whisper's English normaliser, numbers digit by digit."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from rapidfuzz.distance import Levenshtein
from whisper_normalizer.english import EnglishTextNormalizer

LEADING_ZERO = re.compile(r"(?<![\d.,])0\d+")
PIECES = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")
DIGITS = {"one": "1"}
"""The normaliser writes a lone 1 as "one", whatever stood there."""
NO_WORDS = frozenset(".,'")

Said = tuple[str, str]
"""Who (A the agent, B the contact, empty if unknown) and a stretch of text."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Counts, so that they can be added up over recordings."""

    errors: int = 0
    words: int = 0
    placed: int = 0
    """Recognised words that are also in the truth."""
    right: int = 0
    """Of those, the ones that were given to the right speaker."""

    def __add__(self, other: "Fit") -> "Fit":
        return Fit(
            self.errors + other.errors,
            self.words + other.words,
            self.placed + other.placed,
            self.right + other.right,
        )

    @property
    def error_rate(self) -> float | None:
        """Wrong, missing and added words per word of the truth; None without any."""
        return self.errors / self.words if self.words else None

    @property
    def speakers(self) -> float | None:
        """The share of right speakers; None if no word was placed."""
        return self.right / self.placed if self.placed else None


def fit(truth: Iterable[Said], heard: Iterable[Said]) -> Fit:
    """Compare two conversations, each in the order of its stretches' starts."""
    reference, found = spoken(truth), spoken(heard)
    blocks = Levenshtein.opcodes([word for word, _ in reference], [word for word, _ in found])
    pairs = [
        (reference[block.src_start + at][1], found[block.dest_start + at][1])
        for block in blocks
        if block.tag == "equal"
        for at in range(block.src_end - block.src_start)
    ]
    errors = sum(
        max(block.src_end - block.src_start, block.dest_end - block.dest_start)
        for block in blocks
        if block.tag != "equal"
    )
    return Fit(errors, len(reference), len(pairs), sum(mine == yours for mine, yours in pairs))


def spoken(said: Iterable[Said]) -> list[tuple[str, str]]:
    """(word, speaker) in order. What one speaker says in a row is normalised in one piece, however it was cut."""
    return [
        (word, speaker)
        for speaker, stretch in groupby(said, key=lambda each: each[0])
        for word in words_of(" ".join(text for _, text in stretch))
    ]


def words_of(text: str) -> list[str]:
    """The words to compare; every digit is one, and so is a sign that the normaliser leaves (`£`, `%`)."""
    spaced = LEADING_ZERO.sub(lambda found: " ".join(found[0]), text)
    return [DIGITS.get(word, word) for word in PIECES.findall(normalised(spaced)) if word not in NO_WORDS]


@lru_cache(maxsize=100_000)
def normalised(text: str) -> str:
    """By Whisper's rules. A number with leading zeros must have been spaced before: they cut the zeros off."""
    return str(normaliser()(text))


@lru_cache(maxsize=1)
def normaliser() -> EnglishTextNormalizer:
    """Made once: it reads a table of spellings."""
    return EnglishTextNormalizer()
