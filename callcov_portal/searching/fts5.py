"""A query as SQLite's FTS5 takes it. Every word stands in quotes, so that none is an operator."""

from collections.abc import Iterable, Sequence

from callcov_portal.searching.facets import EVERY
from callcov_portal.searching.query import Query, Term

EVERYONE = ("agent", "contact", "other")


def expression(query: Query, facets: Sequence[str] = ()) -> str:
    """Return the expression of the calls that match and have all of these facets."""
    columns = f"{{{' '.join((query.who,) if query.who else EVERYONE)}}}"
    parts = [f"{columns} : ({all_of(query.wanted)})"] if query.wanted else []
    if facets or not parts:
        named = " AND ".join(f'"{facet}"' for facet in facets or (EVERY,))
        parts.append(f"facets : ({named})")
    found = " AND ".join(f"({part})" for part in parts)
    if not query.unwanted:
        return found
    return f"({found}) NOT ({columns} : ({' OR '.join(map(quoted, query.unwanted))}))"


def all_of(terms: Iterable[Term]) -> str:
    """Return the expression of what holds every term."""
    return " AND ".join(map(quoted, terms))


def quoted(term: Term) -> str:
    """Return one term; its words are letters and digits, so nothing in them needs escaping."""
    return f'"{" ".join(term.words)}"{" *" if term.is_beginning else ""}'
