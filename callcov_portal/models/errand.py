"""An errand: something to be done to many calls, bit by bit."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q


class ErrandKind(models.TextChoices):
    """What is done."""

    MERGE_AGENTS = "merge_agents", "Merge two agents"
    MERGE_CONTACTS = "merge_contacts", "Merge two contacts"
    RETRY = "retry", "Retry failed analyses"


class ErrandQuerySet(models.QuerySet["Errand"]):
    """Questions about errands, and how one is taken."""

    def due(self, now: datetime) -> Self:
        """Return those that are to be gone on with now."""
        return self.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")

    def claim(self, pk: int, now: datetime, until: datetime) -> bool:
        """Take a due errand for oneself until `until`; of several callers one wins."""
        return self.filter(pk=pk, next_attempt_at__lte=now).update(next_attempt_at=until) == 1


class Errand(models.Model):
    """One act of a person upon many calls. The row is the queue: `next_attempt_at` is also the lease, NULL when it is done.

    A merge has the one whose identifier remains as an alias (`source`, a row's number); a retry has the cause of `failure`
    and is about what had failed when it was asked for (`created_at`), so that what fails again is not tried for ever.
    """

    kind = models.CharField(max_length=14, choices=ErrandKind)
    source = models.BigIntegerField(null=True, blank=True)
    failure = models.CharField(max_length=20, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    done = models.PositiveIntegerField(default=0)  # calls, so far
    attempts = models.PositiveIntegerField(default=0)  # in vain, one after the other
    detail = models.TextField(blank=True)  # the last trouble
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ErrandQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index("next_attempt_at", condition=Q(next_attempt_at__isnull=False), name="errand_due")]
        constraints = [
            # Asked for twice at once, it is done once.
            models.UniqueConstraint(
                "kind", "failure", condition=Q(kind="retry", finished_at__isnull=True), name="errand_retry_once"
            ),
            models.UniqueConstraint(
                "kind", "source", condition=Q(source__isnull=False, finished_at__isnull=True), name="errand_merge_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.done} calls"
