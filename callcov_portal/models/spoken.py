"""The words of each call as they are searched, and which calls' words are still to be taken into the index."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db import connection, models, transaction
from django.db.models import Exists, F, OuterRef, Q

from callcov_portal.models.prepared import moment
from callcov_portal.models.recording import Recording
from callcov_portal.searching.facets import SECONDS

FARTHEST = timedelta(minutes=20)  # no mark is put off longer
LOW = 1 << SECONDS


def key_from(moment: datetime, number: int = 0) -> int:
    """Return the key of the call with this number at this moment: keys are ordered as the calls are, by the second."""
    return (math.floor(moment.timestamp()) << SECONDS) | (number % LOW)


def moment_of(key: int) -> datetime:
    """Return the moment of the call with this key, to the second; the first or last there is beyond those."""
    seconds = min(max(key >> SECONDS, -62_135_596_800), 253_402_300_799)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


class Vector(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's `tsvector`, written as its text and never read. Elsewhere an empty column."""

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_placeholder(self, _value: object, _compiler: object, connection: Any) -> str:
        """Return how a value stands in SQL."""
        return "%s::tsvector" if connection.vendor == "postgresql" else "%s"


class SpokenQuerySet(models.QuerySet["Spoken"]):
    """Questions about the words of calls."""

    def put(self, rows: Sequence["Spoken"]) -> None:
        """Write the words of calls that have none, in the caller's transaction.

        Two calls of one second whose numbers end alike would have one key: the later gets the next that is free.
        """
        taken = set(self.filter(key__in=[row.key for row in rows]).values_list("key", flat=True))
        for row in rows:
            if row.key in taken:
                row.key = self.free_key(row.key, taken)
            taken.add(row.key)
        self.bulk_create(rows)

    def free_key(self, key: int, taken: set[int]) -> int:
        """Return the first key from this one on that nobody has; of a day whose calls all say midnight many are taken."""
        while key in taken or self.filter(key=key).exists():
            followed = Exists(Spoken.objects.filter(key=OuterRef("key") + 1))
            last = self.filter(~followed, key__gte=key).order_by("key").values_list("key", flat=True).first()
            key = key + 1 if last is None or key in taken else last + 1
        return key


class Spoken(models.Model):
    """The masked words of one call's newest results, by speaker, as `searching.Transcript` describes them.

    The table has an index that Django does not know. On SQLite it is `portal_spoken_index` (FTS5, external content),
    which triggers keep in step; whoever alters the table must make the triggers again (migration 0009). On PostgreSQL
    it is a GIN index over `vector`.
    """

    key = models.BigAutoField(primary_key=True)  # see key_from()
    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, related_name="spoken")
    analysis_id = models.UUIDField()
    agent = models.TextField(blank=True)
    contact = models.TextField(blank=True)
    other = models.TextField(blank=True)
    facets = models.TextField()
    times = models.TextField(blank=True)
    vector = Vector(null=True, editable=False)

    objects = SpokenQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "spoken"

    def __str__(self) -> str:
        return f"words of call #{self.recording_id}"


class UnindexedQuerySet(models.QuerySet["Unindexed"]):
    """Questions about calls whose words are to be taken into the index, and how some are taken to do so."""

    def mark(self, numbers: Sequence[int], now: datetime) -> None:
        """Write down that the words of these calls must be read again, now; whoever is at it does it once more."""
        due_at = moment(now)
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            cursor.executemany(MARK, [(number, due_at) for number in numbers])

    def due(self, now: datetime) -> Self:
        """Return those that are due, the longest due first.

        A row that was put off further than anything ever is was written before the clock was set back.
        """
        return self.filter(Q(due_at__lte=now) | Q(due_at__gt=now + FARTHEST)).order_by("due_at", "recording")

    def claim(self, holder: str, most: int, now: datetime, until: datetime) -> list[int]:
        """Take at most so many due rows for oneself until `until`, count the try, and return their calls' numbers.

        One conditional UPDATE; of several callers each gets rows that no other gets. `holder` must be new each time.
        """
        wanted = list(self.due(now).values_list("recording", flat=True)[:most])
        due = self.due(now).order_by().filter(recording__in=wanted)
        due.update(due_at=until, holder=holder, attempts=F("attempts") + 1)
        return list(self.filter(holder=holder).order_by("recording").values_list("recording", flat=True))


class Unindexed(models.Model):
    """A call whose words must be taken into the index, again or for the first time. Whoever is done removes the mark.

    `due_at` is the schedule and the lease in one; a mark that is made anew has no holder any more.
    """

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, primary_key=True, related_name="+")
    due_at = models.DateTimeField(db_index=True)
    holder = models.CharField(max_length=32, blank=True)
    attempts = models.PositiveIntegerField(default=0)

    objects = UnindexedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "unindexed"

    def __str__(self) -> str:
        return f"words of call #{self.recording_id} to be indexed"


MARK = f"""
    INSERT INTO {Unindexed._meta.db_table} (recording_id, due_at, holder, attempts) VALUES (%s, %s, '', 0)
    ON CONFLICT (recording_id) DO UPDATE SET due_at = excluded.due_at, holder = '', attempts = 0
"""  # noqa: S608


def uses_fts5() -> bool:
    """Say whether the index is SQLite's."""
    return connection.vendor == "sqlite"
