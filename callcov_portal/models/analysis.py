"""An analysis: our record of one request for results about one recording, and the states it passes."""

import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Self

from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models import Q

from callcov_portal.models.prepared import PreparedModels, Update, done, key, moment, prepared_models
from callcov_portal.models.recording import Recording
from callcov_portal.models.states import (
    KEEPABLE,
    RETRYABLE,
    UNFINISHED,
    WHAT_TO_DO,
    Failure,
    State,
    Urgency,
    sources_of,
)

FARTHEST = timedelta(minutes=20)  # nothing is put off longer; the longest is a pause of 15 minutes


@lru_cache(maxsize=64)
def update_of_move(state: str, failure: str, names: tuple[str, ...]) -> Update:
    """Return the UPDATE that moves one row and sets these fields; there are as many as there are kinds of moves."""
    return Update(Analysis, ("state", "failure", *names), f"id = %s AND ({sources_of(state, failure)})")


def is_due(now: datetime) -> Q:
    """Return the condition of what is due; see `AnalysisQuerySet.due`."""
    return Q(next_attempt_at__lte=now) | Q(next_attempt_at__gt=now + FARTHEST)


class AnalysisQuerySet(models.QuerySet["Analysis"]):
    """Questions about analyses."""

    def due(self, now: datetime) -> Self:
        """Return the rows whose next attempt is due, the longest due first.

        What is finished has no next attempt, unless late news about it was announced. A row that was put off
        further than anything ever is was written before the clock was set back: it is due as well.
        """
        return self.filter(is_due(now)).order_by("next_attempt_at")

    def waiting(self, now: datetime, *, for_a_copy: bool) -> Self:
        """Return what is due to be sent, or to be fetched first, the most urgent first.

        What is to be compared with other calls before is not among it: that is a chore.
        """
        rows = self.filter(is_due(now), state=State.QUEUED, needs_comparing=False, needs_copy=for_a_copy)
        return rows.order_by("urgency", "next_attempt_at")

    def in_work(self, now: datetime) -> Self:
        """Return what is due but for what waits to be sent: news is to be asked for, the longest due first."""
        return self.due(now).exclude(state=State.QUEUED)


AnalysisQuestions = models.Manager.from_queryset(AnalysisQuerySet)


class AnalysisManager(AnalysisQuestions["Analysis"]):
    """The one way to move analyses. One row by its key each time: nothing can be filtered before."""

    def due_one(self, pk: uuid.UUID, now: datetime) -> "Analysis | None":
        """Return one row, if it is due."""
        rows = due_one().rows([moment(now), moment(now + FARTHEST), key(pk)])
        return rows[0] if rows else None

    def move(self, pk: uuid.UUID, to: State, failure: str = "", /, **fields: object) -> bool:
        """Move one row to a state, if the table of states allows it from where the row stands now.

        One conditional UPDATE: of several callers one wins and gets True. `fields` are set with it, and what lists
        show of the state in the same transaction.
        """
        with transaction.atomic(savepoint=False):
            update = update_of_move(to, failure, tuple(fields))
            moved = update.made([to, failure, *fields.values()], key(pk)) == 1
            if moved:
                done(SHOW_STATE, [to, failure, key(pk), to, failure])
        return moved

    def claim(self, pk: uuid.UUID, seen: datetime | None, until: datetime) -> bool:
        """Take a due row for oneself until `until`: the schedule column is the lease. One caller wins.

        The try is counted here, before any work, so that a row that kills its worker is found out.
        """
        return seen is not None and done(CLAIM, [moment(until), key(pk), moment(seen)]) == 1


class Analysis(models.Model):
    """Our record of one request for results about one recording.

    States, and who may change them (the table `TRANSITIONS` is what the code obeys)::

        QUEUED      waits to be sent; next_attempt_at says when to try
        SENDING     a POST may be on its way; left by an answer, a webhook, or reconciling
        PROCESSING  the API has it; asked again at next_attempt_at
        COMPLETED   only apply_snapshot() writes it
        FAILED      with a code of `Failure`
        CANCELLED   by a person, before anything was sent

    `next_attempt_at` is the schedule and the lease in one: who takes a due row pushes it into the future.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="analyses")
    replaces = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaced_by")
    requested_by = models.ForeignKey("portal.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    failure = models.CharField(max_length=20, choices=Failure, blank=True)
    detail = models.TextField(blank=True)  # the last trouble in words for people
    duplicate_of = models.ForeignKey(Recording, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    urgency = models.PositiveSmallIntegerField(choices=Urgency, default=Urgency.PERSON)
    needs_copy = models.BooleanField(default=False)  # there is only a link yet: nothing to send before it is fetched
    needs_comparing = models.BooleanField(default=False, db_default=False)  # first: it may be a call that is there
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)  # tries since the last progress
    submissions = models.PositiveIntegerField(default=0)  # POSTs begun; the number in the webhook's token
    looks = models.PositiveIntegerField(default=0)  # times the API's list was searched since the last POST
    absences = models.PositiveIntegerField(default=0)  # of those, how often it was proven absent

    api_url = models.CharField(max_length=500, blank=True)  # the API it was sent to, and as whose call
    sent_agent = models.CharField(max_length=200, blank=True)
    sent_contact = models.CharField(max_length=200, blank=True)
    rules = models.CharField(
        max_length=64, blank=True
    )  # hash of the rule set sent with it, then of that of its findings
    external_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001  NULL: not known yet
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    news_at = models.DateTimeField(null=True, blank=True)  # when the API last said anything about it
    stage = models.CharField(max_length=60, blank=True)
    stage_fraction = models.FloatField(default=0, validators=[MinValueValidator(0)])
    language = models.CharField(max_length=20, blank=True)
    speakers_swapped = models.BooleanField(default=False)  # a person says that the API mixed agent and contact up

    objects = AnalysisManager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "analyses"
        indexes = [
            models.Index(
                "next_attempt_at",
                condition=Q(next_attempt_at__isnull=False) & ~Q(state=State.QUEUED),
                name="analysis_in_work",
            ),
            models.Index(
                "needs_copy",
                "urgency",
                "next_attempt_at",
                condition=Q(state=State.QUEUED, needs_comparing=False),
                name="analysis_waiting",
            ),
            models.Index("state", "failure", name="analysis_by_state"),
            models.Index("state", "failure", condition=Q(sent_at=None), name="analysis_unsent"),
            models.Index("sent_at", "recording", condition=Q(sent_at__isnull=False), name="analysis_by_sent"),
            models.Index("external_id", name="analysis_by_external_id"),
        ]
        constraints = [
            models.UniqueConstraint("api_url", "external_id", name="analysis_external_id_once"),
        ]

    def __str__(self) -> str:
        return f"analysis {self.pk}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.state not in UNFINISHED

    @property
    def was_sent(self) -> bool:
        """Whether the API may know of it. A request that certainly never arrived does not count."""
        return self.sent_at is not None

    @property
    def may_retry(self) -> bool:
        """Whether the same row can be tried again: it failed before anything was sent."""
        return self.state == State.FAILED and self.failure in RETRYABLE and not self.was_sent

    @property
    def may_keep(self) -> bool:
        """Whether a person may say that it is a call of its own, although another sounds the same. The bytes must be here.

        It waited to be sent when it was found out: nothing of it is under way.
        """
        is_duplicate = self.state == State.FAILED and self.failure in KEEPABLE
        return is_duplicate and self.duplicate_of_id is not None and bool(self.recording.file)

    @property
    def may_cancel(self) -> bool:
        """Whether a person can still take it back: nothing was sent."""
        return self.state == State.QUEUED and not self.was_sent

    @property
    def may_send_anyway(self) -> bool:
        """Whether a person must decide if it is sent again."""
        return self.state == State.FAILED and self.failure == Failure.UNSURE

    @property
    def may_analyse_again(self) -> bool:
        """Whether a new analysis of the recording makes sense. A duplicate's turn comes when the original is gone."""
        is_duplicate = self.failure == Failure.DUPLICATE and self.duplicate_of_id is not None
        return self.is_finished and not (self.may_retry or self.may_send_anyway or is_duplicate)

    @property
    def what_to_do(self) -> str:
        """What a person can do about a failure, in one sentence."""
        return WHAT_TO_DO[Failure(self.failure)] if self.failure else ""


CLAIM = f"""
    UPDATE {Analysis._meta.db_table} SET next_attempt_at = %s, attempts = attempts + 1
    WHERE id = %s AND next_attempt_at = %s
"""  # noqa: S608
SHOW_STATE = f"""
    UPDATE {Recording._meta.db_table} SET state = %s, failure = %s
    WHERE current_analysis_id = %s AND NOT (state = %s AND failure = %s)
"""  # noqa: S608


@lru_cache(maxsize=1)
def due_one() -> PreparedModels[Analysis]:
    """Return the query for one row that is due: by now, the farthest moment to come, and its key."""
    rows = Analysis.objects.due(datetime.min.replace(tzinfo=UTC)).order_by()
    return prepared_models(rows.filter(pk=uuid.UUID(int=0)))
