"""Rows of a list of calls: what is shown of each, and how their states stay live."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict

from callcov_portal.models import Finding, Outcome, Recording
from callcov_portal.views.paging import capped_count, page_of


@dataclass(frozen=True)
class Moments:
    """The titles of one analysis's findings by outcome."""

    met: list[str] = field(default_factory=list)
    violated: list[str] = field(default_factory=list)
    omitted: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    @property
    def are_there(self) -> bool:
        """Whether anything was assessed, or heard, at all."""
        return bool(self.met or self.violated or self.omitted or self.heard)

    @property
    def sentence(self) -> str:
        """The counts in words, for those who do not see the glyphs."""
        heard = f", {len(self.heard)} heard" if self.heard else ""
        return f"{len(self.met)} met, {len(self.violated)} violated, {len(self.omitted)} omitted{heard}"


@dataclass(frozen=True)
class Row:
    """One call in a list."""

    recording: Recording
    moments: Moments

    @property
    def is_live(self) -> bool:
        """Whether its state can still change by itself."""
        analysis = self.recording.current_analysis
        return analysis is not None and not analysis.is_finished


@dataclass(frozen=True)
class Live:
    """The rows of a page whose states still change, and a mark of what the page shows of them."""

    ids: str
    seen: str
    count: int


def rows_of(recordings: Sequence[Recording]) -> list[Row]:
    """Return the rows of these recordings (taken `with_people()`); one query, however many they are."""
    analyses = [recording.current_analysis_id for recording in recordings if recording.current_analysis_id]
    by_analysis: dict[Any, Moments] = defaultdict(Moments)
    found = Finding.objects.filter(analysis__in=analyses).exclude(outcome=Outcome.NOT_ASSESSED).order_by("position")
    for analysis, outcome, title in found.values_list("analysis_id", "outcome", "title"):
        getattr(by_analysis[analysis], outcome).append(title)
    return [Row(recording, by_analysis[recording.current_analysis_id]) for recording in recordings]


def live_of(rows: Sequence[Row]) -> Live | None:
    """Return which of the rows still change, or None when nothing does and asking again is of no use."""
    changing = [row.recording for row in rows if row.is_live]
    if not changing:
        return None
    facts = []
    for recording in changing:
        analysis = recording.current_analysis
        if analysis is not None:
            facts.append((recording.pk, analysis.state, analysis.stage, round(analysis.stage_fraction, 2)))
    seen = hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
    return Live(",".join(str(recording.pk) for recording in changing), seen, len(changing))


def list_context(recordings: QuerySet[Recording], parameters: QueryDict) -> dict[str, Any]:
    """Return what `recordings/_calls.html` shows: one page of these recordings, as the URL's parameters say."""
    page = page_of(recordings, parameters)
    rows = rows_of(page.recordings)
    return {
        "page": page,
        "rows": rows,
        "live": live_of(rows),
        "count": capped_count(recordings),
        "query": clean_query(parameters),
        "within": clean_query(parameters),  # what the page of a call is told of the list it was opened from
    }


def clean_query(parameters: Mapping[str, Any] | QueryDict, without: tuple[str, ...] = ("before", "after")) -> str:
    """Return the parameters as a query string, without empty ones and those named."""
    lists = parameters.lists() if isinstance(parameters, QueryDict) else ((k, [v]) for k, v in parameters.items())
    pairs = [(name, value) for name, values in lists for value in values if value and name not in without]
    return urlencode(pairs)
