"""Exports that were made or are due, what makes them due, and the columns that people chose."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from callcov_portal.models.chore import Chore
from callcov_portal.models.people import User


class ExportState(models.TextChoices):
    """Where an export stands."""

    WAITING = "waiting", "Waiting"
    MAKING = "making", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class Every(models.TextChoices):
    """How often a schedule makes an export."""

    DAY = "day", "Every day"
    WEEK = "week", "Every week"


class Weekday(models.IntegerChoices):
    """Days as Python counts them."""

    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class ExportQuerySet(models.QuerySet["Export"]):
    """Questions about exports."""

    def seen_by(self, user: User) -> Self:
        """Return those that a user sees: their own; a lead sees all."""
        return self.all() if user.is_lead else self.filter(user=user)


class ExportOrder(models.Model):
    """What is to be exported: a table with columns in a format, of the calls that a query string chooses."""

    table = models.CharField(max_length=20)
    format = models.CharField(max_length=10)
    columns = models.JSONField()
    filters = models.TextField(blank=True)
    mark = models.BooleanField(default=False)  # a byte order mark comes first
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Questions about schedules."""

    def due(self, now: datetime) -> Self:
        """Return those whose time has come, the longest due first; whoever is deactivated gets no more exports."""
        return self.filter(next_at__lte=now, user__is_active=True).order_by("next_at")

    def seen_by(self, user: User) -> Self:
        """Return those that a user sees: their own; a lead sees all."""
        return self.all() if user.is_lead else self.filter(user=user)


class Schedule(ExportOrder):
    """An export of the day before, or of the seven days before, made again and again at an hour of the portal's zone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    every = models.CharField(max_length=4, choices=Every)
    weekday = models.PositiveSmallIntegerField(choices=Weekday, default=Weekday.MONDAY)  # of a weekly one
    hour = models.PositiveSmallIntegerField(validators=[MaxValueValidator(23)])
    next_at = models.DateTimeField(db_index=True)

    objects = ScheduleQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.table} as {self.format}, {self.when_words}"

    @property
    def when_words(self) -> str:
        """When it is made, in words."""
        day = "every day" if self.every == Every.DAY else f"every {Weekday(self.weekday).label}"
        return f"{day} at {self.hour}:00"


class Export(ExportOrder, Chore):
    """One export: due, being made or made. What was streamed to a browser has a row with its manifest, but no file.

    `day` is that of the portal's zone on which its schedule made it due: there is one for each.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    schedule = models.ForeignKey(Schedule, on_delete=models.SET_NULL, null=True, blank=True, related_name="exports")
    day = models.DateField(null=True, blank=True)
    unmasked = models.BooleanField(default=False)
    is_streamed = models.BooleanField(default=False)

    state = models.CharField(max_length=8, choices=ExportState, default=ExportState.WAITING)
    rows = models.PositiveBigIntegerField(default=0)
    file = models.FileField(max_length=200, blank=True)
    file_name = models.CharField(max_length=100, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    manifest = models.JSONField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index("user", "created_at", name="export_by_user"),
            models.Index("created_at", name="export_by_time"),
            models.Index("due_at", condition=Q(due_at__isnull=False), name="export_due"),
        ]
        constraints = [models.UniqueConstraint("schedule", "day", name="export_once_a_day")]

    def __str__(self) -> str:
        return f"export #{self.pk}"

    @property
    def stored_name(self) -> str:
        """The file's name in the storage, "" while there is none."""
        return self.file.name or ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in {ExportState.READY, ExportState.FAILED}


class ColumnChoice(models.Model):
    """The columns of a table that a user chose, in their order."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    table = models.CharField(max_length=20)
    columns = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint("user", "table", name="column_choice_once")]

    def __str__(self) -> str:
        return f"columns of {self.table}"
