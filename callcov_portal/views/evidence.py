"""What the page of one call shows of the evidence. Judgement's page asks for it and adds its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, NamedTuple
from uuid import UUID

from django.http import Http404
from django.utils.safestring import SafeString

from callcov_portal.markup import ESCAPED, Piece, safe
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
from callcov_portal.reading import generic, gist, transcripts
from callcov_portal.reading.ruled import ruled, rules_hash
from callcov_portal.views.listening import sound_of
from callcov_portal.views.marks import marks_of
from callcov_portal.views.recordings import may_edit
from callcov_portal.views.veiling import Veil, veil_of

# The worklist begins with what can cost most; what has no severity comes between the medium and the low.
RISK = (Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD, Outcome.NOT_ASSESSED, Outcome.MET)
SEVERITY = ("high", "medium", "", "low")
SPEAKERS = dict(Speaker.choices)
OTHER = {Speaker.AGENT.value: Speaker.CONTACT.value, Speaker.CONTACT.value: Speaker.AGENT.value}
SWAPPED = "Agent and contact are swapped by hand. “Everything in the result” is as it was received, before that."


@dataclass(frozen=True)
class Results:
    """What an analysis found beside its findings: the gist of it, other sections, and compliance as received."""

    summary: str
    sentences: list[gist.KeySentence]
    advice: list[gist.Advice]
    effort: float | None
    roles_note: str
    sections: list[generic.Entry]
    compliance: list[generic.Entry]


def call_context(
    recording: Recording,
    wanted: str,
    user: User,
    *,
    unmasked: bool = False,
    unmuted: bool = False,
    is_paper: bool = False,
) -> dict[str, Any]:
    """Return what the page of a call shows; `wanted` names an older analysis, "" means the newest with results.

    Sensitive data is hidden unless `unmasked`, and silent unless `unmuted`: whether the user may have either was
    looked at before. Paper plays nothing. Raises `Http404` if the call has no such analysis.
    """
    history = list(recording.analyses.select_related("requested_by", "duplicate_of").order_by("-created_at"))
    shown = shown_of(recording, history, wanted)
    findings = sorted(Finding.objects.filter(analysis=shown), key=weight)
    raw = raw_results(shown.pk) if shown else []
    player = player_context(recording, user, is_lifted=unmuted)
    if is_paper:
        player["audio_url"] = ""
    segments = segments_of(shown)
    veil = veil_of([(segment.text, segment.masked) for segment in segments], is_lifted=unmasked)
    return {
        **player,
        "shown": shown,
        "is_older": shown is not None and shown.pk != recording.current_analysis_id,
        "wanted": wanted,
        "history": history,
        "findings": veil.over(findings),
        "problems": sum(finding.outcome in {Outcome.VIOLATED, Outcome.OMITTED} for finding in findings),
        "transcript": transcript_of(segments, veil, player["audio_url"]),
        "veil": veil,
        "may_unmask": user.can_unmask,
        "results": results_of(shown, veil, raw),
        "marks": marks_of(findings, raw[0] if raw else None, recording.duration_seconds),
        "changes": LogEntry.objects.filter(recording_number=recording.pk).select_related("user")[:50],
        "may_edit": may_edit(user, recording),
        "may_swap": may_edit(user, recording) and shown is not None and shown.state == State.COMPLETED,
        **state_context(recording),
    }


def player_context(recording: Recording, user: User, *, is_lifted: bool = False) -> dict[str, Any]:
    """Return what the player shows."""
    sound = sound_of(recording, user, is_lifted=is_lifted)
    return {"recording": recording, "analysis": recording.current_analysis, "sound": sound, "audio_url": sound.url}


def marks_context(recording: Recording, wanted: str) -> dict[str, Any]:
    """Return what the player marks, where the page itself is not made again; `wanted` as for the page."""
    shown = shown_of(recording, list(recording.analyses.order_by("-created_at")), wanted)
    raw = raw_results(shown.pk) if shown else []
    findings = Finding.objects.filter(analysis=shown)
    return {
        "wanted": wanted,
        "marks": marks_of(findings, raw[0] if raw else None, recording.duration_seconds),
    }


def weight(finding: Finding) -> tuple[int, int]:
    """Return what orders findings: risk, then severity."""
    return RISK.index(Outcome(finding.outcome)), SEVERITY.index(finding.severity)


def state_context(recording: Recording, problem: str = "") -> dict[str, Any]:
    """Return what the panel of the current state shows; `problem` says why an action was not possible.

    `is_silent` means that the page has no player, because there was no audio when it was made.
    """
    analysis = recording.current_analysis
    seen = ""
    if analysis:
        waits_for = f"{analysis.needs_copy:d}{analysis.needs_comparing:d}"
        seen = f"{analysis.pk}.{analysis.state}.{waits_for}.{analysis.stage}.{analysis.stage_fraction:.2f}"
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


def results_of(analysis: Analysis | None, veil: Veil, raw: list[Any]) -> Results | None:
    """Return the results as they were received, unknown keys included; None if no document was received."""
    if not raw:
        return None
    results = veil.over_results(raw[0]) if isinstance(raw[0], dict) else {}
    summary = results.get("summary")
    is_swapped = analysis is not None and analysis.speakers_swapped
    return Results(
        summary=summary if isinstance(summary, str) else "",
        sentences=[swapped(one) if is_swapped else one for one in gist.key_sentences(results)],
        advice=gist.advice(results),
        effort=gist.effort(results),
        roles_note=SWAPPED if is_swapped else gist.roles_note(results),
        sections=generic.walk({key: value for key, value in results.items() if not is_apart(key, value, results)}),
        compliance=generic.walk(results["compliance"]) if "compliance" in results else [],
    )


def swapped(sentence: gist.KeySentence) -> gist.KeySentence:
    """Return a sentence with the other speaker."""
    return replace(sentence, speaker=OTHER.get(sentence.speaker, sentence.speaker))


def is_apart(key: str, value: Any, results: dict[str, Any]) -> bool:
    """Say whether a key of the results is shown elsewhere on the page. What has another shape than ours is not."""
    match key:
        case "compliance":
            return True
        case "summary":
            return isinstance(value, str)
        case "key_sentences":
            return bool(gist.key_sentences(results))
        case "speakers":
            return bool(gist.roles_note(results))
        case "findings" | "rules":
            return bool(rules_hash(results) and ruled(results))
        case _:
            return False


def raw_results(analysis: UUID) -> list[Any]:
    """Return `results` of the document as received, alone in a list; the transcript in it is not even read."""
    return list(Document.objects.filter(analysis=analysis).values_list("raw__results", flat=True))


class Line(NamedTuple):
    """A segment as the page shows it."""

    position: int
    speaker: str
    label: str
    text: str
    masked: str
    start: float
    end: float


def segments_of(analysis: Analysis | None) -> list[Line]:
    """Return the segments of an analysis in their order."""
    rows = Segment.objects.filter(analysis=analysis).order_by("position").values_list(*Line._fields)
    return [Line(*row) for row in rows]


WITH_SOUND = Piece(
    '<li class="segment {}" id="s{}" data-start="{:.2f}" data-end="{:.2f}">'
    '<a class="seek" href="{}#t={:.2f}" data-seek="{:.2f}" aria-label="Play from {}">{}</a>'
    '<span class="who">{}</span><p>{}</p></li>'
)
WITHOUT_SOUND = Piece(
    '<li class="segment {}" id="s{}"><span class="seek">{}</span><span class="who">{}</span><p>{}</p></li>'
)


def transcript_of(segments: Sequence[Line], veil: Veil, link: str) -> SafeString:
    """Return the segments as list items, from pieces: a template loop over 700 of them costs many times as much.

    `link` is where the sound is, "" where there is none.
    """
    if link:
        sound = safe(link)
        return WITH_SOUND.each(with_sound(one, veil, sound) for one in segments)
    return WITHOUT_SOUND.each(without_sound(one, veil) for one in segments)


def with_sound(one: Line, veil: Veil, link: str) -> tuple[object, ...]:
    """Return what stands in the list item of a segment that can be played."""
    position, speaker, label, text, masked, start, end = one
    at = transcripts.clock(start)
    words = words_of(text, masked, veil)
    return ESCAPED[speaker], position, start, end, link, start, start, at, at, ESCAPED[who(speaker, label)], words


def without_sound(one: Line, veil: Veil) -> tuple[object, ...]:
    """Return what stands in the list item of a segment of which there is no sound."""
    position, speaker, label, text, masked, start, _ = one
    words = words_of(text, masked, veil)
    return ESCAPED[speaker], position, transcripts.clock(start), ESCAPED[who(speaker, label)], words


def words_of(text: str, masked: str, veil: Veil) -> str:
    """Return the words of a segment as markup."""
    return safe(veil.line(text, masked)) if masked else escape(text)


def who(speaker: str, label: str) -> str:
    """Return who speaks as people read it; an unknown speaker goes by the API's own label."""
    return SPEAKERS.get(speaker, "") if speaker != Speaker.UNKNOWN else f"Speaker {label}"
