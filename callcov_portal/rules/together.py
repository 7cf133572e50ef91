"""Words that are said near each other, in any order: what people say in many ways and no list of phrases covers."""

from collections.abc import Iterator
from functools import lru_cache

from rapidfuzz import fuzz

from callcov_portal.rules.values import Together
from callcov_portal.rules.words import Speech

ALIKE = 85.0
"""From this likeness (0 to 100) on, a long word counts as the wanted one in spite of a recognition error."""
LONG = 6
"""Letters from which on words are compared that tolerantly; shorter ones differ in a letter and mean something else."""


def hits_together(speech: Speech, wanted: Together) -> Iterator[tuple[int, int, float]]:
    """Stretches of tokens (first, last excluded, likeness) that hold one of each of the words, the shortest ones."""
    latest: dict[int, tuple[int, float]] = {}
    breaths = set(speech.breaths)
    for at, token in enumerate(speech.plain):
        if at in breaths:
            latest.clear()
        for which, words in enumerate(wanted.words):
            if not (score := likeness(token, words)):
                continue
            latest[which] = (at, score)
            used = {place for place, _ in latest.values()}
            if len(latest) == len(wanted.words) == len(used) and at + 1 - min(used) <= wanted.within:
                yield min(used), at + 1, min(score for _, score in latest.values())


@lru_cache(maxsize=50_000)
def likeness(token: str, words: tuple[str, ...]) -> float:
    """How alike a token is to the best of the words, 0 to 100; 0 if not alike enough."""
    return max(alike(token, word) for word in words)


def alike(token: str, word: str) -> float:
    """0 to 100; an open end (`record*`) takes whatever follows."""
    stem = word.rstrip("*")
    if token == word or (stem != word and token.startswith(stem)):
        return 100.0
    if len(stem) < LONG:
        return 0.0
    return fuzz.ratio(token[: len(stem)] if stem != word else token, stem, score_cutoff=ALIKE)
