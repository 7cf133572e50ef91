"""The list of calls beside the least that could be done for it: the same questions, and the same table by f-strings."""

from urllib.parse import urlsplit

from benchmarks.pages.answering import Doing
from benchmarks.pages.values import LARGE, Line, Measure

NAME = "floor"
LINES = (
    Line(
        "list of calls, whole page with sign-in and filters: to raw SQL and f-strings",
        Measure(LARGE, "list agent and state"),
        Measure(LARGE, "list floor"),
        6,
    ),
    Line(
        "list of calls, htmx fragment: to raw SQL and f-strings",
        Measure(LARGE, "list fragment"),
        Measure(LARGE, "list floor fragment"),
        6,
    ),
)


def doings(place: str) -> dict[str, Doing]:
    """Return the floor's page, and its part, as something to do; its server has no Django in it."""
    if place != LARGE:
        return {}
    from benchmarks.pages.asking import person, session_cookie
    from benchmarks.pages.lines.growth import addresses
    from benchmarks.pages.serving import Page, web

    server, cookie = web("benchmarks.pages.peers.floor:application"), session_cookie(person())
    path = f"/?{urlsplit(addresses()['agent and state']).query}"
    return {
        "list floor": Page(server, path, cookie),
        "list floor fragment": Page(server, path, cookie, is_htmx=True),
    }
