"""Calls in which something was said: the newest, or the best of the newest, with the lines that show it."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from callcov_portal.models.matches import Scope, scores, windows
from callcov_portal.models.recording import Recording
from callcov_portal.models.spoken import Spoken
from callcov_portal.searching import Query, Snippet, Transcript, snippets

PATIENCE = 1.0  # seconds after which a walk ends with what it has
MOST_COMPARED = 1000  # of the newest calls that match, from which the best are taken


@dataclass(frozen=True, slots=True)
class Walked:
    """Keys of calls that match, newest first.

    `looked_to` is the key down to which was looked, None if there is no more below the last of the keys.
    """

    keys: list[int]
    looked_to: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A call that matches: its key, its number, and the lines that show why; none if nothing was looked for but absence."""

    key: int
    number: int
    snippets: list[Snippet]


def walk(
    query: Query, scope: Scope, want: int, calls: QuerySet[Recording] | None = None, patience: float = PATIENCE
) -> Walked:
    """Return the newest calls that match, at most `want`; `calls` leaves only those among them.

    Most filters are no part of the index: a frequent word and a rare filter have to look at many calls. Ends after
    `patience` seconds at the latest (or a window later), and says how far it came.
    """
    began, found = time.monotonic(), list[int]()
    for keys, bottom in windows(query, scope, want):
        found += keys if calls is None else among(keys, calls)
        if len(found) >= want:
            return Walked(found[:want], found[want - 1])
        if bottom > scope.first and time.monotonic() - began > patience:
            return Walked(found, bottom)
    return Walked(found)


def among(keys: Sequence[int], calls: QuerySet[Recording]) -> list[int]:
    """Return those of these keys, in their order, whose calls are among `calls`."""
    if not keys:
        return []
    chosen = Exists(calls.order_by().filter(pk=OuterRef("recording")))
    kept = set(Spoken.objects.filter(chosen, key__in=keys).values_list("key", flat=True))
    return [key for key in keys if key in kept]


def best(query: Query, scope: Scope, calls: QuerySet[Recording] | None = None) -> Walked:
    """Return the newest calls that match, at most `MOST_COMPARED`, the best first; of equally good ones the newest."""
    walked = walk(query, scope, MOST_COMPARED, calls)
    found = scores(query, scope, walked.keys)
    return Walked(sorted(walked.keys, key=lambda key: (-found.get(key, 0.0), -key)), walked.looked_to)


COLUMNS = ("key", "recording_id", "agent", "contact", "other", "times")


def hits(query: Query, keys: Collection[int]) -> list[Hit]:
    """Return these calls, in the order of the keys, with the lines to show; one query. What is gone is left out."""
    rows = Spoken.objects.filter(key__in=keys).values_list(*COLUMNS)
    found = {key: Hit(key, number, snippets(Transcript(*texts), query)) for key, number, *texts in rows}
    return [found[key] for key in keys if key in found]
