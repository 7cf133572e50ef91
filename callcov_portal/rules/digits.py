"""Numbers as people say them and recognisers write them: runs of digits with their words."""

import re
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from callcov_portal.rules.values import SpokenSegment
from callcov_portal.rules.words import plain, timed_words

ONES = dict(
    zip(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], "0123456789", strict=True)
)
ONES |= {"oh": "0", "o": "0", "nought": "0", "naught": "0"}
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = (
    ONES | {word: str(10 + at) for at, word in enumerate(TEENS)} | {word: f"{at}0" for at, word in enumerate(TENS, 2)}
)
TIMES = {"double": 2, "triple": 3, "treble": 3}
FILLERS = frozenset(["um", "uh", "er", "erm", "ah", "mm", "and", "dash", "hyphen", "space", "stroke", "slash"])
AMOUNTS = frozenset(
    ["hundred", "thousand", "million", "pounds", "pound", "dollars", "dollar", "euros", "pence", "cents", "percent"]
)
LONGEST_PAUSE = 10.0
"""Seconds within a number that is read out in groups, while the other one says yes."""
LISTENING_WORDS = 4
"""Who says more than so many words between has taken the turn: what follows is another number."""


class Spoken(NamedTuple):
    """A word of the call: `plain` for looking at, `text` as written, and where it stands.

    `number` counts the words of the whole call in the order of the segments, `word` those of its segment.
    """

    plain: str
    text: str
    speaker: str
    start: float
    end: float
    number: int = 0
    segment: int = 0
    word: int = 0


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits that one speaker said in a row; `first` and `last` number that speaker's words, both included."""

    digits: str
    first: int
    last: int


def words_of(segments: Sequence[SpokenSegment]) -> list[Spoken]:
    """All words in the order of the segments."""
    said: list[Spoken] = []
    for at, segment in enumerate(segments):
        speaker = segment.speaker
        for number, (text, start, end, _confidence) in enumerate(timed_words(segment)):
            said.append(Spoken(plain(text), text, speaker, start, end, len(said), at, number))
    return said


def digit_runs(words: Sequence[Spoken]) -> Iterator[DigitRun]:
    """Runs of digits in one speaker's words; fillers and pauses up to LONGEST_PAUSE do not end a run, amounts are none."""
    begins = [at for at, word in enumerate(words) if may_begin(word.plain)]
    digits, first, last = "", 0, 0
    at = next_of(begins, 0)
    while at < len(words):
        value, used = digits_at(words, at)
        if value and digits and not goes_on(words[last], words[at]):
            yield DigitRun(digits, first, last)
            digits = ""
        if value:
            first = first if digits else at
            digits, last = digits + value, at + used - 1
        elif digits and words[at].plain not in FILLERS:
            if words[at].plain not in AMOUNTS:
                yield DigitRun(digits, first, last)
            digits = ""
        at = at + used if digits else next_of(begins, at + used)
    if digits:
        yield DigitRun(digits, first, last)


def next_of(places: Sequence[int], at: int) -> int:
    """The first of these places, which are in order, from `at` on; beyond all words if there is none."""
    place = bisect_left(places, at)
    return places[place] if place < len(places) else sys.maxsize


@lru_cache(maxsize=20_000)
def may_begin(plain: str) -> bool:
    """Whether digits may begin at such a word: most words are none of these, and are said again and again."""
    return plain in WORDS or plain in TIMES or written(plain) != ""


def goes_on(one: Spoken, next_one: Spoken) -> bool:
    """Whether a speaker's next word can belong to the same number: soon, and nobody has taken the turn between."""
    between = next_one.number - one.number - 1
    return next_one.start - one.end <= LONGEST_PAUSE and between <= LISTENING_WORDS


def digits_at(words: Sequence[Spoken], at: int) -> tuple[str, int]:
    """The digits that begin at this word, and how many words they take; ("", 1) if none."""
    word = words[at]
    following = words[at + 1].plain if at + 1 < len(words) else ""
    if word.plain in TIMES and (one := ONES.get(following, following if re.fullmatch(r"\d", following) else "")):
        return one * TIMES[word.plain], 2
    if re.search(r"[$£€%]", word.text):
        return "", 1
    if word.plain in TENS and following in ONES and ONES[following] != "0":
        return WORDS[word.plain][0] + ONES[following], 2
    if word.plain in WORDS:
        return WORDS[word.plain], 1
    return written(word.plain), 1


@lru_cache(maxsize=20_000)
def written(text: str) -> str:
    """The digits of a text that has nothing else but `o` for 0 and `triple` before one: `6011 triple09`; "" for any other."""
    digits, times = "", 1
    for part in re.findall(r"[^\W\d_]+|\d", text):
        if part in TIMES:
            times = TIMES[part]
        elif value := part if part.isdigit() else {"o": "0", "oh": "0"}.get(part, ""):
            digits, times = digits + value * times, 1
        else:
            return ""
    return digits


def luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right."""
    doubled = [int(d) * (2 if at % 2 else 1) for at, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
