"""The page on which one looks for words that were spoken, over all calls."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from callcov_portal.filters import CallFilter, scope_of
from callcov_portal.models import Recording, Unindexed
from callcov_portal.models.hits import MOST_COMPARED, Hit, Walked, best, hits, walk
from callcov_portal.models.matches import Scope
from callcov_portal.models.spoken import moment_of
from callcov_portal.searching import LONGEST, Query, Who, parse
from callcov_portal.views.lines import lines_of
from callcov_portal.views.listening import playable
from callcov_portal.views.listing import clean_query
from callcov_portal.views.paging import COUNT_CAP, PAGE_SIZE
from callcov_portal.views.rendering import PortalRequest, render_page

PATIENCE_WITH_COUNTING = 0.3  # seconds
WHO: tuple[tuple[Who, str], ...] = (("", "Anyone"), ("agent", "The agent"), ("contact", "The contact"))
SORTS = (("", "Newest first"), ("relevance", "Best match first"))
PARAMETERS_OF_PLACE = ("before", "page")


@dataclass(frozen=True)
class Asked:
    """What the URL asks for beside the filters."""

    words: str
    query: Query
    is_cut: bool
    by_relevance: bool
    before: int | None
    page: int


@dataclass(frozen=True)
class Row:
    """One call with the lines that show why it is here."""

    recording: Recording
    hit: Hit

    @property
    def lines(self) -> SafeString:
        """The lines as markup."""
        call = self.recording
        return lines_of(self.hit.snippets, call.pk, call.get_absolute_url(), playable(call))

    @property
    def address(self) -> str:
        """The call's page, at the first line that is shown."""
        place = f"#s{self.hit.snippets[0].number}" if self.hit.snippets else ""
        return f"{self.recording.get_absolute_url()}{place}"


@dataclass(frozen=True)
class Page:
    """Keys of the calls of one page; `older` and `next` are what the URL of the following one says, "" and 0 if none.

    `looked_to`: the search took long and ended there, before there were enough for a page.
    """

    keys: list[int]
    count: str
    older: int | None = None
    next: int = 0
    previous: int = 0
    compared: int = 0
    looked_to: datetime | None = None


@require_safe
def search(request: PortalRequest) -> HttpResponse:
    """Show the calls in which the URL's words were spoken, of those that its filters choose.

    Any words have a meaning; a filter that cannot be read answers 422 and no calls.
    """
    filters, asked = CallFilter(request.GET), asked_in(request.GET)
    is_valid = filters.is_valid()
    page = page_of(asked, filters) if is_valid and asked.query else None
    query = clean_query(request.GET, without=PARAMETERS_OF_PLACE)
    context = {
        "filters": filters,
        "asked": asked,
        "page": page,
        "rows": rows_of(asked.query, page.keys) if page else [],
        "query": query,
        "unindexed": unindexed(),
        "choices_of_who": WHO,
        "choices_of_sort": SORTS,
        "longest": LONGEST,
    }
    response = render_page(
        request, "search/page.html", "search/_results.html", context, status=200 if is_valid else 422
    )
    address = f"{reverse('search')}?{query}" if query else reverse("search")
    response.headers["HX-Push-Url"] = "false" if address == request.htmx.current_url_abs_path else address
    return response


def asked_in(parameters: QueryDict) -> Asked:
    """Read the URL; what is no choice of ours is as if it were not there."""
    words = parameters.get("words", "").replace("\0", " ").strip()
    who: Who = next((name for name, _ in WHO if name == parameters.get("who")), "")
    page = parameters.get("page", "")
    return Asked(
        words=words[:LONGEST],
        query=parse(words, who),
        is_cut=len(words) > LONGEST,
        by_relevance=parameters.get("sort") == "relevance",
        before=key_in(parameters.get("before", "")),
        page=int(page) if page.isdecimal() and len(page) < 4 and int(page) else 1,
    )


def key_in(text: str) -> int | None:
    """Return the key of a call that a URL names, None if it names none."""
    digits = text.removeprefix("-")
    return int(text) if digits.isdecimal() and digits.isascii() and len(digits) < 19 else None


def page_of(asked: Asked, filters: CallFilter) -> Page:
    """Return which calls are on the page; none if nobody goes by the agent's or contact's identifier."""
    chosen: Mapping[str, Any] = filters.cleaned_data
    scope, calls = scope_of(chosen), filters.qs if any(value for value in chosen.values()) else None
    if scope is None:
        return Page([], in_words(Walked([])))
    return best_page(asked, scope, calls) if asked.by_relevance else newest_page(asked, scope, calls)


def newest_page(asked: Asked, scope: Scope, calls: QuerySet[Recording] | None) -> Page:
    """Return the page that begins before the URL's key."""
    here = scope if asked.before is None else replace(scope, before=min(asked.before, scope.before))
    walked = walk(asked.query, here, PAGE_SIZE + 1, calls)
    counted = walk(asked.query, scope, COUNT_CAP + 1, calls, PATIENCE_WITH_COUNTING)
    keys, is_full = walked.keys[:PAGE_SIZE], len(walked.keys) > PAGE_SIZE
    ended_early = walked.looked_to is not None and not is_full
    return Page(
        keys,
        in_words(counted),
        older=keys[-1] if is_full else walked.looked_to,
        looked_to=moment_of(walked.looked_to) if ended_early and walked.looked_to is not None else None,
    )


def best_page(asked: Asked, scope: Scope, calls: QuerySet[Recording] | None) -> Page:
    """Return one page of the best among the newest."""
    walked = best(asked.query, scope, calls)
    first = PAGE_SIZE * (asked.page - 1)
    is_more, compared = len(walked.keys) > first + PAGE_SIZE, len(walked.keys)
    ended_early = walked.looked_to is not None and compared < MOST_COMPARED
    return Page(
        walked.keys[first : first + PAGE_SIZE],
        in_words(walked) if walked.looked_to is None else f"the best of the newest {compared:,}",
        next=asked.page + 1 if is_more else 0,
        previous=asked.page - 1,
        compared=compared if walked.looked_to is not None else 0,
        looked_to=moment_of(walked.looked_to) if ended_early and walked.looked_to is not None else None,
    )


def in_words(walked: Walked) -> str:
    """Return how many calls match; counting ends where it would take long."""
    count = len(walked.keys)
    if count > COUNT_CAP:
        return f"more than {COUNT_CAP:,} calls"
    return f"{'at least ' if walked.looked_to is not None else ''}{count:,} call{'' if count == 1 else 's'}"


def rows_of(query: Query, keys: list[int]) -> list[Row]:
    """Return what the page shows of these calls; two queries, however many they are."""
    found = hits(query, keys)
    calls = Recording.objects.select_related("agent", "contact").in_bulk([hit.number for hit in found])
    return [Row(calls[hit.number], hit) for hit in found if hit.number in calls]


def unindexed() -> str:
    """Return in words of how many calls the words are still to be indexed, "" for none."""
    count = Unindexed.objects.all()[: COUNT_CAP + 1].count()
    if count > COUNT_CAP:
        return f"more than {COUNT_CAP:,} calls"
    return f"{count:,} call{'' if count == 1 else 's'}" if count else ""
