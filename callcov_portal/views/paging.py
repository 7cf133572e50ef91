"""Pages of a long list by keyset: the row after which a page starts, never how many rows to skip."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, QuerySet

from callcov_portal.models import Recording

PAGE_SIZE = 50
COUNT_CAP = 1000


@dataclass(frozen=True)
class Page:
    """One page of recordings, newest call first, with the cursors of its neighbours ("" where there is none)."""

    recordings: list[Recording]
    newer: str
    older: str


def page_of(recordings: QuerySet[Recording], parameters: Mapping[str, str], size: int = PAGE_SIZE) -> Page:
    """Return the page that `?before=` or `?after=` names; an unreadable cursor means the first page."""
    before, after = read_cursor(parameters.get("before", "")), read_cursor(parameters.get("after", ""))
    if after:
        time, pk = after
        newer_rows = recordings.filter(Q(called_at__gte=time) & (Q(called_at__gt=time) | Q(pk__gt=pk)))
        found = list(newer_rows.order_by("called_at", "pk")[: size + 1])
        shown = found[:size][::-1]
        more_newer, more_older = len(found) > size, True
    else:
        rows = recordings.order_by("-called_at", "-pk")
        if before:
            time, pk = before
            rows = rows.filter(Q(called_at__lte=time) & (Q(called_at__lt=time) | Q(pk__lt=pk)))
        found = list(rows[: size + 1])
        shown = found[:size]
        more_newer, more_older = before is not None, len(found) > size
    return Page(
        shown,
        newer=cursor_of(shown[0]) if shown and more_newer else "",
        older=cursor_of(shown[-1]) if shown and more_older else "",
    )


def cursor_of(recording: Recording) -> str:
    """Return the words by which a URL names this row's place in the list."""
    return f"{recording.called_at.isoformat()}_{recording.pk}"


def read_cursor(text: str) -> tuple[datetime, int] | None:
    """Return time and number of the row that `text` names, or None where it names none."""
    time, _, pk = text.replace(" ", "+").rpartition("_")
    try:
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None or not pk.isdecimal() or len(pk) > 18:
            return None
        return moment.astimezone(UTC), int(pk)
    except (ValueError, OverflowError):  # the year 1 has hours that UTC does not
        return None


def capped_count(recordings: QuerySet[Recording]) -> str:
    """Return how many there are, in words; counting stops at 1,000, because counting is what grows."""
    count = recordings.order_by()[: COUNT_CAP + 1].count()
    if count > COUNT_CAP:
        return f"more than {COUNT_CAP:,} calls"
    return "1 call" if count == 1 else f"{count:,} calls"
