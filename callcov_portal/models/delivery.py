"""One webhook request as received."""

from django.db import models

from callcov_portal.models.analysis import Analysis

KEPT_BYTES = 64 * 1024
KEPT_PER_ANALYSIS = 20


class Delivery(models.Model):
    """A hint that the API has news. It never carries a result: those come by our own GET."""

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="deliveries")
    submission = models.PositiveIntegerField()
    received_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    event = models.CharField(max_length=60, blank=True)
    external_id = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=40, blank=True)
    body_sha256 = models.CharField(max_length=64)
    body_size = models.PositiveIntegerField()
    body = models.TextField(blank=True)  # the first 64 kB

    class Meta:
        ordering = ["-received_at"]
        verbose_name_plural = "deliveries"
        # The API documents no delivery id, so the body's hash is the id.
        constraints = [models.UniqueConstraint("analysis", "body_sha256", name="delivery_once")]

    def __str__(self) -> str:
        return f"{self.event or 'delivery'} for {self.analysis_id}"
