"""The list of calls costs the same whether there are a thousand calls or a million, filtered or not, at any depth."""

from benchmarks.pages.answering import Doing
from benchmarks.pages.values import LARGE, MIDDLE, SERVERS, SMALL, Line, Measure

NAME = "list"
PAGES = ("all", "agent", "agent and state", "not reviewed", "half way", "at the end", "fragment")
RARE = ("violated", "failed", "failed but passed")  # of a thousand calls too few to fill a page
LINES = (
    *(
        Line(
            f"list of calls, {page}: the largest to 1,000 calls",
            Measure(LARGE, f"list {page}"),
            Measure(SMALL, f"list {page}"),
            1.15,
        )
        for page in PAGES
    ),
    *(
        Line(
            f"list of calls, {page}: the largest to 100,000 calls",
            Measure(LARGE, f"list {page}"),
            Measure(MIDDLE, f"list {page}"),
            1.15,
        )
        for page in RARE
    ),
)


def addresses() -> dict[str, str]:
    """Return what is asked for; places in the middle and at the end are named as the pages name them."""
    from callcov_portal.models import Agent, Recording
    from callcov_portal.views.paging import cursor_of

    numbers = Recording.objects.order_by("pk").values_list("pk", flat=True)
    first, last = numbers.first() or 0, numbers.last() or 0
    middle = Recording.objects.filter(pk__gte=(first + last) // 2).order_by("pk")[0]
    early = Recording.objects.filter(pk__gte=first + 60).order_by("pk")[0]
    agent = Agent.objects.filter(is_demo=True).order_by("pk")[0].identifier
    return {
        "all": "/calls/",
        "agent": f"/calls/?agent={agent}",
        "agent and state": f"/calls/?agent={agent}&state=completed",
        "violated": "/calls/?outcome=violated",
        "failed": "/calls/?state=failed",
        "failed but passed": "/calls/?state=failed&reviewed=pass",
        "not reviewed": "/calls/?reviewed=no",
        "half way": f"/calls/?before={cursor_of((middle.called_at, middle.pk))}",
        "at the end": f"/calls/?before={cursor_of((early.called_at, early.pk))}",
    }


def doings(place: str) -> dict[str, Doing]:
    """Return each page as something to do, over HTTP."""
    if place == SERVERS:
        return {}
    from benchmarks.pages.asking import person, session_cookie
    from benchmarks.pages.serving import Page, web

    server, cookie, found = web("callcov_portal.wsgi:application"), session_cookie(person()), addresses()
    pages: dict[str, Doing] = {f"list {page}": Page(server, address, cookie) for page, address in found.items()}
    return pages | {"list fragment": Page(server, found["agent and state"], cookie, is_htmx=True)}
