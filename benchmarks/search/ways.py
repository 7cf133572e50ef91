"""What is asked, by the product's own code, and what it costs: CPU of this process, and on PostgreSQL of the one that answers us."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.pages.answering import Doing
from benchmarks.search.corpus import ONE, PAIR, PERCENT, VOCABULARY, WORDS, vocabulary
from benchmarks.search.lines import COMMON, PERCENT_WORD, PHRASE, PROOF, RARE_WORD
from benchmarks.search.measuring import Way
from callcov_portal.searching import parse

PAGE = 50


def words() -> dict[str, str]:
    """Return what is looked for."""
    half = next(rank for rank in range(VOCABULARY) if share(rank) < 0.5)
    return {
        COMMON: vocabulary()[half],
        PERCENT_WORD: PERCENT,
        RARE_WORD: ONE,
        PHRASE: f'"{" ".join(PAIR)}"',
    }


def share(rank: int) -> float:
    """Return in which share of the calls the word of this rank is, by Zipf's law."""
    harmonic = sum(1 / n for n in range(1, VOCABULARY + 1))
    return 1 - (1 - 1 / (rank + 1) / harmonic) ** WORDS


def newest(typed: str) -> Callable[[], object]:
    """Return how the newest fifty calls are found with their lines."""
    from callcov_portal.models.hits import hits, walk
    from callcov_portal.models.matches import Scope

    query = parse(typed)
    return lambda: hits(query, walk(query, Scope(), PAGE + 1).keys[:PAGE])


def doings(planted: Mapping[str, Sequence[int]]) -> dict[str, Doing]:
    """Return all that is measured."""
    found: dict[str, Doing] = {name: Way(newest(typed)) for name, typed in words().items()}
    return found | {PROOF: lambda: is_proved(planted)}


def is_proved(planted: Mapping[str, Sequence[int]]) -> bool:
    """Say whether exactly the calls are found in which something was planted, each with its line."""
    from callcov_portal.models.hits import hits, walk
    from callcov_portal.models.matches import Scope

    for typed, numbers in planted.items():
        query = parse(f'"{typed}"')
        found = hits(query, walk(query, Scope(), len(numbers) + 1, patience=60).keys)
        if [hit.number for hit in found] != list(numbers)[::-1] or not all(hit.snippets for hit in found):
            return False
    return True
