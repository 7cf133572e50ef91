"""What the page of one call shows of the evidence. Judgement's page asks for it and adds its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from callcov_portal.models import (
    Analysis,
    Document,
    Finding,
    LogEntry,
    Outcome,
    Recording,
    Segment,
    Speaker,
    State,
    User,
)
from callcov_portal.reading import generic
from callcov_portal.templatetags.portal import clock
from callcov_portal.views.recordings import may_edit

# The worklist begins with what can cost most.
RISK = (Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD, Outcome.NOT_ASSESSED, Outcome.MET)
SPEAKERS = dict(Speaker.choices)


@dataclass(frozen=True)
class Results:
    """What an analysis found beside its findings: the summary, other sections, and compliance as received."""

    summary: str
    sections: list[generic.Entry]
    compliance: list[generic.Entry]


def call_context(recording: Recording, wanted: str, user: User) -> dict[str, Any]:
    """Return what the page of a call shows; `wanted` names an older analysis, "" means the newest with results.

    Raises `Http404` if the call has no such analysis.
    """
    history = list(recording.analyses.select_related("requested_by", "duplicate_of").order_by("-created_at"))
    shown = shown_of(recording, history, wanted)
    findings = sorted(Finding.objects.filter(analysis=shown), key=lambda finding: RISK.index(Outcome(finding.outcome)))
    return {
        "recording": recording,
        "audio_url": reverse("call_audio", args=[recording.pk]) if recording.file else "",
        "shown": shown,
        "is_older": shown is not None and shown.pk != recording.current_analysis_id,
        "wanted": wanted,
        "history": history,
        "findings": findings,
        "problems": sum(finding.outcome in {Outcome.VIOLATED, Outcome.OMITTED} for finding in findings),
        "transcript": transcript_of(recording, shown),
        "results": results_of(shown),
        "changes": LogEntry.objects.filter(recording_number=recording.pk).select_related("user")[:50],
        "may_edit": may_edit(user, recording),
        **state_context(recording),
    }


def state_context(recording: Recording, problem: str = "") -> dict[str, Any]:
    """Return what the panel of the current state shows; `problem` says why an action was not possible.

    `is_silent` means that the page has no player, because there was no audio when it was made.
    """
    analysis = recording.current_analysis
    seen = f"{analysis.pk}.{analysis.state}.{analysis.stage}.{analysis.stage_fraction:.2f}" if analysis else ""
    return {
        "recording": recording,
        "analysis": analysis,
        "seen": seen,
        "problem": problem,
        "is_silent": not recording.file,
    }


def shown_of(recording: Recording, history: list[Analysis], wanted: str) -> Analysis | None:
    """Return the analysis whose results are shown: the one named, else the newest that is completed."""
    if wanted:
        found = next((analysis for analysis in history if str(analysis.pk) == wanted), None)
        if found is None:
            raise Http404("This call has no such analysis.")
        return found
    current = next((analysis for analysis in history if analysis.pk == recording.current_analysis_id), None)
    if current and current.state == State.COMPLETED:
        return current
    return next((analysis for analysis in history if analysis.state == State.COMPLETED), current)


def results_of(analysis: Analysis | None) -> Results | None:
    """Return the results as they were received, unknown keys included; None if no document was received."""
    found = raw_results(analysis.pk) if analysis else []
    if not found:
        return None
    results = found[0] if isinstance(found[0], dict) else {}
    summary = results.get("summary")
    is_text = isinstance(summary, str)
    others = {
        key: value for key, value in results.items() if key != "compliance" and not (key == "summary" and is_text)
    }
    return Results(
        summary=summary if isinstance(summary, str) else "",
        sections=generic.walk(others),
        compliance=generic.walk(results["compliance"]) if "compliance" in results else [],
    )


def raw_results(analysis: UUID) -> list[Any]:
    """Return `results` of the document as received, alone in a list; the transcript in it is not even read."""
    return list(Document.objects.filter(analysis=analysis).values_list("raw__results", flat=True))


def transcript_of(recording: Recording, analysis: Analysis | None) -> SafeString:
    """Return the segments as list items, joined here: a template loop over 700 of them costs twenty times as much."""
    columns = ("position", "speaker", "label", "text", "start", "end")
    rows = Segment.objects.filter(analysis=analysis).order_by("position").values_list(*columns)
    link = reverse("call_audio", args=[recording.pk]) if recording.file else ""
    return format_html_join("", SEGMENT if link else SEGMENT_WITHOUT_AUDIO, segment_values(rows, link))


SEGMENT = (
    '<li class="segment {0}" id="s{1}" data-start="{2}" data-end="{3}">'
    '<a class="seek" href="{6}#t={2}" data-seek="{2}" aria-label="Play from {4}">{4}</a>'
    '<span class="who">{5}</span><p>{7}</p></li>'
)
SEGMENT_WITHOUT_AUDIO = (
    '<li class="segment {0}" id="s{1}"><span class="seek">{4}</span><span class="who">{5}</span><p>{7}</p></li>'
)


def segment_values(rows: Iterable[tuple[Any, ...]], link: str) -> Iterable[tuple[Any, ...]]:
    """Yield what each list item is filled with; an unknown speaker goes by the API's own label."""
    for position, speaker, label, text, start, end in rows:
        who = SPEAKERS.get(speaker, "") if speaker != Speaker.UNKNOWN else f"Speaker {label}"
        yield speaker, position, f"{start:.2f}", f"{end:.2f}", clock(start), who, link, text
