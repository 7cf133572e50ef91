"""A query and a transcript as PostgreSQL takes them: `tsquery` and `tsvector`, made of the words that we see.

Its own parser would take `and/or` for a path and `10.30` for one number; so would nobody who searches. The speakers'
words have the weights A (agent), B (contact) and C (others), and lie one after the other, so that no phrase begins
with one and ends with another. Of a word PostgreSQL keeps 255 places and none beyond the 16,383rd: a phrase that
comes later in so long a call is not found, its words are.
"""

from collections.abc import Iterable, Iterator, Sequence

from callcov_portal.searching.facets import EVERY
from callcov_portal.searching.letters import words_in
from callcov_portal.searching.query import LONGEST_WORD, Query, Term
from callcov_portal.searching.transcript import Transcript

WEIGHTS = {"agent": "A", "contact": "B", "other": "C"}
LAST_PLACE = 16_383
MOST_PLACES = 255
MOST_BYTES = 700_000  # of words; PostgreSQL takes a megabyte with their places
FACET = "="
"""Before the name of a facet: no word begins so."""


def vector(transcript: Transcript, facets: Iterable[str]) -> str:
    """Return a transcript with its facets as the text of a `tsvector`; of a boundless one, as much as there is room for."""
    places: dict[str, list[str]] = {}
    size = 0
    for word, place, weight in placed(transcript):
        if word not in places:
            size += len(word.encode()) + 8
            if size > MOST_BYTES:
                break
            places[word] = []
        if len(places[word]) < MOST_PLACES:
            places[word].append(f"{min(place, LAST_PLACE)}{weight}")
    words = [f"'{word}':{','.join(found)}" for word, found in places.items()]
    return " ".join([*words, *(f"'{FACET}{facet}'" for facet in facets)])


def placed(transcript: Transcript) -> Iterator[tuple[str, int, str]]:
    """Yield every word with its place and the letter of who said it."""
    place = 0
    for name, weight in WEIGHTS.items():
        for word in words_in(getattr(transcript, name)):
            place += 1
            yield word[:LONGEST_WORD], place, weight
        place += 1


def tsquery(query: Query, facets: Sequence[str] = (), *, is_loose: bool = False) -> str:
    """Return the text of the `tsquery` of the calls that match and have all of these facets.

    `is_loose` asks only for what the index knows by itself, so that no row must be read to tell: the words of a phrase
    in any order and said by anyone. Whatever matches, matches loosely too.
    """
    weight = "" if is_loose or not query.who else WEIGHTS[query.who]
    parts = [written(term, weight, is_loose=is_loose) for term in query.wanted]
    parts += [f"'{FACET}{facet}'" for facet in (*facets, *(() if parts or facets else (EVERY,)))]
    unwanted = [term for term in query.unwanted if not is_loose or (len(term.words) == 1 and not query.who)]
    parts += [f"!({written(term, weight, is_loose=is_loose)})" for term in unwanted]
    return " & ".join(parts)


def any_facet(names: Iterable[str]) -> str:
    """Return the `tsquery` of what has one of these facets."""
    either = " | ".join(f"'{FACET}{name}'" for name in names)
    return f"({either})"


def written(term: Term, weight: str, *, is_loose: bool) -> str:
    """Return one term."""
    last = ":" + ("*" if term.is_beginning else "") + weight
    endings = [f":{weight}"] * (len(term.words) - 1) + [last]
    words = [f"'{word}'{ending if len(ending) > 1 else ''}" for word, ending in zip(term.words, endings, strict=True)]
    return f"({(' & ' if is_loose else ' <-> ').join(words)})"


def is_exact(query: Query) -> bool:
    """Say whether what matches loosely matches: one word each, said by whomever."""
    return not query.who and all(len(term.words) == 1 for term in (*query.wanted, *query.unwanted))
