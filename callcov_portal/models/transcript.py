"""What the API found out: the words by speaker, the findings, and the document as it was received."""

from django.db import models

from callcov_portal.models.analysis import Analysis


class Speaker(models.TextChoices):
    """Who speaks in a segment."""

    AGENT = "agent", "Agent"
    CONTACT = "contact", "Contact"
    UNKNOWN = "unknown", "Speaker"


class Document(models.Model):
    """The analysis object as received, whole, so that results can be read again when we learn to read more."""

    analysis = models.OneToOneField(Analysis, on_delete=models.CASCADE, primary_key=True, related_name="document")
    raw = models.JSONField()
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"document of {self.analysis_id}"


class Segment(models.Model):
    """One speaker's stretch of speech; start and end in seconds from the recording's start."""

    # Without an index of its own: that of the constraint begins with it.
    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="segments", db_index=False)
    position = models.PositiveIntegerField()
    label = models.CharField(max_length=40)  # the speaker as the API names it
    speaker = models.CharField(max_length=10, choices=Speaker)
    text = models.TextField()
    masked = models.TextField(blank=True)  # the text with sensitive words hidden; "" where there are none
    start = models.FloatField()
    end = models.FloatField()
    confidence = models.FloatField(null=True, blank=True)
    words = models.JSONField(null=True, blank=True)  # [text, start, end, confidence] each

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint("analysis", "position", name="segment_position_once")]

    def __str__(self) -> str:
        return f"{self.speaker} at {self.start:.1f} s"


class SensitiveSpan(models.Model):
    """Seconds in which somebody says what is nobody else's business: masked in words, muted in sound."""

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="sensitive_spans")
    kind = models.CharField(max_length=20)  # card_number, cvv, date_of_birth, …
    speaker = models.CharField(max_length=10, choices=Speaker)
    start = models.FloatField()
    end = models.FloatField()

    class Meta:
        ordering = ["start", "id"]

    def __str__(self) -> str:
        return f"{self.kind} at {self.start:.1f} s"


class Outcome(models.TextChoices):
    """What a check came to."""

    MET = "met", "Met"
    VIOLATED = "violated", "Violated"
    OMITTED = "omitted", "Omitted"
    NOT_ASSESSED = "not_assessed", "Not assessed"
    HEARD = "heard", "Heard"  # a signal, such as a complaint: nobody's fault, so in no rate


class Origin(models.TextChoices):
    """Whether the API said it or we read it out of the transcript."""

    GIVEN = "given", "given"
    FOUND = "found", "found by us"


class Finding(models.Model):
    """One result with its evidence. `check_id` names the check; seconds are NULL where the evidence has no place.

    `origin` says who came to it: the API, or we by our rules. `searched` holds, of an omission, the seconds that were
    searched and the nearest miss (`{"start", "end", "nearest": {"quote", "speaker", "start", "end", "phrase",
    "likeness"} | null}`); `also` holds further places (`[{"quote", "speaker", "start", "end", "confidence"}]`).
    """

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="findings", db_index=False)
    position = models.PositiveIntegerField()
    check_id = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    outcome = models.CharField(max_length=12, choices=Outcome)
    origin = models.CharField(max_length=5, choices=Origin, default=Origin.GIVEN)
    rule = models.CharField(max_length=64, blank=True)  # the rule's id, where a rule came to it
    version = models.CharField(max_length=12, blank=True)  # of that rule
    severity = models.CharField(max_length=6, blank=True)  # high, medium, low
    explanation = models.TextField(blank=True)
    quote = models.TextField(blank=True)
    quote_origin = models.CharField(max_length=5, choices=Origin, default=Origin.GIVEN)
    speaker = models.CharField(max_length=10, choices=Speaker, blank=True)
    start = models.FloatField(null=True, blank=True)
    end = models.FloatField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    searched = models.JSONField(null=True, blank=True)
    also = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        indexes = [models.Index("check_id", "outcome", "analysis", name="finding_by_check")]
        constraints = [models.UniqueConstraint("analysis", "position", name="finding_position_once")]

    def __str__(self) -> str:
        return f"{self.title}: {self.outcome}"
