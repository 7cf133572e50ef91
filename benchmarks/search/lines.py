"""The newest fifty calls in which something was said, with their lines: quick for every word, on both databases."""

from benchmarks.pages.answering import Doing
from benchmarks.pages.values import SEARCH, SEARCH_POSTGRES, Fact, Limit, Measure, Spread

NAME = "search"
COMMON, PERCENT_WORD, RARE_WORD, PHRASE = QUESTIONS = (
    "word in half of the calls",
    "word in 1 % of the calls",
    "word in one call",
    "phrase in 0.2 %",
)
PROOF = "exactly what was planted is found"
LINES = (
    Limit("search, newest 50 with their lines, the dearest of common, 1 %, one document, phrase: SQLite",
          tuple(Measure(SEARCH, each) for each in QUESTIONS), 5),
    Spread("search, the dearest of the same to the cheapest: PostgreSQL",
           tuple(Measure(SEARCH_POSTGRES, each) for each in QUESTIONS), 20),
    Fact("search finds exactly the calls in which words were planted: SQLite", Measure(SEARCH, PROOF)),
    Fact("search finds exactly the calls in which words were planted: PostgreSQL", Measure(SEARCH_POSTGRES, PROOF)),
)  # fmt: skip


def doings(_place: str) -> dict[str, Doing]:
    """All is done in the processes of `search.child`."""
    return {}
