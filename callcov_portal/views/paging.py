"""Pages of a long list by keyset: the row after which a page starts, never how many rows to skip."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice

from callcov_portal.models.branches import Branch, Key
from callcov_portal.views.believing import Believed

PAGE_SIZE = 50
COUNT_CAP = 1000
MANY = Believed()  # branches that hold more calls together

Calls = Sequence[Branch]  # what is read in order, and merged


@dataclass(frozen=True)
class Page:
    """The numbers of one page of calls, newest call first, with the cursors of its neighbours ("" where there is none)."""

    numbers: list[int]
    newer: str
    older: str


def page_of(calls: Calls, parameters: Mapping[str, str], size: int = PAGE_SIZE) -> Page:
    """Return the page that `?before=` or `?after=` names; an unreadable cursor means the first page.

    Of each branch one row more than a page is read, in the order of an index, and these are merged.
    """
    before, after = read_cursor(parameters.get("before", "")), read_cursor(parameters.get("after", ""))
    if after:
        before = None
    read = [branch.keys(size + 1, before=before, after=after) for branch in calls]
    merged = heapq.merge(*read, reverse=after is None)
    found = [key for key, _ in islice(groupby(merged), size + 1)]  # a call may stand in two branches
    shown, is_more = found[:size], len(found) > size
    if after:
        shown.reverse()
    more_newer, more_older = (is_more, True) if after else (before is not None, is_more)
    return Page(
        [number for _, number in shown],
        newer=cursor_of(shown[0]) if shown and more_newer else "",
        older=cursor_of(shown[-1]) if shown and more_older else "",
    )


def cursor_of(key: Key) -> str:
    """Return the words by which a URL names a row's place in the list."""
    return f"{key[0].isoformat()}_{key[1]}"


def read_cursor(text: str) -> Key | None:
    """Return time and number of the row that `text` names, or None where it names none."""
    time, _, pk = text.replace(" ", "+").rpartition("_")
    try:
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None or not pk.isdecimal() or len(pk) > 18:
            return None
        return moment.astimezone(UTC), int(pk)
    except (ValueError, OverflowError):  # the year 1 has hours that UTC does not
        return None


def capped_count(calls: Calls, page: Page) -> str:
    """Return how many there are, in words; counting stops at 1,000, because counting is what grows.

    Where there were more, that is believed for a minute, but not of calls that stand on one page.
    """
    asked = tuple(calls)
    if asked in MANY and (page.newer or page.older):
        return f"more than {COUNT_CAP:,} calls"
    count = count_of(calls)
    if count > COUNT_CAP:
        MANY.add(asked)
        return f"more than {COUNT_CAP:,} calls"
    return "1 call" if count == 1 else f"{count:,} calls"


def count_of(calls: Calls) -> int:
    """Return how many calls these branches hold together, at most one more than the cap. No call counts twice."""
    if len(calls) == 1:
        return calls[0].count(COUNT_CAP)
    numbers: set[int] = set()
    for branch in calls:
        if len(numbers) <= COUNT_CAP:
            numbers.update(branch.numbers(COUNT_CAP + 1))
    return min(len(numbers), COUNT_CAP + 1)
