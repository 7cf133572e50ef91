"""The engine's record: jobs, the rules they are checked by, results, call-backs, and the log that limits requests."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

MAX_ATTEMPTS = 3
STORED = "stored"  # the stage of a job whose audio is here and that waits to be heard
LEASE = timedelta(seconds=30)


class State(models.TextChoices):
    """The three values of an analysis' `status`; there are no others on the wire."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class JobQuerySet(models.QuerySet["Job"]):
    """Questions about jobs, and the two conditional UPDATEs by which one worker owns one job."""

    def due(self, now: datetime) -> Self:
        """Return the unfinished jobs that nobody works on and whose time has come, the longest due first.

        A time further away than any lease or delay can be only means that the clock was set back: due as well.
        """
        soon = Q(next_attempt_at__lte=now) | Q(next_attempt_at__gt=now + 2 * LEASE)
        return self.filter(soon, state=State.PROCESSING).order_by("next_attempt_at")

    def claim(self, pk: uuid.UUID, now: datetime) -> uuid.UUID | None:
        """Take a due job for the length of a lease and count the attempt; None if another was quicker.

        The attempt is counted before the work, so that a recording which kills its worker runs out of attempts.
        """
        owner = uuid.uuid4()
        mine = self.due(now).filter(pk=pk).order_by()
        taken = mine.update(owner=owner, next_attempt_at=now + LEASE, attempts=models.F("attempts") + 1)
        return owner if taken else None

    def held(self, pk: uuid.UUID, owner: uuid.UUID) -> Self:
        """Return the job if it is unfinished and still `owner`'s: the condition of every write while working."""
        return self.filter(pk=pk, owner=owner, state=State.PROCESSING)


class Job(models.Model):
    """One analysis as the API's caller asked for it.

    `next_attempt_at` is schedule and lease in one: who works on the job pushes it ahead and holds `owner`. Whoever
    lost the lease changes nothing any more. `state` leaves PROCESSING once, in the UPDATE that brings the outcome.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=32)  # fingerprint of the API key that created it
    livemode = models.BooleanField()  # live and test keys see their own jobs only
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  NULL: none was given

    agent_id = models.CharField(max_length=255)
    contact_id = models.CharField(max_length=255)
    ids_folded = models.CharField(max_length=1100)  # both ids, casefolded, for `search`
    call_direction = models.CharField(max_length=16, blank=True)
    call_timestamp = models.CharField(max_length=64, blank=True)  # ISO 8601, as given
    call_metadata = models.TextField(blank=True)  # JSON, as given
    webhook_url = models.CharField(max_length=2048, blank=True)

    source_url = models.CharField(max_length=2048, blank=True)  # empty: the audio was uploaded
    base_url = models.CharField(max_length=500, blank=True)  # under which the caller reached us, for audio.url
    audio_file = models.CharField(max_length=100, blank=True)  # name in the engine's folder, while we keep it
    audio_format = models.CharField(max_length=8, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True)  # bytes
    duration = models.FloatField(null=True)  # seconds
    channels = models.PositiveSmallIntegerField(null=True)
    rules_hash = models.CharField(max_length=64, blank=True)  # of the rules to check by; empty: the built-in ones

    state = models.CharField(max_length=12, choices=State, default=State.PROCESSING)
    error_message = models.TextField(blank=True)  # of a failed job; while processing, the last attempt's trouble
    stage = models.CharField(max_length=40, blank=True)
    fraction = models.FloatField(default=0)  # of the stage, 0 to 1

    attempts = models.PositiveSmallIntegerField(default=0)  # begun since the last step that succeeded
    owner = models.UUIDField(null=True)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True)  # when it became completed or failed
    processing_ms = models.BigIntegerField(null=True)  # of the attempt that succeeded

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["livemode", "-created_at", "-id"], name="job_list"),
            models.Index(fields=["livemode", "state", "-created_at", "-id"], name="job_by_state"),
            models.Index(fields=["livemode", "agent_id", "-created_at", "-id"], name="job_by_agent"),
            models.Index(fields=["livemode", "contact_id", "-created_at", "-id"], name="job_by_contact"),
            models.Index("next_attempt_at", condition=Q(state=State.PROCESSING), name="job_due"),
            models.Index("completed_at", condition=~Q(audio_file=""), name="job_with_audio"),
        ]
        constraints = [models.UniqueConstraint("key", "idempotency_key", name="job_once_per_idempotency_key")]

    def __str__(self) -> str:
        return f"job {self.pk}"

    @property
    def waiting_stage(self) -> str:
        """The stage to show while nobody works on it; empty for a link that is still to be fetched."""
        return STORED if self.audio_file else ""


class Rules(models.Model):
    """A rule set as a caller sent it, named by the SHA-256 of its text; written once, never changed."""

    hash = models.CharField(max_length=64, primary_key=True)
    text = models.TextField()

    def __str__(self) -> str:
        return f"rules {self.hash[:12]}"


class Outcome(models.Model):
    """What a completed job found, as the JSON that goes over the wire; written once, with the state."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="outcome")
    transcript = models.TextField()
    results = models.TextField()

    def __str__(self) -> str:
        return f"outcome of {self.job_id}"


class CallbackQuerySet(models.QuerySet["Callback"]):
    """Questions about call-backs."""

    def due(self, now: datetime) -> Self:
        """Return the unsettled call-backs whose time has come, the longest due first."""
        return self.filter(settled_at=None, next_attempt_at__lte=now).order_by("next_attempt_at")

    def claim(self, pk: uuid.UUID, now: datetime, until: datetime) -> bool:
        """Take a due call-back until `until` and count the attempt; one caller wins."""
        mine = self.due(now).filter(pk=pk).order_by()
        return mine.update(next_attempt_at=until, attempts=models.F("attempts") + 1) == 1


class Callback(models.Model):
    """The duty to tell `webhook_url` that a job is final; settled when it was told or given up."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="callback")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    delivered = models.BooleanField(default=False)
    last_status = models.PositiveSmallIntegerField(null=True)  # HTTP status of the last answer
    last_error = models.TextField(blank=True)

    objects = CallbackQuerySet.as_manager()

    class Meta:
        indexes = [models.Index("next_attempt_at", condition=Q(settled_at=None), name="callback_due")]

    def __str__(self) -> str:
        return f"call-back of {self.job_id}"


class CountedRequest(models.Model):
    """One request that was let in: the sliding window by which the limits are kept exactly."""

    bucket = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index("bucket", "at", name="counted_by_bucket")]

    def __str__(self) -> str:
        return f"{self.bucket} at {self.at}"
