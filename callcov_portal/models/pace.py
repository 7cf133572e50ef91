"""How fast we may speak to the API, shared by all workers, and what it said last."""

from django.db import models


class Call(models.Model):
    """One request to the API: the log of the last minute, by which the limits are kept exactly."""

    bucket = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index("bucket", "at", name="call_by_bucket")]

    def __str__(self) -> str:
        return f"{self.bucket} at {self.at}"


class Signal(models.Model):
    """A fact that all processes share, by name: the pause the API asked for, its last answer, a heartbeat."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    text = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


class Spending(models.Model):
    """What was asked of the API on one day of the portal's zone, and how many analyses it completed."""

    day = models.DateField(primary_key=True)
    requests = models.IntegerField(default=0)  # of every kind, submissions too
    submissions = models.IntegerField(default=0)
    completed = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.requests} requests for {self.completed} analyses"

    @property
    def per_analysis(self) -> float | None:
        """How many requests each completed analysis cost; None while none is completed."""
        return self.requests / self.completed if self.completed else None
