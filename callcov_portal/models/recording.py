"""A recording: one call's audio, whose call it was and when."""

import hashlib
from bisect import bisect_right
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.urls import reverse

from callcov_portal.models.people import UNKNOWN_CONTACT, Agent, Contact

if TYPE_CHECKING:
    from callcov_portal.models.analysis import Analysis


class Direction(models.TextChoices):
    """Who called whom."""

    UNKNOWN = "", "Unknown"
    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"


class CalledAtSource(models.TextChoices):
    """Where the time of the call is from; all but the first are assumed."""

    FORM = "form", "entered"
    FILE_NAME = "file_name", "from the file's name"
    FILE_DATE = "file_date", "from the file's date"
    UPLOAD = "upload", "the time of the upload"


class Muting(models.TextChoices):
    """Where the copy stands in which sensitive seconds are silent."""

    NONE = "", "Nothing to mute"
    DUE = "due", "Being made"
    DONE = "done", "Made"
    FAILED = "failed", "Could not be made"


# Where the bands of length end, in seconds: by them calls of some length are found newest first.
BAND_ENDS = (30, 60, 120, 180, 300, 480, 720, 1200, 2400)
NO_BAND = -1  # the length is not known


def band_of(seconds: float | None) -> int:
    """Return the band in which a length lies; None is longer than any."""
    return len(BAND_ENDS) if seconds is None else bisect_right(BAND_ENDS, seconds)


BANDS = Case(
    *(When(duration_seconds__lt=end, then=Value(band)) for band, end in enumerate(BAND_ENDS)),
    When(duration_seconds__gte=BAND_ENDS[-1], then=Value(len(BAND_ENDS))),
    default=Value(NO_BAND),
)


def key_of_link(link: str) -> bytes:
    """Return the 16 bytes by which a link is found again; two links with the same key are the same link."""
    return hashlib.sha256(link.encode()).digest()[:16]


class RecordingQuerySet(models.QuerySet["Recording"]):
    """Questions about recordings."""

    def unmuted(self) -> Self:
        """Return those whose muted copy could not be made, the newest first; only who may unmask hears them."""
        return self.filter(muting=Muting.FAILED).order_by("-id")

    def with_people(self) -> Self:
        """Return the rows with what a list shows of agent, contact and current analysis, in one query."""
        return self.select_related("agent", "contact", "current_analysis", "uploaded_by", "reviewed_by")

    def newest_first(self) -> Self:
        """Return the rows by the time of the call, newest first, in an order that never wavers."""
        return self.order_by("-called_at", "-id")


class Recording(models.Model):
    """One call's audio (a file, a link, or both) with agent, contact and time. Its id is the call's number."""

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="recordings")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="recordings", null=True, blank=True)
    called_at = models.DateTimeField()
    called_at_source = models.CharField(max_length=10, choices=CalledAtSource, default=CalledAtSource.UPLOAD)
    direction = models.CharField(max_length=10, choices=Direction, default=Direction.UNKNOWN, blank=True)

    file = models.FileField(max_length=200, blank=True)
    file_name = models.CharField(max_length=255, blank=True, db_index=True)
    link = models.URLField(max_length=2000, blank=True)
    link_key = models.BinaryField(max_length=16, null=True, editable=False)  # see `key_of_link`
    sha256 = models.CharField(max_length=64, null=True, blank=True, unique=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    format = models.CharField(max_length=10, blank=True)
    mime = models.CharField(max_length=100, blank=True)
    duration_seconds = models.FloatField(null=True, blank=True)
    channels = models.PositiveSmallIntegerField(null=True, blank=True)

    # The copy in which sensitive seconds are silent, a chore (models/chore.py); actions/muting.py alone writes these.
    muting = models.CharField(max_length=6, choices=Muting, default=Muting.NONE, blank=True)
    muting_at = models.DateTimeField(null=True, blank=True)
    muting_attempts = models.PositiveIntegerField(default=0)
    muting_detail = models.TextField(blank=True)
    muted_file = models.FileField(max_length=200, blank=True)
    muted_spans = models.CharField(max_length=64, blank=True)  # hash of the spans that are silent in it

    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    batch = models.ForeignKey(
        "portal.Batch", on_delete=models.SET_NULL, null=True, blank=True, related_name="recordings", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    current_analysis: "models.ForeignKey[Analysis | None, Analysis | None]" = models.ForeignKey(
        "portal.Analysis", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    # What lists show of the current analysis, so that they need no join. Its moves write the first two with
    # themselves, actions/tallying.py the others: findings by outcome, and whether any check came out like that.
    state = models.CharField(max_length=12, blank=True)  # of `State`; "" without an analysis
    failure = models.CharField(max_length=20, blank=True)
    met = models.PositiveSmallIntegerField(default=0)
    violated = models.PositiveSmallIntegerField(default=0)
    omitted = models.PositiveSmallIntegerField(default=0)
    heard = models.PositiveSmallIntegerField(default=0)
    is_violated = models.BooleanField(default=False)
    is_omitted = models.BooleanField(default=False)
    is_heard = models.BooleanField(default=False)
    talk_ratio = models.FloatField(null=True, blank=True)  # the agent's share of the seconds spoken, 0..1
    negative_ratio = models.FloatField(null=True, blank=True)  # of the contact's segments, those with negative words

    length_band = models.GeneratedField(
        expression=BANDS, output_field=models.SmallIntegerField(), db_persist=True
    )  # of the duration, see `band_of`

    # Judgement's marks: evidence keeps them so that lists need no join, actions/marks.py alone writes them.
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    verdict = models.CharField(max_length=20, blank=True)

    is_demo = models.BooleanField(default=False, db_default=False)  # invented by `seed_demo`, and removed by it

    objects = RecordingQuerySet.as_manager()

    class Meta:
        ordering = ["-called_at", "-id"]
        indexes = [
            models.Index("called_at", "id", name="recording_by_time"),
            models.Index("agent", "called_at", "id", name="recording_by_agent"),
            models.Index("contact", "called_at", "id", name="recording_by_contact"),
            models.Index("state", "called_at", "id", name="recording_by_state"),
            models.Index("agent", "state", "called_at", "id", name="recording_by_agent_state"),
            models.Index("failure", "called_at", "id", name="recording_by_failure"),
            models.Index("verdict", "called_at", "id", name="recording_by_verdict"),
            models.Index(
                "verdict",
                "state",
                "called_at",
                "id",
                condition=Q(reviewed_at__isnull=False),
                name="recording_by_verdict_state",
            ),
            models.Index("uploaded_by", "called_at", "id", name="recording_by_uploader"),
            models.Index("is_violated", "called_at", "id", name="recording_by_violated"),
            models.Index("is_omitted", "called_at", "id", name="recording_by_omitted"),
            models.Index("is_heard", "called_at", "id", name="recording_by_heard"),
            models.Index("direction", "called_at", "id", name="recording_by_direction"),
            models.Index("length_band", "called_at", "id", name="recording_by_length"),
            models.Index(
                "batch", "state", "failure", "id", condition=Q(batch__isnull=False), name="recording_of_batch"
            ),
            models.Index(
                "batch", "called_at", "id", condition=Q(batch__isnull=False), name="recording_of_batch_by_time"
            ),
            models.Index("link_key", condition=Q(link_key__isnull=False), name="recording_by_link"),
            models.Index("muting_at", condition=Q(muting_at__isnull=False), name="recording_muting_due"),
            models.Index("id", condition=Q(muting="failed"), name="recording_muting_failed"),
            models.Index("id", condition=Q(is_demo=True), name="recording_demo"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(file="") | ~models.Q(link=""), name="recording_has_file_or_link"
            ),
        ]

    def __str__(self) -> str:
        return f"call #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("call", args=[self.pk])

    @property
    def stored_name(self) -> str:
        """The file's name in the storage, "" while there is only a link."""
        return self.file.name or ""

    @property
    def muted_name(self) -> str:
        """The muted copy's name in the storage, "" while there is none."""
        return self.muted_file.name or ""

    @property
    def contact_identifier(self) -> str:
        """The contact as the API is told: an unknown one is sent as `unknown`."""
        return self.contact.identifier if self.contact else UNKNOWN_CONTACT

    @property
    def called_at_is_assumed(self) -> bool:
        """Whether nobody said when the call was."""
        return self.called_at_source != CalledAtSource.FORM
