"""What can be downloaded: a table is a name and columns, one definition for every format.

Rows are read in batches by keyset, each batch a query of its own that is over before a byte of it is sent. So memory
is constant however many rows there are, and a slow download holds neither a cursor nor a transaction (on SQLite a
long read keeps the write-ahead log from being tidied).
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from callcov_portal import hiding
from callcov_portal.models import Finding, Muting, Outcome, Recording, Segment, State

BYTE_ORDER_MARK = "\ufeff"

# What a spreadsheet may take for the begin of a formula: a sign, also after blanks and invisible characters, at the
# begin of a cell or of a line inside it. (TAB, CR, LF and NUL at the begin of a cell count as signs.)
SIGNS = "=+\\-@\0\uff1d\uff0b\uff0d\uff20"
BLANKS = "(?:[^\\S\r\n]|[\ufeff\u200b-\u200f\u2060])*"
FORMULA = re.compile(f"{BLANKS}[{SIGNS}\t\r\n]")
# What ends a line is no blank in one, or many such ends in a row would take the square of their number.
ENDS = "\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
FORMULA_INSIDE = re.compile(f"([{ENDS}](?:[^\\S{ENDS}]|[\ufeff\u200b-\u200f\u2060])*)(?=[{SIGNS}])")


class Kind(Enum):
    """What a column holds, by which each format writes it."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True)
class Column:
    """One column. `key` never changes: it is what readers of a file rely on; `heading` is for people.

    `source` is a path of the ORM from the table's rows, or an expression over them. Where words of the call stand in
    it, `masked` is the source without sensitive data, or `is_spoken` says that secrets of the call must be hidden.
    """

    key: str
    heading: str
    source: str | Combinable
    kind: Kind = Kind.TEXT
    masked: Combinable | None = None
    is_spoken: bool = False


@dataclass(frozen=True)
class Batch:
    """Some calls: their numbers, and their current analyses where these are completed."""

    numbers: list[int]
    analyses: list[UUID]


@dataclass(frozen=True)
class Table:
    """Rows that can be downloaded. `of` gives the rows that belong to some calls, in the order of the calls.

    `batch` is for how many calls rows are held in memory at a time.
    """

    name: str
    heading: str
    columns: tuple[Column, ...]
    of: Callable[[Batch], QuerySet[Any]]
    batch: int

    def rows(self, recordings: QuerySet[Recording], *, unmasked: bool = False) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of these recordings, newest call first, in batches, as plain values of the columns' kinds.

        Sensitive data is hidden unless `unmasked`.
        """
        sources = [column.source if unmasked else column.masked or column.source for column in self.columns]
        spoken = [at for at, column in enumerate(self.columns) if column.is_spoken and not unmasked]
        for batch in batches(recordings, self.batch):
            if rows := list(self.of(batch).values_list(*sources)):
                yield self.hidden(rows, spoken, batch) if spoken else rows

    def hidden(self, rows: list[tuple[Any, ...]], spoken: list[int], batch: Batch) -> list[tuple[Any, ...]]:
        """Return the rows of a batch without the secrets of their analyses; one query."""
        hiders, keys = hiders_of(batch), [column.key for column in self.columns]
        analysis, check = keys.index("analysis"), keys.index("check")
        nothing = hiding.Hider(())
        return [
            tuple(
                hiding.hide_quote(hiders.get(row[analysis], nothing), row[check], value)
                if value and at in spoken
                else value
                for at, value in enumerate(row)
            )
            for row in rows
        ]


def hiders_of(batch: Batch) -> dict[UUID, hiding.Hider]:
    """Return what hides the secrets of each analysis that has some."""
    rows = Segment.objects.filter(analysis__in=batch.analyses).exclude(masked="").order_by("analysis")
    found = groupby(rows.values_list("analysis", "text", "masked"), key=itemgetter(0))
    return {analysis: hiding.Hider((text, masked) for _, text, masked in pairs) for analysis, pairs in found}


def batches(recordings: QuerySet[Recording], size: int) -> Iterator[Batch]:
    """Yield the recordings, newest call first; each batch starts after the last row of the one before."""
    rows = recordings.select_related(None).order_by("-called_at", "-pk")
    columns = ("called_at", "pk", "current_analysis", "current_analysis__state")
    found = list(rows.values_list(*columns)[:size])
    while found:
        analyses = [analysis for _, _, analysis, state in found if state == State.COMPLETED]
        yield Batch([pk for _, pk, _, _ in found], analyses)
        if len(found) < size:
            return
        time, pk = found[-1][:2]
        after = rows.filter(Q(called_at__lte=time) & (Q(called_at__lt=time) | Q(pk__lt=pk)))
        found = list(after.values_list(*columns)[:size])


def csv_of(
    table: Table, recordings: QuerySet[Recording], *, mark: bool = False, unmasked: bool = False
) -> Iterator[bytes]:
    """Yield the table as CSV (RFC 4180, UTF-8), the columns' keys as its first line, one chunk for each batch.

    `mark` puts a byte order mark first, without which Excel takes UTF-8 for something else.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writers = [WRITERS[column.kind] for column in table.columns]
    writer.writerow([column.key for column in table.columns])
    yield ((BYTE_ORDER_MARK if mark else "") + buffer.getvalue()).encode()
    for rows in table.rows(recordings, unmasked=unmasked):
        buffer.seek(0)
        buffer.truncate()
        writer.writerows([write(value) for write, value in zip(writers, row, strict=True)] for row in rows)
        yield buffer.getvalue().encode("utf-8", "replace")


def safe_text(value: object) -> str:
    """Return a text that no spreadsheet takes for a formula: `'` goes before whatever could begin one."""
    text = "" if value is None else str(value)
    if text[:1].isalnum() and text.isprintable():  # one line that begins with a letter: nearly every cell
        return text
    safe = FORMULA_INSIDE.sub(r"\1'", text)
    return f"'{safe}" if FORMULA.match(text) else safe


def plain_number(value: float | None) -> str:
    """Return a number as it is, "" for none."""
    return "" if value is None else str(value)


def iso_time(value: datetime | None) -> str:
    """Return a moment as ISO 8601 with the offset of the portal's time zone, "" for none."""
    return "" if value is None else timezone.localtime(value).isoformat(timespec="seconds")


WRITERS: dict[Kind, Callable[[Any], str]] = {Kind.TEXT: safe_text, Kind.NUMBER: plain_number, Kind.TIME: iso_time}


def findings_count(outcome: Outcome) -> Combinable:
    """Return how many findings with an outcome the call's current analysis has; NULL unless it is completed."""
    found = Finding.objects.filter(analysis=OuterRef("current_analysis"), outcome=outcome).order_by()
    count = Coalesce(Subquery(found.values("analysis").annotate(n=Count("pk")).values("n")), 0)
    return Case(When(current_analysis__state=State.COMPLETED, then=count))


def calls_of(batch: Batch) -> QuerySet[Recording]:
    """Return the calls themselves, whatever their state."""
    return Recording.objects.filter(pk__in=batch.numbers).order_by("-called_at", "-pk")


def findings_of(batch: Batch) -> QuerySet[Finding]:
    """Return the findings of the calls' current analyses, if completed."""
    return Finding.objects.filter(analysis__in=batch.analyses).order_by(*IN_ORDER)


def segments_of(batch: Batch) -> QuerySet[Segment]:
    """Return the segments of the calls' current analyses, if completed."""
    return Segment.objects.filter(analysis__in=batch.analyses).order_by(*IN_ORDER)


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
        Column("state", "State", "current_analysis__state"),
        Column("failure", "Cause of failure", "current_analysis__failure"),
        Column("failure_detail", "What happened", "current_analysis__detail"),
        Column("met", "Met", findings_count(Outcome.MET), Kind.NUMBER),
        Column("violated", "Violated", findings_count(Outcome.VIOLATED), Kind.NUMBER),
        Column("omitted", "Omitted", findings_count(Outcome.OMITTED), Kind.NUMBER),
        Column("not_assessed", "Not assessed", findings_count(Outcome.NOT_ASSESSED), Kind.NUMBER),
        Column("verdict", "Verdict", "verdict"),
        Column("reviewed_by", "Reviewed by", "reviewed_by__username"),
        Column("reviewed_at", "Reviewed at", "reviewed_at", Kind.TIME),
        Column("language", "Language", "current_analysis__language"),
        Column("analysis", "Analysis", "current_analysis"),
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
    calls_of,
    batch=500,
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
        Column("analysis", "Analysis", "analysis"),
        Column("origin", "Finding is", "origin"),
        Column("rule", "Rule", "rule"),
        Column("version", "Version of the rule", "version"),
        Column("severity", "Severity", "severity"),
        Column("searched_start_seconds", "Searched from (s)", "searched__start", Kind.NUMBER),
        Column("searched_end_seconds", "Searched to (s)", "searched__end", Kind.NUMBER),
        Column("nearest_quote", "Nearest words", "searched__nearest__quote", is_spoken=True),
    ),
    findings_of,
    batch=200,
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
        Column("analysis", "Analysis", "analysis"),
    ),
    segments_of,
    batch=20,
)
TABLES = {table.name: table for table in (CALLS, FINDINGS, SEGMENTS)}
