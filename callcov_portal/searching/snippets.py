"""The lines of a transcript that show best what was looked for, with the words marked in them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from callcov_portal.searching.letters import BETWEEN, fold
from callcov_portal.searching.query import Query, Term
from callcov_portal.searching.transcript import Transcript, seconds_of

MOST = 3
LONGEST = 180  # characters of a line that are shown
BEFORE = 60  # of them before the first marked word
REST = "[^\\W_]*"


class Piece(NamedTuple):
    """A part of a shown line."""

    text: str
    is_marked: bool


@dataclass(frozen=True, slots=True)
class Snippet:
    """One segment in which something was found: its number, its seconds, and what is shown of it."""

    number: int
    speaker: str
    start: float
    end: float
    pieces: tuple[Piece, ...]


class Place(NamedTuple):
    """Where a term is in a speaker's text."""

    line: int
    speaker: str
    term: int


@lru_cache(maxsize=500)
def pattern_of(term: Term) -> re.Pattern[str]:
    """Return the pattern of a term in a folded text, to be tried at the begin of a word."""
    words = BETWEEN.join(re.escape(word) for word in term.words)
    return re.compile(words + REST if term.is_beginning else rf"{words}(?![^\W_])")


def places_of(term: Term, folded: str) -> Iterator[tuple[int, int]]:
    """Yield where a term is in a folded text: first character, and the one after the last."""
    pattern, first = pattern_of(term), term.words[0]
    at = folded.find(first)
    while at >= 0:
        found = pattern.match(folded, at) if at == 0 or not folded[at - 1].isalnum() else None
        if found:
            yield found.span()
        at = folded.find(first, found.end() if found else at + 1)


def snippets(transcript: Transcript, query: Query, most: int = MOST) -> list[Snippet]:
    """Return the lines to show of a call, in the order of the talk.

    Those in which most of the terms are come first, so that each term is seen if there is room; a term that spans two
    lines is shown by its first one. Empty if only the database sees a match (its letters differ a little from ours).
    """
    names = (query.who,) if query.who else ("agent", "contact", "other")
    folded = {name: fold(getattr(transcript, name)) for name in names}
    places = [
        place
        for number, term in enumerate(query.wanted)
        for name in names
        for place in first_lines(term, number, name, folded[name], most)
    ]
    chosen = sorted(best(places, most))
    times = seconds_of(transcript.times, [line for line, _ in chosen])
    return [
        Snippet(line, name, start, end, marked(text_at(getattr(transcript, name), line), query))
        for (line, name), (start, end) in zip(chosen, times, strict=True)
    ]


def first_lines(term: Term, number: int, speaker: str, folded: str, most: int) -> Iterator[Place]:
    """Yield the first lines of a speaker in which a term begins."""
    line, counted, last = 0, 0, -1
    for start, _ in places_of(term, folded):
        line += folded.count("\n", counted, start)
        counted = start
        if line != last:
            yield Place(line, speaker, number)
            last, most = line, most - 1
            if not most:
                return


def best(places: Sequence[Place], most: int) -> list[tuple[int, str]]:
    """Return the lines that together show most terms, then the earliest."""
    terms: dict[tuple[int, str], set[int]] = {}
    for line, speaker, term in places:
        terms.setdefault((line, speaker), set()).add(term)
    chosen: list[tuple[int, str]] = []
    seen: set[int] = set()
    while terms and len(chosen) < most:
        place = min(terms, key=lambda one: (-len(terms[one] - seen), one))
        seen |= terms.pop(place)
        chosen.append(place)
    return chosen


def text_at(text: str, line: int) -> str:
    """Return one line of a text."""
    return text.split("\n", line + 1)[line]


def marked(text: str, query: Query, longest: int = LONGEST) -> tuple[Piece, ...]:
    """Return a line in pieces, the words that were looked for marked; a long one is cut around the first of them."""
    spans = joined(sorted(span for term in query.wanted for span in spans_in(term, fold(text))))
    begin, end = window(text, spans[0][0] if spans else 0, longest)
    pieces, at = [Piece("… ", is_marked=False)] if begin else [], begin
    for first, last in spans:
        if first >= end:
            break
        pieces += [Piece(text[at:first], is_marked=False), Piece(text[first : min(last, end)], is_marked=True)]
        at = min(last, end)
    pieces.append(Piece(text[at:end] + (" …" if end < len(text) else ""), is_marked=False))
    return tuple(piece for piece in pieces if piece.text)


def spans_in(term: Term, line: str) -> list[tuple[int, int]]:
    """Return where a term is in a line; of a phrase that goes on in another line, the words that are in this one."""
    if whole := list(places_of(term, line)):
        return whole
    return [span for word in term.words for span in places_of(Term((word,)), line)] if len(term.words) > 1 else []


def joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans that do not overlap."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def window(text: str, first: int, longest: int) -> tuple[int, int]:
    """Return which part of a long text is shown, cut between words where there are any."""
    if len(text) <= longest:
        return 0, len(text)
    begin = max(0, min(first - BEFORE, len(text) - longest))
    if begin and (space := text.find(" ", begin, first)) >= 0:
        begin = space + 1
    end = min(len(text), begin + longest)
    if end < len(text) and (space := text.rfind(" ", first, end)) > first:
        end = space
    return begin, end
