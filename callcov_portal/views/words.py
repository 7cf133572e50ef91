"""The words of a call by themselves: a transcript to keep, and when each word was said."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from callcov_portal import hiding
from callcov_portal.actions import unmasking
from callcov_portal.models import Analysis, Recording, Segment
from callcov_portal.reading import transcripts
from callcov_portal.reading.transcripts import Spoken
from callcov_portal.views.evidence import who
from callcov_portal.views.listening import refuse_unless_may_unmask
from callcov_portal.views.recordings import recording_or_404
from callcov_portal.views.rendering import PortalRequest

BLOCK = 100  # segments whose words are fetched at once
LONGEST_NUMBER = 8  # digits of a position

Written = Callable[[Recording, Analysis, Sequence[Spoken]], bytes]


@require_safe
def call_transcript(request: PortalRequest, number: int, form: str) -> HttpResponse:
    """Offer the transcript of `?analysis=`, else of the current analysis, as a file: `txt`, `vtt` or `json`.

    Sensitive data is hidden; with `?unmasked=1` it is not, for those with the right, and logged.
    """
    if form not in FORMS:
        raise Http404("A transcript is had as txt, vtt or json.")
    recording = recording_or_404(number)
    wanted = request.GET.get("analysis") or str(recording.current_analysis_id)
    analysis = next((one for one in recording.analyses.all() if str(one.pk) == wanted), None)
    if analysis is None:
        raise Http404("This call has no such analysis.")
    is_lifted = request.GET.get("unmasked") == "1"
    if is_lifted:
        refuse_unless_may_unmask(request.user)
        unmasking.note_kept(request.user, number, f"transcript of analysis {analysis.pk} as {form.upper()}")
    write, mime = FORMS[form]
    body = write(recording, analysis, list(spoken_of(analysis, is_lifted=is_lifted)))
    name = content_disposition_header(as_attachment=True, filename=f"call-{number}.{form}")
    headers = {
        "Content-Disposition": name or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(body, content_type=mime, headers=headers)


def spoken_of(analysis: Analysis, *, is_lifted: bool) -> Iterator[Spoken]:
    """Yield what was said; the single words of a segment are left out where something in it is hidden."""
    columns = ("speaker", "label", "text", "masked", "start", "end", "words")
    rows = Segment.objects.filter(analysis=analysis).order_by("position").values_list(*columns)
    for speaker, label, text, masked, start, end, words in rows:
        is_hidden = bool(masked) and not is_lifted
        shown, told = (masked, None) if is_hidden else (text, words)
        yield Spoken(who(speaker, label), speaker, shown, start, end, told)


def heading_of(recording: Recording, analysis: Analysis) -> str:
    """Return in one line which call it is, and by which analysis."""
    called = timezone.localtime(recording.called_at).strftime("%Y-%m-%d %H:%M %Z")
    people = f"agent {recording.agent.identifier}, contact {recording.contact_identifier}"
    return f"Call #{recording.pk}, {called}, {people} (analysis {analysis.pk})"


def as_text(recording: Recording, analysis: Analysis, segments: Sequence[Spoken]) -> bytes:
    """Write it for people."""
    return transcripts.as_text(segments, heading_of(recording, analysis)).encode()


def as_vtt(recording: Recording, analysis: Analysis, segments: Sequence[Spoken]) -> bytes:
    """Write it for players."""
    return transcripts.as_vtt(segments, heading_of(recording, analysis)).encode()


def as_json(recording: Recording, analysis: Analysis, segments: Sequence[Spoken]) -> bytes:
    """Write it for programs."""
    about = {
        "call": recording.pk,
        "analysis": str(analysis.pk),
        "called_at": recording.called_at.isoformat(),
        "agent": recording.agent.identifier,
        "contact": recording.contact_identifier,
        "duration_seconds": recording.duration_seconds,
        "language": analysis.language,
        "speakers_swapped": analysis.speakers_swapped,
    }
    data = transcripts.as_data(segments, about)
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


FORMS: dict[str, tuple[Written, str]] = {
    "txt": (as_text, "text/plain; charset=utf-8"),
    "vtt": (as_vtt, "text/vtt; charset=utf-8"),
    "json": (as_json, "application/json"),
}


@require_safe
def call_words(request: PortalRequest, number: int, analysis: UUID) -> HttpResponse:
    """Answer when each word of the hundred segments from `?from=` on is said: `[start, end, start, end, …]` in 1/100 s.

    There are no words in it, and what is hidden counts as one word. A segment without such times has an empty list.
    """
    first = request.GET.get("from", "0")
    if not first.isdecimal() or len(first) > LONGEST_NUMBER:
        raise Http404("There is no such segment.")
    get_object_or_404(Analysis, pk=analysis, recording=number)
    rows = Segment.objects.filter(analysis=analysis, position__gte=int(first), position__lt=int(first) + BLOCK)
    columns = ("position", "text", "masked", "words")
    found = {str(position): times_of(*row) for position, *row in rows.order_by("position").values_list(*columns)}
    body = orjson.dumps(found)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(body, content_type="application/json", headers=headers)


def times_of(text: str, masked: str, words: Any) -> list[int]:
    """Return start and end of every word as it is shown, in 1/100 s; none where the words are not those of the text."""
    if not words or [word[0] for word in words] != text.split():
        return []
    shown = list(words)
    for run in reversed(hiding.runs(text, masked) if masked else []):
        shown[run.first : run.last] = [[run.mark, shown[run.first][1], shown[run.last - 1][2]]]
    return [round(100 * second) for word in shown for second in (word[1], word[2])]
