"""The calls of an agent or a contact that follow into the one whom they were merged into."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from callcov_portal.models.chore import Chore


class Side(models.TextChoices):
    """Whose calls follow: which of a call's two people this is about."""

    AGENT = "agent", "Agent"
    CONTACT = "contact", "Contact"


class Merge(Chore):
    """One merge. The identifier of `source` (a row's number) remains as an alias; its row says into whom it went."""

    side = models.CharField(max_length=7, choices=Side)
    source = models.BigIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    done = models.PositiveIntegerField(default=0)  # calls, so far
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index("due_at", condition=Q(due_at__isnull=False), name="merge_due")]
        constraints = [
            models.UniqueConstraint("side", "source", condition=Q(finished_at__isnull=True), name="merge_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_side_display()} {self.source}: {self.done} calls"
