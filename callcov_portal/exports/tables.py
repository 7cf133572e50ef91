"""What can be downloaded: each table with its columns. Keys are never changed; new columns come last."""

from typing import Any

from django.db.models import Case, Count, F, FloatField, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from callcov_portal.exports.columns import Column, Kind
from callcov_portal.exports.reading import Batch, agent_batches
from callcov_portal.exports.table import Table
from callcov_portal.models import Finding, Muting, Outcome, Recording, Segment, State
from callcov_portal.models.rates import ASSESSED, came_out


def findings_count(outcome: Outcome) -> Combinable:
    """Return how many findings with an outcome the call's current analysis has; NULL unless it is completed."""
    if outcome != Outcome.NOT_ASSESSED:
        return Case(When(state=State.COMPLETED, then=F(outcome.value)))
    found = Finding.objects.filter(analysis=OuterRef("current_analysis"), outcome=outcome).order_by()
    count = Coalesce(Subquery(found.values("analysis").annotate(n=Count("pk")).values("n")), 0)
    return Case(When(state=State.COMPLETED, then=count))


def findings_of(batch: Batch) -> QuerySet[Finding]:
    """Return the findings of the calls' current analyses, if completed."""
    return Finding.objects.filter(analysis__in=batch.analyses).order_by(*IN_ORDER)


def segments_of(batch: Batch) -> QuerySet[Segment]:
    """Return the segments of the calls' current analyses, if completed."""
    return Segment.objects.filter(analysis__in=batch.analyses).order_by(*IN_ORDER)


def agents_of(batch: Batch) -> QuerySet[Any]:
    """Return the chosen calls of some agents, grouped by agent."""
    calls = batch.calls if batch.calls is not None else Recording.objects.all()
    rows = calls.filter(agent__in=batch.numbers).order_by("agent__key")
    return rows.values("agent_id", "agent__identifier", "agent__name", "agent__key")


def calls_counted(recordings: QuerySet[Recording]) -> int:
    """Return how many calls these are."""
    return recordings.order_by().count()


def findings_counted(recordings: QuerySet[Recording]) -> int:
    """Return how many findings the current analyses of these calls have, if completed."""
    return Finding.objects.filter(analysis__in=completed(recordings)).count()


def segments_counted(recordings: QuerySet[Recording]) -> int:
    """Return how many segments the current analyses of these calls have, if completed."""
    return Segment.objects.filter(analysis__in=completed(recordings)).count()


def agents_counted(recordings: QuerySet[Recording]) -> int:
    """Return how many agents these calls have."""
    return recordings.order_by().values("agent").distinct().count()


def completed(recordings: QuerySet[Recording]) -> QuerySet[Any, Any]:
    """Return the ids of the current analyses of these calls, if completed."""
    return recordings.order_by().filter(state=State.COMPLETED).values("current_analysis")


def calls_in_which(outcome: str) -> Combinable:
    """Return in how many of the grouped calls a check came out like that, the worst of a check's findings counting."""
    return Count("pk", filter=came_out(outcome))


def calls_reviewed(verdict: str) -> Combinable:
    """Return how many of the grouped calls got this verdict."""
    return Count("pk", filter=Q(verdict=verdict))


IN_ORDER = ("-analysis__recording__called_at", "-analysis__recording_id", "position")


CALL = (
    Column("call", "Call", "pk", Kind.NUMBER),
    Column("called_at", "Called at", "called_at", Kind.TIME),
    Column("agent", "Agent", "agent__identifier"),
    Column("contact", "Contact", "contact__identifier"),
)


def of_call(prefix: str) -> tuple[Column, ...]:
    """Return the columns that say which call a row belongs to, for rows that reach it by `prefix`."""
    return tuple(Column(c.key, c.heading, f"{prefix}{c.source}", c.kind) for c in CALL)


CALLS = Table(
    "calls",
    "Calls",
    (
        *CALL,
        Column("agent_name", "Agent's name", "agent__name"),
        Column("contact_name", "Contact's name", "contact__name"),
        Column("called_at_source", "Time is", "called_at_source"),
        Column("direction", "Direction", "direction"),
        Column("duration_seconds", "Duration (s)", "duration_seconds", Kind.NUMBER),
        Column("state", "State", "state"),
        Column("failure", "Cause of failure", "failure"),
        Column("failure_detail", "What happened", "current_analysis__detail"),
        Column("met", "Met", findings_count(Outcome.MET), Kind.NUMBER),
        Column("violated", "Violated", findings_count(Outcome.VIOLATED), Kind.NUMBER),
        Column("omitted", "Omitted", findings_count(Outcome.OMITTED), Kind.NUMBER),
        Column("not_assessed", "Not assessed", findings_count(Outcome.NOT_ASSESSED), Kind.NUMBER),
        Column("verdict", "Verdict", "verdict"),
        Column("reviewed_by", "Reviewed by", "reviewed_by__username"),
        Column("reviewed_at", "Reviewed at", "reviewed_at", Kind.TIME),
        Column("language", "Language", "current_analysis__language"),
        Column("analysis", "Analysis", "current_analysis", Kind.ID),
        Column("api_id", "Id at the API", "current_analysis__external_id"),
        Column("sent_at", "Sent at", "current_analysis__sent_at", Kind.TIME),
        Column("finished_at", "Finished at", "current_analysis__finished_at", Kind.TIME),
        Column("file_name", "File", "file_name"),
        Column("link", "Link", "link", masked=Case(When(muting=Muting.NONE, then=F("link")), default=Value(""))),
        Column("sha256", "SHA-256", "sha256"),
        Column("size_bytes", "Size (bytes)", "size_bytes", Kind.NUMBER),
        Column("format", "Format", "format"),
        Column("channels", "Channels", "channels", Kind.NUMBER),
        Column("added_by", "Added by", "uploaded_by__username"),
        Column("added_at", "Added at", "created_at", Kind.TIME),
        Column("heard", "Heard", findings_count(Outcome.HEARD), Kind.NUMBER),
        Column("rules", "Rules", "current_analysis__rules"),
    ),
    of=None,
    batch=4000,
    counted=calls_counted,
)
FINDINGS = Table(
    "findings",
    "Findings",
    (
        *of_call("analysis__recording__"),
        Column("position", "Position", "position", Kind.NUMBER),
        Column("check", "Check", "check_id"),
        Column("title", "Title", "title"),
        Column("outcome", "Outcome", "outcome"),
        Column("explanation", "Explanation", "explanation", is_spoken=True),
        Column("quote", "Quote", "quote", is_spoken=True),
        Column("quote_origin", "Quote is", "quote_origin"),
        Column("speaker", "Speaker", "speaker"),
        Column("start_seconds", "Start (s)", "start", Kind.NUMBER),
        Column("end_seconds", "End (s)", "end", Kind.NUMBER),
        Column("confidence", "Confidence", "confidence", Kind.NUMBER),
        Column("analysis", "Analysis", "analysis", Kind.ID),
        Column("origin", "Finding is", "origin"),
        Column("rule", "Rule", "rule"),
        Column("version", "Version of the rule", "version"),
        Column("severity", "Severity", "severity"),
        Column("searched_start_seconds", "Searched from (s)", Cast(KT("searched__start"), FloatField()), Kind.NUMBER),
        Column("searched_end_seconds", "Searched to (s)", Cast(KT("searched__end"), FloatField()), Kind.NUMBER),
        Column("nearest_quote", "Nearest words", KT("searched__nearest__quote"), is_spoken=True),
    ),
    findings_of,
    batch=200,
    counted=findings_counted,
)
SEGMENTS = Table(
    "segments",
    "Transcript segments",
    (
        *of_call("analysis__recording__"),
        Column("position", "Position", "position", Kind.NUMBER),
        Column("speaker", "Speaker", "speaker"),
        Column("label", "Speaker as given", "label"),
        Column("start_seconds", "Start (s)", "start", Kind.NUMBER),
        Column("end_seconds", "End (s)", "end", Kind.NUMBER),
        Column("text", "Text", "text", masked=Case(When(masked="", then=F("text")), default=F("masked"))),
        Column("confidence", "Confidence", "confidence", Kind.NUMBER),
        Column("analysis", "Analysis", "analysis", Kind.ID),
    ),
    segments_of,
    batch=40,
    counted=segments_counted,
)
AGENTS = Table(
    "agents",
    "Agent summaries",
    (
        Column("agent", "Agent", "agent__identifier"),
        Column("agent_name", "Agent's name", "agent__name"),
        Column("calls", "Calls", Count("pk"), Kind.NUMBER),
        Column("analysed", "Analysed", Count("pk", filter=Q(state=State.COMPLETED)), Kind.NUMBER),
        Column("duration_seconds", "Duration (s)", Sum("duration_seconds"), Kind.NUMBER),
        Column("first_call_at", "First call at", Min("called_at"), Kind.TIME),
        Column("last_call_at", "Last call at", Max("called_at"), Kind.TIME),
        Column("assessed", "Calls assessed", calls_in_which(ASSESSED), Kind.NUMBER),
        Column("violated", "Calls with violations", calls_in_which(Outcome.VIOLATED), Kind.NUMBER),
        Column("omitted", "Calls with omissions", calls_in_which(Outcome.OMITTED), Kind.NUMBER),
        Column("heard", "Calls with signals heard", calls_in_which(Outcome.HEARD), Kind.NUMBER),
        Column("reviewed", "Reviewed", Count("reviewed_at"), Kind.NUMBER),
        Column("passed", "Verdict: pass", calls_reviewed("pass"), Kind.NUMBER),
        Column("to_coach", "Verdict: needs coaching", calls_reviewed("coach"), Kind.NUMBER),
        Column("failed", "Verdict: fail", calls_reviewed("fail"), Kind.NUMBER),
    ),
    agents_of,
    batch=50,
    counted=agents_counted,
    scan=agent_batches,
    has_agent=False,
)
TABLES = {table.name: table for table in (CALLS, FINDINGS, SEGMENTS, AGENTS)}
