"""The query as people type it: words, "phrases in quotes", beginnings* and -what must not be there."""

import re
from dataclasses import dataclass
from typing import Literal

from callcov_portal.searching.letters import words_in

LONGEST = 200
"""Characters that are read; what comes after them is left out."""
MOST_TERMS = 20
LONGEST_WORD = 100  # characters: PostgreSQL takes no more than 2,046 bytes
SHORTEST_BEGINNING = 2  # letters: one alone would stand for a tenth of all words

# A part in quotes, or whatever stands without a space: a quote that is never closed is no quote.
QUOTES = '"\u201c\u201d\u201e'
PART = re.compile(
    rf"(?P<dash>[-\u2212\u2013])?(?:[{QUOTES}](?P<quoted>[^{QUOTES}]*)[{QUOTES}](?P<star>\*)?|(?P<plain>\S+))"
)

Who = Literal["", "agent", "contact"]
"""Who must have said it: "" is anyone."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other, as they are compared; `is_beginning`: of the last one only the begin is given."""

    words: tuple[str, ...]
    is_beginning: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a call must hold, all of it, and what it must not."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()
    who: Who = ""

    def __bool__(self) -> bool:
        return bool(self.wanted or self.unwanted)


def parse(text: str, who: Who = "") -> Query:
    """Read a query. Every text has a meaning, and none raises: what is no operator is words.

    Without a single letter or digit the query is empty, which is false.
    """
    wanted: dict[Term, None] = {}
    unwanted: dict[Term, None] = {}
    for part in PART.finditer(text[:LONGEST].replace("\0", " ")):
        said = part["plain"] if part["quoted"] is None else part["quoted"]
        if term := term_of(said, has_star=bool(part["star"])):
            (unwanted if part["dash"] else wanted)[term] = None
    return Query(tuple(wanted)[:MOST_TERMS], tuple(unwanted)[:MOST_TERMS], who)


def term_of(said: str, *, has_star: bool) -> Term | None:
    """Return what one part of a query looks for, None if there is no word in it. `don't` is a phrase of two words."""
    words = tuple(word[:LONGEST_WORD] for word in words_in(said))
    if not words:
        return None
    has_star = has_star or said.rstrip(QUOTES).endswith("*")
    return Term(words, has_star and len(words[-1]) >= SHORTEST_BEGINNING)
