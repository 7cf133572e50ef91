"""Rows out of the database: by keyset in batches, past the ORM's objects.

Each batch is a query of its own that is over before a byte of it is sent. So memory is constant however many rows there
are, and a slow download holds neither a cursor nor a transaction (on SQLite a long read keeps the write-ahead log from
being tidied). The querysets' SQL is run on the driver's cursor: what the ORM does to each value costs more than all
the rest together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from callcov_portal import hiding
from callcov_portal.exports.cells import id_text, moment_of
from callcov_portal.exports.columns import Column
from callcov_portal.models import Agent, Recording, Segment, State

FIRST = 50  # rows of the first page: the first byte is not to wait for a large one

Raw = list[tuple[Any, ...]]
Columns = list[Sequence[Any]]


@dataclass(frozen=True)
class Batch:
    """Some calls: their numbers, their current analyses where completed, and the rules these were checked by.

    Of a table of agents: the agents' numbers, and `calls`, all calls that were chosen.
    """

    numbers: list[int]
    analyses: list[Any]
    rules: set[str] = field(default_factory=set)
    calls: QuerySet[Recording] | None = None


def raw(rows: QuerySet[Any, Any]) -> Raw:
    """Return the rows of a query for values as the database driver gives them."""
    try:
        sql, parameters = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def selected(rows: QuerySet[Any], sources: dict[str, Any]) -> QuerySet[Any, Any]:
    """Return the query for these sources, paths or expressions, in their order; no path is selected twice."""
    expressions = {f"export_{key}": source for key, source in sources.items() if not isinstance(source, str)}
    chosen: QuerySet[Any, Any] = rows.annotate(**expressions).values_list(*names_of(sources))
    return chosen


def moments(path: str | Combinable) -> Any:
    """Return the source of a column of moments: on SQLite as the text that it is, which the driver need not parse."""
    return Cast(path, TextField()) if connection.vendor == "sqlite" else path


def names_of(sources: dict[str, Any]) -> list[str]:
    """Return under which names the sources are selected."""
    names = (source if isinstance(source, str) else f"export_{key}" for key, source in sources.items())
    return list(dict.fromkeys(names))


def columns_of(rows: Raw, sources: dict[str, Any]) -> dict[str, Sequence[Any]]:
    """Return the values of rows that were `selected` by the keys of their sources."""
    by_name = dict(zip(names_of(sources), zip(*rows, strict=True), strict=True))
    return {key: by_name[src if isinstance(src, str) else f"export_{key}"] for key, src in sources.items()}


def pages(recordings: QuerySet[Recording], sources: dict[str, Any], size: int) -> Iterator[Raw]:
    """Yield these sources of the recordings, newest call first; the first two have to be `called_at` and `pk`.

    Each page starts after the last row of the one before.
    """
    rows = recordings.select_related(None).order_by("-called_at", "-pk")
    asked = min(size, FIRST)
    found = raw(selected(page_of(rows, asked), sources))
    while found:
        yield found
        if len(found) < asked:
            return
        asked = size
        time, pk = moment_of(found[-1][0]), found[-1][1]
        after = rows.filter(Q(called_at__lte=time) & (Q(called_at__lt=time) | Q(pk__lt=pk)))
        found = raw(selected(page_of(after, asked), sources))


def page_of(rows: QuerySet[Recording], size: int) -> QuerySet[Recording]:
    """Return the first of some ordered rows, to be joined with whatever is wanted of them.

    They are chosen before anything is joined: else SQLite may begin with the agents, and sort all calls for every page.
    """
    return Recording.objects.filter(pk__in=rows.values("pk")[:size]).order_by(*rows.query.order_by)


OF_BATCH = {
    "called_at": "called_at",
    "pk": "pk",
    "analysis": "current_analysis",
    "state": "state",
    "rules": "current_analysis__rules",
}


def batches(recordings: QuerySet[Recording], size: int) -> Iterator[Batch]:
    """Yield the recordings, newest call first."""
    for page in pages(recordings, OF_BATCH, size):
        done = [(analysis, rules) for _, _, analysis, state, rules in page if state == State.COMPLETED]
        yield Batch([row[1] for row in page], [analysis for analysis, _ in done], {rules for _, rules in done})


def agent_batches(recordings: QuerySet[Recording], size: int) -> Iterator[Batch]:
    """Yield the agents of the recordings by their identifiers."""
    recordings = recordings.select_related(None).order_by()
    agents = Agent.objects.filter(Exists(recordings.filter(agent=OuterRef("pk")))).order_by("key")
    found = raw(agents.values_list("key", "pk")[:size])
    while found:
        numbers = [pk for _, pk in found]
        done = recordings.filter(agent__in=numbers, state=State.COMPLETED)
        rules = done.values_list("current_analysis__rules", flat=True).distinct()
        yield Batch(numbers, [], set(rules), recordings)
        if len(found) < size:
            return
        found = raw(agents.filter(key__gt=found[-1][0]).values_list("key", "pk")[:size])


def hide(rows: dict[str, Sequence[Any]], spoken: list[Column], batch: Batch) -> None:
    """Take the secrets of their analyses out of the spoken columns of rows with `_analysis` and `_check`; one query."""
    hiders, nothing = hiders_of(batch), hiding.Hider(())
    of_row = [hiders.get(id_text(analysis), nothing) for analysis in rows["_analysis"]]
    for column in spoken:
        told = zip(of_row, rows["_check"], rows[column.key], strict=True)
        rows[column.key] = [text and hiding.hide_quote(hider, check, text) for hider, check, text in told]


def hiders_of(batch: Batch) -> dict[str, hiding.Hider]:
    """Return what hides the secrets of each analysis that has some, by its id."""
    rows = Segment.objects.filter(analysis__in=batch.analyses).exclude(masked="").order_by("analysis")
    found = groupby(rows.values_list("analysis", "text", "masked"), key=itemgetter(0))
    return {str(analysis): hiding.Hider((text, masked) for _, text, masked in pairs) for analysis, pairs in found}


Scan = Callable[[QuerySet[Recording], int], Iterator[Batch]]
