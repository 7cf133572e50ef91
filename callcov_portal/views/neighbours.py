"""The calls before and after one, in the list that one came from."""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.http import QueryDict
from django.urls import reverse

from callcov_portal.filters import CallFilter
from callcov_portal.models import Recording
from callcov_portal.views.paging import cursor_of, page_of
from callcov_portal.views.rendering import PortalRequest

LONGEST = 2000  # characters of a list's query


@dataclass(frozen=True)
class Neighbours:
    """The numbers of the next newer and the next older call of a list, None at its ends; `within` is its query."""

    newer: int | None
    older: int | None
    within: str

    @property
    def query(self) -> str:
        """What a link carries on, so that the list stays the same: "" or `?in=…`."""
        return f"?{urlencode({'in': self.within})}" if self.within else ""

    @property
    def newer_url(self) -> str:
        return self.url_of(self.newer)

    @property
    def older_url(self) -> str:
        return self.url_of(self.older)

    @property
    def list_url(self) -> str:
        """The list itself."""
        return f"{reverse('calls')}?{self.within}" if self.within else reverse("calls")

    def url_of(self, number: int | None) -> str:
        """Return the address of a call, as one of this list; "" for none."""
        return f"{reverse('call', args=[number])}{self.query}" if number else ""


def within_of(request: PortalRequest) -> str:
    """Return the query of the list that a request came from (`?in=`), "" for all calls; a part of a page is of its page's."""
    page = QueryDict(urlsplit(request.htmx.current_url or "").query)
    within = request.GET.get("in", page.get("in", "")).replace("\0", "")
    return within if len(within) <= LONGEST else ""


def neighbours_of(recording: Recording, within: str) -> Neighbours:
    """Return the calls beside a recording in the list whose query is `within`; two queries, one row each.

    They are told by the time of the call, so the recording itself need not match the list any more. A query that
    cannot be read has no neighbours.
    """
    filters = CallFilter(QueryDict(within))
    if not filters.is_valid():
        return Neighbours(None, None, within)
    here = cursor_of((recording.called_at, recording.pk))
    newer, older = (page_of(filters.branches, {side: here}, size=1).numbers for side in ("after", "before"))
    return Neighbours(newer[0] if newer else None, older[0] if older else None, within)
