"""Dates as people say them and recognisers write them: `14th of March 1982`, `oh five twelve eighty one`."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from callcov_portal.rules.digits import AMOUNTS, FILLERS, ONES, TEENS, TENS, WORDS, Spoken, goes_on, written

MONTHS = frozenset(
    """january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec""".split()  # noqa: SIM905 - a list would take thirty lines
)
ORDINALS = frozenset(
    """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth twentieth thirtieth""".split()  # noqa: SIM905
)
JOINTS = FILLERS | {"of", "the", "in", "point", "dot", "hundred", "thousand"}
FIGURES = re.compile(r"\d{1,8}(st|nd|rd|th)?|\d{1,4}([ /.-]\d{1,4}){1,2}")
SPELT = WORDS.keys() | frozenset(TEENS) | frozenset(TENS)
LONGEST_PAUSE = 4.0  # seconds between two words of one date
DIGITS = range(4, 9)
"""So many digits a date without a month's name has: 1982, 05 12 81, 05 12 1981."""


def date_spans(words: Sequence[Spoken]) -> Iterator[tuple[int, int]]:
    """Where one speaker says something that may be a date: numbers of its first and last word."""
    parts = [at for at, word in enumerate(words) if may_be_part(word.text, word.plain)]
    first = last = parts[0] if parts else 0
    for at in parts[1:]:
        if not is_joined(words, last, at):
            yield from complete(words, first, last)
            first = at
        last = at
    if parts:
        yield from complete(words, first, last)


def is_joined(words: Sequence[Spoken], last: int, at: int) -> bool:
    """Whether two parts belong to one date: soon after each other, with nothing between but what joins them."""
    if not goes_on(words[last], words[at]) or any(word.plain not in JOINTS for word in words[last + 1 : at]):
        return False
    return all(word.start - words[last].end <= LONGEST_PAUSE for word in words[last + 1 : at + 1])


@lru_cache(maxsize=20_000)
def may_be_part(text: str, plain: str) -> bool:
    """Whether a word, as written and as compared, can be part of a date and not only join its parts."""
    if re.search(r"[$£€%]", text):
        return False
    return (
        plain in MONTHS
        or plain in ORDINALS
        or plain in SPELT
        or FIGURES.fullmatch(plain) is not None
        or 0 < len(written(plain)) <= max(DIGITS)
        or any(part in ORDINALS or part in SPELT for part in plain.split())
    )


def complete(words: Sequence[Spoken], first: int, last: int) -> Iterator[tuple[int, int]]:
    """The span, if it is a date: a month with a number, or as many digits as dates have."""
    if last + 1 < len(words) and words[last + 1].plain in AMOUNTS:
        return
    parts = [part for word in words[first : last + 1] for part in word.plain.split()]
    named, ranked = (any(part in kind for part in parts) for kind in (MONTHS, ORDINALS))
    counted = sum(digits_in(part) for part in parts)
    bare = not named and counted in DIGITS and (ranked or "of" not in parts)
    if (named and counted) or bare:
        yield first, last


def digits_in(part: str) -> int:
    """How many digits a part of a date would be written with, roughly."""
    if part in ORDINALS:
        return 2
    if part in ONES:
        return 1
    if part in WORDS:
        return 2 if part not in TENS else 1
    return len(written(part) or re.findall(r"\d", part))
