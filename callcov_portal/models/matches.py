"""Which calls' words match a query: the index is asked in its own language, newest call first.

SQLite's index hands out keys in their order, so the newest fifty cost as much as fifty. PostgreSQL's hands out all
matches at once: what is rare is taken whole, what is frequent is asked for by stretches of time, newest first, which
the index itself knows (`searching.facets`). Left to itself its planner would walk all keys backwards for a rare word
(17 s of 100,000 calls), or read every row for a frequent one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any, NamedTuple

from django.db import connection, transaction

from callcov_portal.models.spoken import uses_fts5
from callcov_portal.searching import Query, fts5, tsquery
from callcov_portal.searching.facets import stretches

EARLIEST, LATEST = -(1 << 62), 1 << 62
RARE = 2000  # matches that PostgreSQL puts in order at once
WINDOWS = (
    500,
    1_500,
    6_000,
    24_000,
)  # calls in the stretches that are asked for one after the other; then as many again
READ_AT_ONCE = 250  # rows that must be read to tell
MOST_AT_ONCE = 4000
GROWTH = 4


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: calls with all of these facets, and with keys from `first` up to, not including, `before`."""

    facets: tuple[str, ...] = ()
    first: int = EARLIEST
    before: int = LATEST


class Window(NamedTuple):
    """Keys of calls that match, newest first; nothing between the window before and `bottom` was left out."""

    keys: list[int]
    bottom: int


def windows(query: Query, scope: Scope, want: int) -> Iterator[Window]:
    """Yield the calls that match, in windows from the newest on, as long as somebody asks.

    `want` is how many the caller will probably need: the first window is cut to that.
    """
    return on_sqlite(query, scope, want) if uses_fts5() else on_postgresql(query, scope)


def scores(query: Query, scope: Scope, keys: Sequence[int]) -> dict[int, float]:
    """Return how well each of these calls, which match in this scope, matches; higher is better.

    At most some thousand keys. There may be others in the answer.
    """
    if not query.wanted or not keys:
        return {}
    if uses_fts5():
        rows = asked(RANK, [fts5.expression(query, scope.facets), min(keys), max(keys)])
    else:
        rows = by_index(RANK_OF, [tsquery.ranking(query), list(keys)])
    return dict(rows)


# --- SQLite ----------------------------------------------------------------------------------------------------------

NEWEST = """SELECT rowid FROM portal_spoken_index
WHERE portal_spoken_index MATCH %s AND rowid >= %s AND rowid < %s ORDER BY rowid DESC LIMIT %s"""
# Less is better there; facets count nothing.
RANK = """SELECT rowid, -bm25(portal_spoken_index, 1.0, 1.0, 1.0, 0.0) FROM portal_spoken_index
WHERE portal_spoken_index MATCH %s AND rowid >= %s AND rowid <= %s"""


def on_sqlite(query: Query, scope: Scope, want: int) -> Iterator[Window]:
    """Read on in the index, each time from where the last window ended."""
    expression = fts5.expression(query, scope.facets)
    before = scope.before
    while True:
        keys = [key for (key,) in asked(NEWEST, [expression, scope.first, before, want])]
        is_last = len(keys) < want
        before = scope.first if is_last else keys[-1]
        yield Window(keys, before)
        if is_last:
            return
        want = min(GROWTH * want, MOST_AT_ONCE)


# --- PostgreSQL --------------------------------------------------------------------------------------------------------

# What is found by words is made to come first; what narrows it by key is too tempting for the planner.
ANY = """WITH found AS MATERIALIZED (SELECT key FROM portal_spoken WHERE vector @@ %s::tsquery)
SELECT key FROM found WHERE key >= %s AND key < %s LIMIT %s"""
BETWEEN = """WITH found AS MATERIALIZED (SELECT key FROM portal_spoken WHERE vector @@ %s::tsquery)
SELECT key FROM found WHERE key >= %s AND key < %s ORDER BY key DESC"""
AMONG = "SELECT key FROM portal_spoken WHERE key = ANY(%s) AND vector @@ %s::tsquery"
BOUND = "SELECT key FROM portal_spoken WHERE key < %s ORDER BY key DESC OFFSET %s LIMIT 1"
RANK_OF = "SELECT key, ts_rank_cd(vector, %s::tsquery, 1) FROM portal_spoken WHERE key = ANY(%s)"


def on_postgresql(query: Query, scope: Scope) -> Iterator[Window]:
    """Take what is rare at once; ask for what is frequent by stretches of time."""
    newest = bound(scope.before, 0)
    if newest is None or newest < scope.first:
        yield Window([], scope.first)
        return
    scope = replace(scope, before=newest + 1)
    loose = within(tsquery.tsquery(query, scope.facets, is_loose=True), scope)
    found = [key for (key,) in by_index(ANY, [loose, scope.first, scope.before, RARE + 1])]
    if len(found) <= RARE:
        yield from among(query, sorted(found, reverse=True), scope)
    else:
        yield from by_stretches(tsquery.tsquery(query, scope.facets), scope)


def bound(before: int, size: int) -> int | None:
    """Return the key of the call that has so many calls between itself and `before`, None if there are not as many."""
    rows = asked(BOUND, [before, size])
    return int(rows[0][0]) if rows else None


def within(matching: str, scope: Scope) -> str:
    """Return the `tsquery` of what matches in a scope's time, as far as the index tells that by itself."""
    named = stretches(scope.first, scope.before - 1)
    return f"({matching}) & {tsquery.any_facet(named)}" if named else matching


def among(query: Query, keys: list[int], scope: Scope) -> Iterator[Window]:
    """Yield those of these keys that match not only loosely, and must be read to tell."""
    if tsquery.is_exact(query) or not keys:
        yield Window(keys, scope.first)
        return
    strict = tsquery.tsquery(query)
    for at in range(0, len(keys), READ_AT_ONCE):
        some = keys[at : at + READ_AT_ONCE]
        matching = sorted((key for (key,) in by_index(AMONG, [some, strict])), reverse=True)
        is_last = at + READ_AT_ONCE >= len(keys)
        yield Window(matching, scope.first if is_last else some[-1])


def by_stretches(matching: str, scope: Scope) -> Iterator[Window]:
    """Yield what matches in the newest calls, then in more and more of them."""
    before = scope.before
    for size in chain(WINDOWS, repeat(WINDOWS[-1])):
        key = bound(before, size)
        here = replace(scope, first=max(scope.first, key) if key is not None else scope.first, before=before)
        rows = by_index(BETWEEN, [within(matching, here), here.first, here.before])
        yield Window([key for (key,) in rows], here.first)
        before = here.first
        if before == scope.first:
            return


def by_index(sql: str, parameters: Sequence[Any]) -> list[Any]:
    """Return the rows of a statement whose words are looked up in their index, whatever the planner reckons."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def asked(sql: str, parameters: Sequence[Any]) -> list[Any]:
    """Return the rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
