"""Words that are said near each other, in any order: what people say in many ways and no list of phrases covers."""

from collections import deque
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
    near: deque[tuple[int, dict[int, float]]] = deque()  # tokens that are one of the words, and of which, how alike
    breaths = set(speech.breaths)
    for at, token in enumerate(speech.plain):
        if at in breaths:
            near.clear()
        if fits := {which: score for which, words in enumerate(wanted.words) if (score := likeness(token, words))}:
            near.append((at, fits))
            while at - near[0][0] >= wanted.within:
                near.popleft()
            if len(near) >= len(wanted.words) and (found := shortest(near, len(wanted.words))):
                yield found[0], at + 1, found[1]


def shortest(near: deque[tuple[int, dict[int, float]]], count: int) -> tuple[int, float] | None:
    """The latest token from which on each of `count` words has a token of its own, and the least likeness of these.

    Tokens are taken in from the newest back; each one pushes others on to further words until all are settled.
    """
    if len(set().union(*(fits for _, fits in near))) < count:
        return None
    owner: dict[int, int] = {}
    for number in range(len(near) - 1, -1, -1):
        settle(number, near, owner, set())
        if len(owner) == count:
            return near[number][0], min(near[token][1][which] for which, token in owner.items())
    return None


def settle(number: int, near: deque[tuple[int, dict[int, float]]], owner: dict[int, int], tried: set[int]) -> bool:
    """Give a token one of its words, if need be by giving the word's present owner another one (Kuhn's algorithm)."""
    for which in near[number][1]:
        if which not in tried:
            tried.add(which)
            if which not in owner or settle(owner[which], near, owner, tried):
                owner[which] = number
                return True
    return False


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
