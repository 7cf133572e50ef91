"""A review: a person's verdict on an analysis. It never changes the analysis."""

from django.conf import settings
from django.db import models

from callcov_portal.models import Analysis


class Verdict(models.TextChoices):
    """The plain verdict on a call."""

    PASS = "pass", "Pass"
    COACH = "coach", "Needs coaching"
    FAIL = "fail", "Fail"


class Review(models.Model):
    """One verdict by one person. Reviews are added, never overwritten: the newest one counts."""

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=20, choices=Verdict)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} by {self.reviewer}"
