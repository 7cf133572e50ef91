"""A batch: what one import brought, file by file or row by row, and what became of each."""

import uuid
from collections.abc import Collection, Iterable
from typing import NamedTuple, Self

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from callcov_portal.models.chore import Chore
from callcov_portal.models.recording import Direction, Recording
from callcov_portal.models.states import WHAT_TO_DO, Failure, State


class Way(models.TextChoices):
    """How the recordings of a batch came."""

    FILES = "files", "Files"
    LINKS = "links", "Links"
    MANIFEST = "manifest", "Manifest"
    FOLDER = "folder", "Watched folder"
    COMMAND = "command", "Command"


class BatchState(models.TextChoices):
    """Where a batch itself stands; what becomes of its items goes on after it is closed."""

    OPEN = "open", "Taking files"
    READING = "reading", "Being read"  # a manifest, row by row, into items
    CHECKING = "checking", "Being checked"  # the dry run
    CHECKED = "checked", "Checked"  # waits for a person
    IMPORTING = "importing", "Being imported"
    CLOSED = "closed", "Closed"


class Fate(models.TextChoices):
    """What became of an item. A stored one is a call, whose state tells the rest."""

    WAITING = "waiting", "Waiting"
    STORED = "stored", "Stored"
    DUPLICATE = "duplicate", "Duplicate"
    REFUSED = "refused", "Refused"
    CANCELLED = "cancelled", "Cancelled"


class Cause(models.TextChoices):
    """Why an item was refused, beside the reasons of `Failure` that a file or link itself can give."""

    NO_AGENT = "no_agent", "No agent is named"
    UNREADABLE = "unreadable", "The row or file cannot be read"


# What a person can do about what was refused: no call came of it, so it must be added anew.
WHAT_TO_DO_ABOUT_REFUSED: dict[str, str] = {
    **WHAT_TO_DO,
    Cause.NO_AGENT: "Enter an agent, or a pattern that finds one in the names, and add them again.",
    Cause.UNREADABLE: "See what is wrong with each, mend it, and add it again.",
    Failure.NOT_AUDIO: "They are empty, damaged or of a kind that is not taken. Get sound ones and add them again.",
    Failure.UNREACHABLE: "Check that the links open, then add them again.",
    Failure.GAVE_UP: "See what happened to each, mend its cause, and add them again.",
}


class Sums(NamedTuple):
    """How many items a batch has, and how many of them stand where. All but `items` add up to it, always."""

    items: int
    waiting: int
    working: int
    done: int
    failed: int
    duplicates: int
    cancelled: int  # or deleted since


class Batch(Chore):
    """One import: some files chosen at once, a list of links, a manifest, one look into a watched folder.

    As a chore it is due while a manifest is to be read, checked or imported.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    way = models.CharField(max_length=10, choices=Way)
    name = models.CharField(max_length=300, blank=True)  # of the manifest or folder
    state = models.CharField(max_length=10, choices=BatchState, default=BatchState.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    active_at = models.DateTimeField(default=timezone.now)  # when something last came, while files are taken
    closed_at = models.DateTimeField(null=True, blank=True)

    # What holds for every item that does not say otherwise, and by which pattern file names are read.
    agent = models.CharField(max_length=200, blank=True)
    contact = models.CharField(max_length=200, blank=True)
    called_at = models.DateTimeField(null=True, blank=True)
    direction = models.CharField(max_length=10, choices=Direction, default=Direction.UNKNOWN, blank=True)
    pattern = models.TextField(blank=True)  # one a line

    manifest = models.FileField(max_length=200, blank=True)
    columns = models.JSONField(default=dict, blank=True)  # which column of the manifest is what
    rows_read = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "batches"
        indexes = [
            models.Index("due_at", condition=Q(due_at__isnull=False), name="batch_due"),
            models.Index("created_at", "id", name="batch_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_way_display()}: {self.name}" if self.name else self.get_way_display()

    def get_absolute_url(self) -> str:
        return reverse("batch", args=[self.pk])

    def sums(self) -> Sums:
        """Return where its items stand, counted by one statement, so that the parts always add up."""
        return summed(standings([self.pk])[self.pk])


class BatchItemQuerySet(models.QuerySet["BatchItem"]):
    """Questions about items, and the one way to settle them."""

    def waiting(self) -> Self:
        """Return those of which nothing has become yet."""
        return self.filter(fate=Fate.WAITING)

    def settle(self, pk: int, fate: Fate, /, **fields: object) -> bool:
        """Say what became of a waiting item; of several callers one gets True, and nothing is settled twice."""
        return self.waiting().filter(pk=pk).update(fate=fate, **fields) == 1


class BatchItem(models.Model):
    """One file, link or row of a batch, in the order in which it came."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items", db_index=False)
    position = models.PositiveIntegerField()  # from 1; of a manifest, the line
    name = models.CharField(max_length=500, blank=True)  # the file's name, with its folders
    link = models.CharField(max_length=2000, blank=True)
    link_key = models.BinaryField(max_length=16, null=True, editable=False)  # see `key_of_link`; of a manifest's rows
    seconds = models.FloatField(null=True, blank=True)  # how long, where the manifest or the file's head says so
    size_bytes = models.BigIntegerField(null=True, blank=True)
    modified_at = models.DateTimeField(null=True, blank=True)  # the file's date

    # What the item itself says about the call; "" and NULL: what holds for the batch.
    agent = models.CharField(max_length=200, blank=True)
    contact = models.CharField(max_length=200, blank=True)
    called_at = models.DateTimeField(null=True, blank=True)
    direction = models.CharField(max_length=10, choices=Direction, default=Direction.UNKNOWN, blank=True)

    fate = models.CharField(max_length=10, choices=Fate, default=Fate.WAITING)
    # Why it was refused, or would be: a code of `Failure` or `Cause`.
    cause = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=500, blank=True)  # the same in words for people
    recording = models.ForeignKey(Recording, on_delete=models.SET_NULL, null=True, blank=True, related_name="items")
    duplicate_of = models.ForeignKey(Recording, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    # The dry run's answer while it waits: whether it was checked; `cause` and `detail` say why it is not to be imported.
    is_checked = models.BooleanField(default=False)

    objects = BatchItemQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        indexes = [
            # With the recording, though it is NULL in every row: else SQLite looks into the table for it.
            models.Index(
                *("batch", "fate", "cause", "position", "recording"),
                condition=Q(recording__isnull=True),
                name="batch_item_by_fate",
            ),
            models.Index("batch", "is_checked", "id", condition=Q(fate="waiting"), name="batch_item_waiting"),
            models.Index(
                "batch", "link_key", "position", condition=Q(link_key__isnull=False), name="batch_item_by_link"
            ),
        ]
        constraints = [models.UniqueConstraint("batch", "position", name="batch_item_once")]

    def __str__(self) -> str:
        return self.name or self.link


# Both halves read an index alone, whatever the number of calls.
STANDING = """
SELECT batch_id, fate, cause, COUNT(*) FROM portal_batchitem
WHERE batch_id IN ({batches}) AND recording_id IS NULL GROUP BY batch_id, fate, cause
UNION ALL
SELECT batch_id, 'call ' || state, failure, COUNT(*) FROM portal_recording
WHERE batch_id IN ({batches}) GROUP BY batch_id, state, failure
"""

# Where an item counts: by its own fate, or by the state of its call.
PART = {
    Fate.WAITING: "waiting",
    Fate.DUPLICATE: "duplicates",
    Fate.REFUSED: "failed",
    Fate.CANCELLED: "cancelled",
    Fate.STORED: "cancelled",  # its call was deleted
    f"call {State.QUEUED}": "waiting",
    f"call {State.SENDING}": "working",
    f"call {State.PROCESSING}": "working",
    f"call {State.COMPLETED}": "done",
    f"call {State.FAILED}": "failed",
    f"call {State.CANCELLED}": "cancelled",
}


Standing = tuple[str, str, int]  # fate, or `call` and its state; cause or failure; how many


def standings(batches: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Standing]]:
    """Return how many items of each of these batches stand where; one query."""
    found: dict[uuid.UUID, list[Standing]] = {batch: [] for batch in batches}
    if not found:
        return found
    keys = [as_held(batch) for batch in found]
    with connection.cursor() as cursor:
        cursor.execute(STANDING.format(batches=", ".join(["%s"] * len(keys))), [*keys, *keys])
        for batch, state, failure, count in cursor.fetchall():
            found[uuid.UUID(str(batch))].append((str(state), str(failure), int(count)))
    return found


def as_held(pk: uuid.UUID) -> str | uuid.UUID:
    """Return a batch's key as the database holds it: SQLite knows no UUIDs."""
    return pk if connection.features.has_native_uuid_field else pk.hex


def part_of(state: str, failure: str) -> str:
    """Return in which part of the sum an item counts that stands so."""
    is_duplicate = state == f"call {State.FAILED}" and failure == Failure.DUPLICATE
    return "duplicates" if is_duplicate else PART[state]


def summed(standing: Iterable[Standing]) -> Sums:
    """Return the sums of what stands where."""
    parts = dict.fromkeys(Sums._fields, 0)
    for state, failure, count in standing:
        parts[part_of(state, failure)] += count
        parts["items"] += count
    return Sums(**parts)
