"""The list of calls beside what shows the same table without being written for it: Django's admin, and Datasette."""

from benchmarks.pages.answering import Doing
from benchmarks.pages.values import ADMIN, DATASETTE, LARGE, Line, Measure

NAME = "peers"
OURS = Measure(LARGE, "list agent and state")
LINES = (
    Line(
        "list of calls, filtered: cheaper than Django admin's",
        OURS,
        Measure(ADMIN, "changelist filtered"),
        8,
        at_most=False,
    ),
    Line(
        "list of calls, first page: cheaper than Django admin's",
        Measure(LARGE, "list all"),
        Measure(ADMIN, "changelist"),
        8,
        at_most=False,
    ),
    Line(
        "list of calls, filtered: cheaper than Datasette's table", OURS, Measure(DATASETTE, "table"), 20, at_most=False
    ),
)


def doings(_place: str) -> dict[str, Doing]:
    """The list is measured by `growth`, the others in processes of their own."""
    return {}
