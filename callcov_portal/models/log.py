"""Who changed what: kept even when the thing itself is gone."""

from django.conf import settings
from django.db import models


class LogEntry(models.Model):
    """One act of a person (or of a command, with no user)."""

    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    act = models.CharField(max_length=40)
    recording_number = models.BigIntegerField(null=True, blank=True, db_index=True)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "log entries"

    def __str__(self) -> str:
        return f"{self.act}: {self.text}"


class Spent(models.Model):
    """An analysis that was sent and whose call was deleted since: it was billed all the same."""

    sent_at = models.DateTimeField(db_index=True)
    seconds = models.FloatField(default=0)

    class Meta:
        verbose_name_plural = "spent"

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s at {self.sent_at}"
