"""A waveform: how loud a recording is from moment to moment. A table beside recordings, whose own rows stay narrow."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from callcov_portal.models.recording import FARTHEST, Recording


class WaveformQuerySet(models.QuerySet["Waveform"]):
    """Questions about waveforms, and how one is taken to be made."""

    def due(self, now: datetime) -> Self:
        """Return those that are to be made now, of the newest recordings first.

        A row that was put off further than anything ever is was written before the clock was set back.
        """
        return self.filter(Q(due_at__lte=now) | Q(due_at__gt=now + FARTHEST)).order_by("-recording_id")

    def claim(self, pk: int, seen: datetime | None, until: datetime) -> bool:
        """Take a due row for oneself until `until`, and count the try; of several callers one wins."""
        due = self.filter(pk=pk, due_at=seen)
        return due.update(due_at=until, attempts=models.F("attempts") + 1) == 1


class Waveform(models.Model):
    """What is drawn of a recording. `values` holds a byte for each moment, channel after channel; NULL until it is made.

    `due_at` is the next try, and the lease of who makes it; NULL when it is made, or cannot be made (`detail` says why).
    """

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, primary_key=True, related_name="waveform")
    channels = models.PositiveSmallIntegerField(default=0)
    step_seconds = models.FloatField(default=0)
    values = models.BinaryField(null=True)
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    detail = models.TextField(blank=True)

    objects = WaveformQuerySet.as_manager()

    class Meta:
        indexes = [models.Index("due_at", condition=Q(due_at__isnull=False), name="waveform_due")]

    def __str__(self) -> str:
        return f"waveform of call #{self.pk}"

    @property
    def lanes(self) -> list[bytes]:
        """The loudness of each channel; none until it is made."""
        values = bytes(self.values or b"")
        length = len(values) // self.channels if values else 0
        return [values[at : at + length] for at in range(0, length * self.channels, length)] if length else []
