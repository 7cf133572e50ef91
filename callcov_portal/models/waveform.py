"""A waveform: how loud a recording is from moment to moment. A table beside recordings, whose own rows stay narrow."""

from django.db import models
from django.db.models import Q

from callcov_portal.models.chore import Chore
from callcov_portal.models.recording import Recording


class Waveform(Chore):
    """What is drawn of a recording. `values` holds a byte for each moment, channel after channel; NULL until it is made.

    One that cannot be made has neither values nor a next try; `detail` says why.
    """

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, primary_key=True, related_name="waveform")
    channels = models.PositiveSmallIntegerField(default=0)
    step_seconds = models.FloatField(default=0)
    values = models.BinaryField(null=True)

    class Meta:
        # By number, as the newest call is drawn first: whoever asks for it must not walk all that are drawn.
        indexes = [models.Index("recording", condition=Q(due_at__isnull=False), name="waveform_to_draw")]

    def __str__(self) -> str:
        return f"waveform of call #{self.pk}"

    @property
    def lanes(self) -> list[bytes]:
        """The loudness of each channel; none until it is made."""
        values = bytes(self.values or b"")
        length = len(values) // self.channels if values else 0
        return [values[at : at + length] for at in range(0, length * self.channels, length)] if length else []
