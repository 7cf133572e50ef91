"""A query and a transcript as PostgreSQL takes them: `tsquery` and `tsvector`, made of the words that we see.

Its own parser would take `and/or` for a path and `10.30` for one number; so would nobody who searches. The speakers'
words have the weights A (agent), B (contact) and C (others), and lie one after the other, so that no phrase begins
with one and ends with another. Of a word PostgreSQL keeps 255 places and none beyond the 16,383rd: a phrase that
comes later in so long a call is not found, its words are.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from zlib import crc32

from callcov_portal.searching.facets import EVERY
from callcov_portal.searching.letters import words_in
from callcov_portal.searching.query import LONGEST_WORD, Query, Term
from callcov_portal.searching.transcript import Transcript

WEIGHTS = {"agent": "A", "contact": "B", "other": "C"}
LAST_PLACE = 16_383
MOST_PLACES = 255
MOST_BYTES = 500_000  # of words; PostgreSQL takes a megabyte with their places
FACET = "="
"""Before the name of a facet: no word begins so."""
PAIR = "~"
"""Before the sign of two words in a row, one of 65,536: by it the index knows nearly all that a phrase is not in. Without
it every call that has the words somewhere must be read (140 ms of 100,000 calls for two words in 2 % of them)."""


def vector(transcript: Transcript, facets: Iterable[str]) -> str:
    """Return a transcript with its facets as the text of a `tsvector`; of a boundless one, as much as there is room for."""
    places: dict[str, list[str]] = {}
    pairs: set[str] = set()
    size, before = 0, ("", -1)
    for word, place, weight in placed(transcript):
        if word not in places:
            size += len(word.encode()) + 8
            if size > MOST_BYTES:
                break
            places[word] = []
        if len(places[word]) < MOST_PLACES:
            places[word].append(f"{min(place, LAST_PLACE)}{weight}")
        if before[1] == place - 1:
            pairs.add(pair(before[0], word))
        before = word, place
    words = [f"'{word}':{','.join(found)}" for word, found in places.items()]
    return " ".join([*words, *(f"'{name}'" for name in sorted(pairs)), *(f"'{FACET}{facet}'" for facet in facets)])


def pair(word: str, following: str) -> str:
    """Return the sign of two words in a row; others may have the same."""
    return f"{PAIR}{crc32(f'{word} {following}'.encode()) & 0xFFFF:x}"


def placed(transcript: Transcript) -> Iterator[tuple[str, int, str]]:
    """Yield every word with its place and the letter of who said it."""
    place = 0
    for name, weight in WEIGHTS.items():
        for word in words_in(getattr(transcript, name)):
            place += 1
            yield word[:LONGEST_WORD], place, weight
        place += 1


def ranking(query: Query) -> str:
    """Return the `tsquery` of the words that are wanted alone, by which a match is weighed."""
    weight = WEIGHTS.get(query.who, "")
    return " & ".join(written(term, weight, is_loose=False) for term in query.wanted)


def tsquery(query: Query, facets: Sequence[str] = (), *, is_loose: bool = False) -> str:
    """Return the text of the `tsquery` of the calls that match and have all of these facets.

    `is_loose` asks only for what the index knows by itself, so that no row must be read to tell: the words of a phrase
    said by anyone, perhaps not in a row. Whatever matches, matches loosely too.
    """
    weight = "" if is_loose or not query.who else WEIGHTS[query.who]
    parts = [written(term, weight, is_loose=is_loose) for term in query.wanted]
    parts += [f"'{pair(*two)}'" for term in query.wanted for two in pairwise(whole_words(term))]
    parts += [f"'{FACET}{facet}'" for facet in (*facets, *(() if parts or facets else (EVERY,)))]
    unwanted = [term for term in query.unwanted if not is_loose or (len(term.words) == 1 and not query.who)]
    parts += [f"!({written(term, weight, is_loose=is_loose)})" for term in unwanted]
    return " & ".join(parts)


def any_facet(names: Iterable[str]) -> str:
    """Return the `tsquery` of what has one of these facets."""
    either = " | ".join(f"'{FACET}{name}'" for name in names)
    return f"({either})"


def whole_words(term: Term) -> tuple[str, ...]:
    """Return the words of which more than the begin is given."""
    return term.words[:-1] if term.is_beginning else term.words


def written(term: Term, weight: str, *, is_loose: bool) -> str:
    """Return one term."""
    last = ":" + ("*" if term.is_beginning else "") + weight
    endings = [f":{weight}"] * (len(term.words) - 1) + [last]
    words = [f"'{word}'{ending if len(ending) > 1 else ''}" for word, ending in zip(term.words, endings, strict=True)]
    return f"({(' & ' if is_loose else ' <-> ').join(words)})"


def is_exact(query: Query) -> bool:
    """Say whether what matches loosely matches: one word each, said by whomever."""
    return not query.who and all(len(term.words) == 1 for term in (*query.wanted, *query.unwanted))
