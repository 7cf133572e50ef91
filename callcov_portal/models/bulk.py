"""One act on many calls: written down whole before anything is done, and done bit by bit."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

FARTHEST = timedelta(minutes=20)


class BulkAct(models.TextChoices):
    """What is done with each call."""

    CORRECT = "correct", "Correct details"
    RETRY = "retry", "Retry"
    AGAIN = "again", "Analyse again"
    DELETE = "delete", "Delete"


class BulkState(models.TextChoices):
    """Where a bulk job stands."""

    ASKED = "asked", "Not confirmed"
    RUNNING = "running", "Under way"
    FINISHED = "finished", "Finished"


class BulkJobQuerySet(models.QuerySet["BulkJob"]):
    """Which jobs are to be worked on, and how one is taken."""

    def due(self, now: datetime) -> Self:
        """Return those under way that nobody works on, the longest due first."""
        due = Q(next_attempt_at__lte=now) | Q(next_attempt_at__gt=now + FARTHEST)
        return self.filter(due, state=BulkState.RUNNING).order_by("next_attempt_at")

    def claim(self, pk: uuid.UUID, seen: datetime | None, until: datetime) -> bool:
        """Take a due job for oneself until `until`; of several callers one wins."""
        return self.filter(pk=pk, state=BulkState.RUNNING, next_attempt_at=seen).update(next_attempt_at=until) == 1


class BulkJob(models.Model):
    """One act on the calls that stand in its items: those that were meant when it was asked for, and no others."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    act = models.CharField(max_length=10, choices=BulkAct)
    values = models.JSONField(default=dict, blank=True)  # what is to be corrected
    query = models.TextField(blank=True)  # the filters by which the calls were chosen, for who reads it later
    state = models.CharField(max_length=10, choices=BulkState, default=BulkState.ASKED)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)  # with those that were refused
    refused = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # also the lease of who works on it
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = BulkJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index("next_attempt_at", condition=Q(state="running"), name="bulk_job_due")]

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.total} calls"


class BulkItem(models.Model):
    """One call of a bulk job; by its number, because it may be gone when its turn comes."""

    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="items", db_index=False)
    number = models.BigIntegerField()
    is_done = models.BooleanField(default=False)
    why = models.CharField(max_length=300, blank=True)  # why it was refused

    class Meta:
        indexes = [
            models.Index("job", "id", condition=Q(is_done=False), name="bulk_item_waiting"),
            models.Index("job", "why", condition=~Q(why=""), name="bulk_item_refused"),
        ]
        constraints = [models.UniqueConstraint("job", "number", name="bulk_item_once")]

    def __str__(self) -> str:
        return f"#{self.number}"
