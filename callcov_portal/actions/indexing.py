"""Taking the words of calls into the index, some at a time and off every person's way."""

import threading
import uuid
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Case, F, OuterRef, Subquery, When
from django.utils import timezone

from callcov_portal import hiding, searching
from callcov_portal.actions import schedule
from callcov_portal.models import Analysis, Recording, Segment, Spoken, State, Unindexed
from callcov_portal.models.spoken import key_from
from callcov_portal.searching import facets, tsquery

log = structlog.get_logger(__name__)

AT_ONCE = 50  # calls of one transaction, which on SQLite keeps other writers waiting, on a busy machine for 0.1 s
ROUNDS = 10  # of a message; then others have their turn
# It keeps a processor busy: of a worker's threads one at a time.
SLOTS = threading.BoundedSemaphore(1)
COLUMNS = ("analysis_id", "speaker", "text", "masked", "start", "end")


def mark(number: int) -> None:
    """Write down that the words of a call must be read again: it has other results, another agent, another time.

    Belongs at the end of the transaction that changes these, so that at no moment they are changed and forgotten.
    """
    Unindexed.objects.mark([number], timezone.now())


def is_due() -> bool:
    """Say whether the words of any call are to be indexed now."""
    return Unindexed.objects.due(timezone.now()).exists()


def index(rounds: int = ROUNDS) -> bool:
    """Index what is due, at most so many rounds; True if there is more.

    Twice at once, or stopped half-way, does no harm: a mark goes in the transaction that writes the words. Never
    raises for what is wrong with a call: it is put off and the line goes on.
    """
    if not SLOTS.acquire(blocking=False):
        return False
    try:
        return all(index_some() == AT_ONCE for _ in range(rounds)) and is_due()
    finally:
        SLOTS.release()


def index_some(most: int = AT_ONCE) -> int:
    """Index at most so many calls that are due, and return how many were taken."""
    now, holder = timezone.now(), uuid.uuid4().hex
    numbers = Unindexed.objects.claim(holder, most, now, now + schedule.LEASE)
    try:
        take_in(numbers, holder)
    except Exception:
        log.exception("indexing_failed", calls=len(numbers))
        for number in numbers:
            take_in_alone(number, holder)
    return len(numbers)


def take_in_alone(number: int, holder: str) -> None:
    """Index one call of a batch in which something is wrong; if it is this one, try again later, longer each time."""
    try:
        take_in([number], holder)
    except Exception as error:
        log.exception("call_not_indexed", recording=number, error=str(error))
        held = Unindexed.objects.filter(recording=number, holder=holder)
        for attempts in held.values_list("attempts", flat=True):
            held.update(due_at=timezone.now() + schedule.back_off(attempts), holder="")


def take_in(numbers: Sequence[int], holder: str) -> None:
    """Write the words of these calls into the index and remove their marks: all of it or nothing.

    Reading comes before the transaction, which keeps others waiting. What was deleted or marked anew meanwhile is left
    to whoever takes it next: what was read of it is old.
    """
    rows = spoken_rows(numbers)
    with transaction.atomic():
        there = Recording.objects.select_for_update(no_key=True).filter(pk__in=numbers).order_by("pk")
        list(there.values_list("pk", flat=True))  # held until the end, so that nobody deletes one of them now
        held = Unindexed.objects.filter(recording__in=numbers, holder=holder)
        kept = set(held.values_list("recording", flat=True))
        Spoken.objects.filter(recording__in=kept).delete()
        Spoken.objects.put([row for row in rows if row.recording_id in kept])
        held.delete()


def spoken_rows(numbers: Sequence[int]) -> list[Spoken]:
    """Return the words of these calls, not written yet; a call without results has none. Three queries."""
    calls = list(with_results(numbers).values_list("pk", "called_at", "agent_id", "contact_id", "results"))
    lines = lines_of([results for *_, results in calls if results])
    rows = []
    for number, called_at, agent, contact, results in calls:
        if results:
            named = (facets.EVERY, facets.agent_facet(agent), facets.contact_facet(contact))
            rows.append(spoken_row(key_from(called_at, number), number, results, lines.get(results, []), named))
    return rows


def with_results(numbers: Sequence[int]) -> Any:
    """Return these calls with `results`: the analysis that their pages show, NULL if none is completed."""
    completed = Analysis.objects.filter(recording=OuterRef("pk"), state=State.COMPLETED).order_by("-created_at")
    newest = Subquery(completed.values("pk")[:1])
    current = Case(When(current_analysis__state=State.COMPLETED, then=F("current_analysis")), default=newest)
    return Recording.objects.filter(pk__in=numbers).order_by("pk").annotate(results=current)


def lines_of(analyses: Sequence[UUID]) -> dict[UUID, list[searching.Line]]:
    """Return the segments of each analysis as they are shown to everybody."""
    rows = Segment.objects.filter(analysis__in=analyses).order_by("analysis", "position").values_list(*COLUMNS)
    return {analysis: [*shown(some)] for analysis, some in groupby(rows.iterator(), key=itemgetter(0))}


def shown(rows: Any) -> Iterator[searching.Line]:
    """Yield segments without what is hidden in them."""
    for _, speaker, text, masked, start, end in rows:
        yield searching.Line(speaker, masked or text, start, end)


def spoken_row(key: int, number: int, results: UUID, lines: Sequence[searching.Line], named: Sequence[str]) -> Spoken:
    """Return the words of one call."""
    said = searching.of_lines(lines, hiding.MARK)
    vector = None
    if connection.vendor == "postgresql":
        vector = tsquery.vector(said, (*named, *facets.time_facets(key)))
    return Spoken(
        key=key,
        recording_id=number,
        analysis_id=results,
        agent=said.agent,
        contact=said.contact,
        other=said.other,
        times=said.times,
        facets=" ".join(named),
        vector=vector,
    )
