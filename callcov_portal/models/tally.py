"""What is counted: how each check came out in each call, and the same week by week.

A call counts by its current analysis, if that is completed; a check counts once per call, by its worst finding: violated
before omitted before met. What was not assessed is in no row. Only `actions/tallying.py` and `actions/summing.py` write
these, in the transaction that changes what they count, so that the sums by week always equal a recount.
"""

from django.db import models

from callcov_portal.models.people import Agent
from callcov_portal.models.recording import Recording
from callcov_portal.models.transcript import Outcome


class Check(models.Model):
    """A check that came out somehow in some call. `title` is what it is called where it is met, or else anywhere."""

    check_id = models.CharField(max_length=80, unique=True)
    title = models.CharField(max_length=200)

    class Meta:
        ordering = ["check_id"]

    def __str__(self) -> str:
        return self.title


class CallCheck(models.Model):
    """How one check came out in one call; met, violated, omitted or heard. Agent and time are those of the call."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="checks", db_index=False)
    check_ref = models.ForeignKey(Check, on_delete=models.PROTECT, related_name="+", db_index=False)
    outcome = models.CharField(max_length=12, choices=Outcome)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+", db_index=False)
    called_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index("check_ref", "outcome", "called_at", "recording", name="call_check_by_outcome"),
            models.Index("agent", "check_ref", "outcome", "called_at", "recording", name="call_check_by_agent"),
        ]
        constraints = [models.UniqueConstraint("recording", "check_ref", name="call_check_once")]

    def __str__(self) -> str:
        return f"{self.check_ref_id} {self.outcome} in #{self.recording_id}"


class CallTally(models.Model):
    """What one call adds to its agent's week, as it was added: by this it is taken away again.

    `week` is the Monday of the call in the portal's time zone.
    """

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, primary_key=True, related_name="tally")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+", db_index=False)
    week = models.DateField()
    milliseconds = models.BigIntegerField()
    analysed = models.PositiveSmallIntegerField()
    assessed = models.PositiveSmallIntegerField()
    violated = models.PositiveSmallIntegerField()
    omitted = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"#{self.recording_id} in the week of {self.week}"


class AgentWeek(models.Model):
    """One agent's calls of one week: how many, how long, how many of them analysed, assessed, with violations, omissions."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="weeks", db_index=False)
    week = models.DateField()
    calls = models.IntegerField()
    milliseconds = models.BigIntegerField()
    analysed = models.IntegerField()
    assessed = models.IntegerField()
    violated = models.IntegerField()
    omitted = models.IntegerField()

    class Meta:
        ordering = ["week"]
        indexes = [models.Index("week", "agent", name="agent_week_by_week")]
        constraints = [models.UniqueConstraint("agent", "week", name="agent_week_once")]

    def __str__(self) -> str:
        return f"{self.agent_id} in the week of {self.week}"


class CheckWeek(models.Model):
    """How one check came out in one agent's calls of one week."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+", db_index=False)
    week = models.DateField()
    check_ref = models.ForeignKey(Check, on_delete=models.PROTECT, related_name="+", db_index=False)
    met = models.IntegerField()
    violated = models.IntegerField()
    omitted = models.IntegerField()
    heard = models.IntegerField()

    class Meta:
        ordering = ["week"]
        indexes = [models.Index("week", "check_ref", "agent", name="check_week_by_week")]
        constraints = [models.UniqueConstraint("agent", "week", "check_ref", name="check_week_once")]

    def __str__(self) -> str:
        return f"{self.check_ref_id} of {self.agent_id} in the week of {self.week}"
