"""What came nearest to something that was not said: the evidence of an omission."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from callcov_portal.rules.matching import WILDCARD, Talk, quote, speaks
from callcov_portal.rules.values import Match, Rule
from callcov_portal.rules.words import Speech, plain

LEAST = 55.0
"""Below this likeness (0 to 100) words have nothing to do with a phrase, and no miss is shown."""
SHORTEST = 3
"""Phrases of fewer words resemble too much to tell anything."""


@dataclass(frozen=True, slots=True)
class Miss:
    """Words that were not what was asked for, but came nearest."""

    quote: str
    speaker: str
    start: float
    end: float
    phrase: str
    """Which phrase they resemble."""
    likeness: float
    """0 to 100."""


def nearest(talk: Talk, rules: Sequence[Rule]) -> Miss | None:
    """The nearest miss of any of the rules; None when nothing resembled them.

    Words that would have counted elsewhere in the call come first: a greeting at its end is no greeting.
    """
    elsewhere = [match for rule in rules for match in talk.find_anywhere(rule)]
    if elsewhere:
        return miss_of(max(elsewhere, key=lambda match: match.score))
    found = [miss for rule in rules for miss in candidates(talk, rule)]
    return max(found, key=lambda miss: (miss.likeness, -miss.start), default=None)


def miss_of(match: Match) -> Miss:
    """A match in the wrong place."""
    return Miss(match.quote, match.speaker, match.start, match.end, match.phrase, match.score)


def candidates(talk: Talk, rule: Rule) -> Iterator[Miss]:
    """For each phrase, what resembles it most within the window that was searched."""
    window = talk.window(rule)
    speeches = [speech for speech in talk.speeches if speaks(speech.speaker, rule)]
    for phrase in rule.phrases:
        wanted = plain(phrase.replace(WILDCARD, " "))
        size, best = len(wanted.split()), LEAST
        for speech in speeches if size >= SHORTEST else ():
            found = process.extractOne(wanted, within(speech, size, window), scorer=fuzz.ratio, score_cutoff=best)
            if found:
                best = found[1]
                said = speech.tokens[found[2] : found[2] + size]
                yield Miss(quote(said), speech.speaker, said[0].start, said[-1].end, phrase, round(best, 1))


def within(speech: Speech, size: int, window: tuple[float, float]) -> list[str]:
    """The speech's stretches of `size` tokens, "" for those that begin outside the seconds of `window`."""
    begin, end = window
    texts = zip(speech.windows(size), speech.tokens, strict=False)
    return [text if begin <= token.start <= end else "" for text, token in texts]
