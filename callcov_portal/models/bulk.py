"""One act on many calls: written down whole before anything is done, and done bit by bit."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from callcov_portal.models.chore import Chore


class BulkAct(models.TextChoices):
    """What is done with each call."""

    CORRECT = "correct", "Correct details"
    RETRY = "retry", "Retry"
    AGAIN = "again", "Analyse again"
    KEEP = "keep", "Keep both"
    CANCEL = "cancel", "Cancel"
    DELETE = "delete", "Delete"


class BulkState(models.TextChoices):
    """Where a bulk job stands."""

    ASKED = "asked", "Not confirmed"
    RUNNING = "running", "Under way"
    FINISHED = "finished", "Finished"


class BulkJob(Chore):
    """One act on the calls that stand in its items: those that were meant when it was asked for, and no others."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    act = models.CharField(max_length=10, choices=BulkAct)
    values = models.JSONField(default=dict, blank=True)  # what is to be corrected
    query = models.TextField(blank=True)  # the filters by which the calls were chosen, for who reads it later
    failure = models.CharField(max_length=20, blank=True)  # if it is to retry all that failed for this cause
    state = models.CharField(max_length=10, choices=BulkState, default=BulkState.ASKED)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)  # with those that were refused
    refused = models.IntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index("due_at", condition=Q(due_at__isnull=False), name="bulk_job_due")]
        constraints = [
            # Asked for twice at once, it is done once.
            models.UniqueConstraint("failure", condition=Q(state="running") & ~Q(failure=""), name="bulk_retry_once"),
        ]

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
