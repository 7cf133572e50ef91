"""Evidence to be heard: the last calls in which a check went wrong, each with the seconds that show it."""

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from callcov_portal import hiding
from callcov_portal.filters import midnight
from callcov_portal.models import CallCheck, Finding, Muting, Outcome, Recording, Segment
from callcov_portal.reading.weeks import WEEK, Period

A_CHECK = 3
WRONG = (Outcome.VIOLATED, Outcome.OMITTED)


@dataclass(frozen=True)
class Clip:
    """One finding of one call, as it is shown: masked. `sound` is "" where it cannot be played now."""

    call: Recording
    outcome: str
    quote: str
    explanation: str
    start: float | None
    end: float | None
    sound: str

    @property
    def at(self) -> str:
        """The address of the call at the second of the evidence."""
        address = reverse("call", args=[self.call.pk])
        return address if self.start is None else f"{address}#t={self.start:.2f}"


def clips_of(agent: int, period: Period) -> dict[str, list[Clip]]:
    """Return, for each check, the last three calls of the agent in which it went wrong; four queries."""
    found = list(last_wrong(agent, period).select_related("recording", "check_ref"))
    analyses = [one.recording.current_analysis_id for one in found if one.recording.current_analysis_id]
    evidence = first_findings(analyses)
    hiders = hiders_of(analyses)
    clips: dict[str, list[Clip]] = {}
    for one in found:
        analysis, check_id = one.recording.current_analysis_id, one.check_ref.check_id
        finding = evidence.get((analysis, check_id, one.outcome)) if analysis else None
        if analysis and finding:
            hider = hiders.get(analysis, hiding.Hider(()))
            clips.setdefault(check_id, []).append(clip(one.recording, finding, hider))
    return clips


def last_wrong(agent: int, period: Period):  # type: ignore[no-untyped-def]
    """Return the last calls of each check that went wrong, in the order of time, newest first."""
    rows = CallCheck.objects.filter(agent=agent, outcome__in=WRONG)
    if period.first:
        rows = rows.filter(called_at__gte=midnight(period.first), called_at__lt=midnight(period.last + WEEK))
    newest = (F("called_at").desc(), F("recording_id").desc())
    number = Window(RowNumber(), partition_by=F("check_ref_id"), order_by=newest)
    return rows.annotate(number=number).filter(number__lte=A_CHECK).order_by("check_ref_id", "number")


def first_findings(analyses: list[UUID]) -> dict[tuple[UUID, str, str], Finding]:
    """Return the first finding of each analysis, check and outcome that went wrong; one with a place before one without."""
    rows = Finding.objects.filter(analysis__in=analyses, outcome__in=WRONG).order_by("position")
    found: dict[tuple[UUID, str, str], Finding] = {}
    for finding in rows:
        key = (finding.analysis_id, finding.check_id, finding.outcome)
        if key not in found or (found[key].start is None and finding.start is not None):
            found[key] = finding
    return found


def hiders_of(analyses: list[UUID]) -> dict[UUID, hiding.Hider]:
    """Return what hides the secrets of each analysis that has some."""
    rows = Segment.objects.filter(analysis__in=analyses).exclude(masked="").order_by("analysis")
    found = groupby(rows.values_list("analysis", "text", "masked"), key=itemgetter(0))
    return {analysis: hiding.Hider((text, masked) for _, text, masked in pairs) for analysis, pairs in found}


def clip(call: Recording, finding: Finding, hider: hiding.Hider) -> Clip:
    """Return a finding as evidence. An omission is heard where it was searched for, if it has no place of its own."""
    start, end = finding.start, finding.end
    quote = hiding.hide_quote(hider, finding.check_id, finding.quote)
    may_play = bool(call.file) and call.muting in {Muting.NONE, Muting.DONE}
    sound = reverse("call_audio", args=[call.pk]) if may_play and start is not None else ""
    return Clip(call, finding.outcome, quote, hider.hide(finding.explanation), start, end, sound)
