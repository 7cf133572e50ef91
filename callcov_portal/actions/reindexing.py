"""The whole index of spoken words: made anew, and held against what it should be."""

from collections.abc import Iterator, Sequence
from itertools import islice

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from callcov_portal.actions.indexing import spoken_rows
from callcov_portal.models import Analysis, Recording, Spoken, State, Unindexed
from callcov_portal.models.spoken import uses_fts5
from callcov_portal.searching.facets import SECONDS

AT_ONCE = 500


def mark_all() -> int:
    """Write down of every call with results, and of every one in the index, that its words must be read again."""
    count = 0
    for numbers in batches():
        Unindexed.objects.mark(numbers, timezone.now())
        count += len(numbers)
    return count


def make_anew() -> None:
    """Let SQLite make its index anew from the table of words, while all other writers wait; elsewhere there is no need."""
    if uses_fts5():
        told_index("'rebuild'")


def batches() -> Iterator[list[int]]:
    """Yield the numbers of the calls that should be in the index, then of those that are and should not, some at a time."""
    completed = Exists(Analysis.objects.filter(recording=OuterRef("pk"), state=State.COMPLETED))
    calls = Recording.objects.order_by("pk").values_list("pk", flat=True)
    for chosen in (calls.filter(completed), calls.filter(~completed, spoken__isnull=False)):
        last = 0
        while numbers := list(chosen.filter(pk__gt=last)[:AT_ONCE]):
            yield numbers
            last = numbers[-1]


def wrong_calls() -> Iterator[int]:
    """Yield the calls whose words in the index are not those of their results, the due ones left out."""
    for numbers in batches():
        for at in range(0, len(numbers), 50):
            some = numbers[at : at + 50]
            wrong = set(some) - right_of(some)
            marked = Unindexed.objects.filter(recording__in=wrong).values_list("recording", flat=True)
            yield from sorted(wrong - set(marked))


def right_of(numbers: Sequence[int]) -> set[int]:
    """Return which of these calls are in the index as they should be."""
    expected = {row.recording_id: row for row in spoken_rows(numbers)}
    found = {row.recording_id: row for row in Spoken.objects.filter(recording__in=numbers).defer("vector")}
    right = {number for number in numbers if facts(expected.get(number)) == facts(found.get(number))}
    return right if uses_fts5() else {number for number in right if number not in found or has_vector(expected[number])}


def facts(row: Spoken | None) -> object:
    """Return what of a row must be equal; the end of a key may differ, where two calls would have the same."""
    if row is None:
        return None
    return row.key >> SECONDS, row.analysis_id, row.agent, row.contact, row.other, row.times, row.facets


def has_vector(row: Spoken) -> bool:
    """Say whether PostgreSQL looks for a call in these words."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM portal_spoken WHERE recording_id = %s AND vector = %s::tsvector",
            [row.recording_id, row.vector],
        )
        return cursor.fetchone() is not None


def index_is_sound(*, is_thorough: bool = False) -> bool:
    """Say whether SQLite's index holds the calls that the table of words holds; PostgreSQL sees to that itself.

    `is_thorough` holds every word of it against the table as well, while all other writers wait.
    """
    if not uses_fts5():
        return True
    if number_of(TRIGGERS) != 3 or number_of(ONLY_IN_ONE):
        return False
    try:
        if is_thorough:
            told_index("'integrity-check', 1", "rank")
    except DatabaseError:
        return False
    return True


TRIGGERS = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'portal_spoken'"
ONLY_IN_ONE = """SELECT
(SELECT count(*) FROM portal_spoken WHERE key NOT IN (SELECT id FROM portal_spoken_index_docsize)) +
(SELECT count(*) FROM portal_spoken_index_docsize WHERE id NOT IN (SELECT key FROM portal_spoken))"""


def number_of(statement: str) -> int:
    """Return the one number that a statement answers."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


@transaction.atomic
def told_index(words: str, *columns: str) -> None:
    """Give SQLite's index one of its orders."""
    named = ", ".join(("portal_spoken_index", *columns))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO portal_spoken_index({named}) VALUES ({words})")  # noqa: S608  our own words


def first_of(calls: Iterator[int], most: int) -> list[int]:
    """Return at most so many of these calls."""
    return list(islice(calls, most))
