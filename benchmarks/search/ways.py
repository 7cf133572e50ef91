"""What is asked, and the ways to ask it: the product's own, the least there can be, and the usual recipe."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.search.corpus import ONE, PAIR, PERCENT, Corpus
from callcov_portal.searching import parse

PAGE = 50
COMMON, FREQUENT = "in half of the calls", "in nearly every call"
RARE_WORD, PERCENT_WORD, PHRASE = "in one call", "in 1 % of the calls", "a phrase, in 0.2 %"
BEGINNING = "a beginning of two letters"
FREQUENT_PHRASE, FREQUENT_AND_AGENT = "a phrase of frequent words", "in half of the calls, an agent with few"
GATED = (COMMON, PERCENT_WORD, RARE_WORD, PHRASE)
NEWEST, FLOOR, CONTAINS, BEST, COUNT = "newest 50", "floor", "icontains", "best 50", "count"


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for."""

    name: str
    words: str
    agent: int = 0


def questions(corpus: Corpus) -> list[Question]:
    """Return what is asked."""
    vocabulary = corpus.vocabulary()
    half = next(n for n in range(len(vocabulary)) if share(n, len(vocabulary)) < 0.5)
    return [
        Question(COMMON, vocabulary[half]),
        Question(PERCENT_WORD, PERCENT),
        Question(RARE_WORD, ONE),
        Question(PHRASE, f'"{" ".join(PAIR)}"'),
        Question(FREQUENT, vocabulary[0]),
        Question(BEGINNING, f"{vocabulary[half][:2]}*"),
        Question(FREQUENT_PHRASE, f'"{vocabulary[half]} {vocabulary[half + 1]}"'),
        Question(FREQUENT_AND_AGENT, vocabulary[half], agent=199),
    ]


def share(rank: int, size: int) -> float:
    """Return in which share of the calls the word of this rank is, by Zipf's law."""
    from benchmarks.search.corpus import WORDS

    harmonic = sum(1 / n for n in range(1, size + 1))
    return 1 - (1 - 1 / (rank + 1) / harmonic) ** WORDS


def ways(question: Question) -> dict[str, Callable[[], object]]:
    """Return the ways to ask a question."""
    from callcov_portal.models.hits import best, hits, walk
    from callcov_portal.models.matches import Scope
    from callcov_portal.searching.facets import agent_facet

    query, scope = parse(question.words), Scope((agent_facet(question.agent),) if question.agent else ())
    return {
        NEWEST: lambda: hits(query, walk(query, scope, PAGE + 1).keys[:PAGE]),
        BEST: lambda: hits(query, best(query, scope).keys[:PAGE]),
        COUNT: lambda: walk(query, scope, 1001).keys,
        **least(question),
    }


def least(question: Question) -> dict[str, Callable[[], object]]:
    """Return the floor, and for words without an index the usual recipe; both on SQLite."""
    from django.db import connection

    from callcov_portal.models import Spoken
    from callcov_portal.models.hits import COLUMNS
    from callcov_portal.searching import fts5
    from callcov_portal.searching.facets import agent_facet

    if connection.vendor != "sqlite":
        return {}
    expression = fts5.expression(parse(question.words), (agent_facet(question.agent),) if question.agent else ())
    sql = (
        f"SELECT {', '.join(COLUMNS)} FROM portal_spoken WHERE key IN (SELECT rowid FROM portal_spoken_index "  # noqa: S608
        "WHERE portal_spoken_index MATCH %s ORDER BY rowid DESC LIMIT 50) ORDER BY key DESC"
    )

    def floor() -> object:
        with connection.cursor() as cursor:
            cursor.execute(sql, [expression])
            return cursor.fetchall()

    found: dict[str, Callable[[], object]] = {FLOOR: floor}
    if question.name == RARE_WORD:
        rows = Spoken.objects.filter(agent__icontains=question.words) | Spoken.objects.filter(
            contact__icontains=question.words
        )
        found[CONTAINS] = lambda: list(rows.order_by("-key").values_list(*COLUMNS)[:PAGE])
    return found
