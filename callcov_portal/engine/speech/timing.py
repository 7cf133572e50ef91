"""When words were said, where the recogniser's own answer is known to be wrong. Pure.

The recogniser hears stretches of speech without the pauses between them, and faster-whisper shortens a long word that begins
or ends a sentence to twice the median length. A number that takes four seconds to read out is one word: shortened to half a
second it would lie on the wrong side of a pause, and its sound would be neither found nor muted.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from callcov_portal.engine.speech.stretches import Heard

DIGITS = 4
"""From so many digits on a word is a number that was read out."""
SHORTEST, USUAL = 0.2, 0.32
"""Seconds for each of its digits: less is too short to be true, and this is what it then gets, if there is room."""

Spans = Sequence[tuple[float, float]]


def stretched(words: Iterable[Heard]) -> list[Heard]:
    """Give numbers the time that their digits take, back from their end; what was pushed there moves before them."""
    found: list[Heard] = []
    for word in words:
        digits = len(re.findall(r"\d", word.text))
        if digits >= DIGITS and word.end - word.start < SHORTEST * digits:
            room = found[-2].end if len(found) > 1 else 0.0
            before = found[-1].end - found[-1].start if found else 0.0
            start = min(word.start, max(room + before, word.end - USUAL * digits))
            if found and found[-1].end > start:
                found[-1] = replace(found[-1], start=start - before, end=start)
            word = replace(word, start=start)  # noqa: PLW2901 - the same word, told better
        found.append(word)
    return found


def placed(words: Iterable[Heard], spans: Spans) -> list[Heard]:
    """Words with times in the stretches of speech laid end to end, set back to where these stretches (seconds) are.

    A word that crosses a seam is set where more of it is, and ends with that stretch.
    """
    lengths = [end - start for start, end in spans]
    begins = [0.0, *accumulate(lengths)][: len(spans)]
    found: list[list[Heard]] = [[] for _ in spans]
    for word in words:
        at = max(0, bisect_right(begins, (word.start + word.end) / 2) - 1)
        shift = spans[at][0] - begins[at]
        start, end = (min(max(moment + shift, spans[at][0]), spans[at][1]) for moment in (word.start, word.end))
        found[at].append(replace(word, start=start, end=end))
    for at, (here, after) in enumerate(pairwise(spans)):
        if found[at] and not found[at + 1]:
            found[at][-1:], found[at + 1] = parted(found[at][-1], here, after)
    return [word for heard, span in zip(found, spans, strict=True) for word in filled(heard, span)]


def parted(word: Heard, here: tuple[float, float], after: tuple[float, float]) -> tuple[list[Heard], list[Heard]]:
    """A number at the end of a stretch, where the one after it has no words at all: the last digits were said there.

    "Expiring 0829." "And the three on the back?" "256." is heard as "0829256", and what was said last would not be muted.
    Each stretch gets the share of the digits that it has of the time; fewer than two on a side are no part of a number.
    """
    places = [match.start() for match in re.finditer(r"\d", word.text)]
    length = after[1] - after[0]
    later = round(len(places) * length / (here[1] - word.start + length))
    if not 1 < later < len(places) - 1:
        return [word], []
    cut = places[-later]
    head = replace(word, text=word.text[:cut].rstrip("-"), end=here[1])
    return [head], [replace(word, text=f" {word.text[cut:]}", start=after[0], end=after[1])]


def filled(heard: list[Heard], span: tuple[float, float]) -> list[Heard]:
    """The words of one stretch; a number that begins or ends it lasts from where, or until when, somebody speaks.

    "256" may be given half a second of the second and a half that it takes, and the rest of it would not be muted.
    """
    if heard and is_number(heard[0]):
        heard[0] = replace(heard[0], start=span[0])
    if heard and is_number(heard[-1]):
        heard[-1] = replace(heard[-1], end=span[1])
    return heard


def is_number(word: Heard) -> bool:
    """Whether it is more than one digit."""
    return len(re.findall(r"\d", word.text)) > 1
