"""What a call has beside its words, said in the index as a word that nobody speaks."""

from collections.abc import Iterator

EVERY = "x"
"""The facet of every call: calls without a word can only be found among others."""
SECONDS = 8
"""Bits of a key below its seconds. Each further 7 make every place in SQLite's index a byte longer, an eighth in all."""
SHORT, LONG = SECONDS + 16, SECONDS + 22
"""Bits below a stretch of 18 hours, and below one of 48 days."""
MOST_STRETCHES = 40


def agent_facet(pk: int) -> str:
    """Return the facet of an agent's calls."""
    return f"a{pk}"


def contact_facet(pk: int | None) -> str:
    """Return the facet of a contact's calls; None is the unknown contact."""
    return f"c{pk or 0}"


def time_facets(key: int) -> Iterator[str]:
    """Yield the facets of the two stretches of time that a key lies in."""
    yield f"t{key >> SHORT}"
    yield f"u{key >> LONG}"


def stretches(first: int, last: int) -> list[str]:
    """Return the facets of which every call between two keys has one; none if there were too many."""
    for letter, bits in (("t", SHORT), ("u", LONG)):
        begin, end = first >> bits, last >> bits
        if end - begin < MOST_STRETCHES:
            return [f"{letter}{number}" for number in range(begin, end + 1)]
    return []
