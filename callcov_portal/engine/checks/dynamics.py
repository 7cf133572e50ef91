"""Who spoke how much, when nobody did, who cut in: measured on the words' times."""

from collections.abc import Iterator
from typing import Any

from callcov_portal.engine.checks.call import ROLES, Call, not_assessed, seconds
from callcov_portal.engine.speech.transcript import AGENT, Segment
from callcov_portal.rules import plain

Span = tuple[float, float]

SILENCE_SECONDS = 3.0
"""A stretch without a word counts as silence from this length on, unless the contact was on hold."""
HOLD_SECONDS = 5.0
ANNOUNCED_SECONDS = 15.0
"""So long after a hold was announced it may begin, and so long before "thank you for holding" it ends."""
SOUNDING = 0.5
"""A stretch without a word is a hold when something sounds in this share of it."""
OVERLAP_SECONDS = 0.35
GOES_ON_SECONDS = 1.0
"""Shorter interjections ("mhm", "okay") are no interruptions."""
AGREEING = frozenset("yes yeah yep okay ok right mhm mm hm uh huh sure no oh thanks thank you alright great".split())  # noqa: SIM905
FEWEST_WORDS = 10


def talk_ratio(call: Call) -> dict[str, Any]:
    """Each speaker's share of the time in which somebody speaks, 0 to 1, and the seconds."""
    spoken = {role: spoken_seconds(call, speaker) for speaker, role in ROLES.items()}
    total = sum(spoken.values())
    if not total:
        return {"agent": None, "contact": None, **not_assessed("Nothing was said.")}
    shares = {role: round(value / total, 3) for role, value in spoken.items()}
    return {**shares, **{f"{role}_seconds": seconds(value) for role, value in spoken.items()}}


def spoken_seconds(call: Call, speaker: str) -> float:
    """How long a speaker's segments last together."""
    return sum(segment.end - segment.start for segment in call.transcript.segments if segment.speaker == speaker)


def silence(call: Call) -> dict[str, Any]:
    """Stretches in which nobody speaks and nobody is on hold, with their total in seconds and as a share of the call."""
    duration = call.transcript.duration_seconds
    if not call.transcript.segments or not duration:
        return {"count": None, "instances": None, **not_assessed("Nothing was said.")}
    held = {(start, end) for start, end, _reason in holds(call)}
    spans = [span for span in wordless(call, SILENCE_SECONDS) if span not in held]
    longest = max((end - start for start, end in spans), default=0.0)
    share = round(sum(end - start for start, end in spans) / duration, 3)
    return {**totals(spans), "longest_seconds": seconds(longest), "share": share, "instances": listed(spans)}


def hold(call: Call) -> dict[str, Any]:
    """Stretches in which the contact was on hold: something sounds that is no speech, or the agent announced it."""
    if not call.transcript.segments:
        return {"count": None, "instances": None, **not_assessed("Nothing was said.")}
    found = holds(call)
    spans = [(start, end) for start, end, _reason in found]
    reasons = [{"reason": reason} for _start, _end, reason in found]
    return {**totals(spans), "instances": [a | b for a, b in zip(listed(spans), reasons, strict=True)]}


def totals(spans: list[Span]) -> dict[str, Any]:
    """How many, and how many seconds together."""
    return {"count": len(spans), "total_seconds": seconds(sum(end - start for start, end in spans))}


def listed(spans: list[Span]) -> list[dict[str, Any]]:
    """Spans as instances."""
    return [{"start": seconds(a), "end": seconds(b), "duration_seconds": seconds(b - a)} for a, b in spans]


def holds(call: Call) -> list[tuple[float, float, str]]:
    """Start, end and how it is known: `sound`, `announced`, or `announced, sound`."""
    announced = call.places("hold")
    found = []
    for start, end in wordless(call, HOLD_SECONDS):
        told = any(
            start - ANNOUNCED_SECONDS <= match.end <= start + 1 or end - 1 <= match.start <= end + ANNOUNCED_SECONDS
            for match in announced
        )
        reasons = ["announced"] * told + ["sound"] * sounds(call, start, end)
        if reasons:
            found.append((start, end, ", ".join(reasons)))
    return found


def sounds(call: Call, start: float, end: float) -> bool:
    """Whether something sounds in most of a stretch."""
    sounding = sum(max(0.0, min(end, last) - max(start, first)) for first, last in call.transcript.sounds)
    return sounding >= SOUNDING * (end - start)


def wordless(call: Call, shortest: float) -> Iterator[Span]:
    """Stretches of at least `shortest` seconds without a word, from the start to the end of the call."""
    heard = 0.0
    for start, end in [*spoken(call), (call.transcript.duration_seconds, 0.0)]:
        if start - heard >= shortest:
            yield heard, start
        heard = max(heard, end)


def spoken(call: Call) -> list[Span]:
    """The words' spans of both speakers in order of their start; a segment without word times is one span."""
    words = [each for segment in call.transcript.segments for each in (segment.words or (segment,))]
    return sorted((each.start, each.end) for each in words)


def speech_rate(call: Call) -> dict[str, Any]:
    """Words per minute of each speaker's own speech."""
    result: dict[str, Any] = {}
    for speaker, role in ROLES.items():
        words = sum(len(segment.words) for segment in call.transcript.segments if segment.speaker == speaker)
        spoken = spoken_seconds(call, speaker)
        enough = words >= FEWEST_WORDS and spoken > 0
        result[f"{role}_words_per_minute"] = round(words / spoken * 60) if enough else None
        if not enough:
            result[f"{role}_reason"] = f"Fewer than {FEWEST_WORDS} words."
    return result


def interruptions(call: Call) -> dict[str, Any]:
    """Who cut in on whom. Only a recording with a channel for each speaker lets overlaps be heard."""
    if call.transcript.channels < 2:
        reason = "Both speakers are on one channel, where overlaps cannot be heard."
        return {"count": None, "by_agent": None, "by_contact": None, "instances": None, **not_assessed(reason)}
    found = [
        {
            "timestamp": seconds(second.start),
            "end": seconds(second.start + overlap),
            "speaker": second.speaker,
            "overlap_seconds": seconds(overlap),
        }
        for second, overlap in cutting_in(call)
    ]
    by_agent = sum(each["speaker"] == AGENT for each in found)
    return {"count": len(found), "by_agent": by_agent, "by_contact": len(found) - by_agent, "instances": found}


def cutting_in(call: Call) -> Iterator[tuple[Segment, float]]:
    """Segments that begin while the other one speaks, and go on; with the seconds for which both speak."""
    latest: dict[str, Segment] = {}
    for segment in call.transcript.segments:
        other = next((each for speaker, each in latest.items() if speaker != segment.speaker), None)
        overlap = min(other.end, segment.end) - segment.start if other else 0.0
        goes_on = segment.end - segment.start >= GOES_ON_SECONDS and not set(plain(segment.text).split()) <= AGREEING
        if overlap >= OVERLAP_SECONDS and goes_on:
            yield segment, overlap
        if segment.speaker not in latest or segment.end > latest[segment.speaker].end:
            latest[segment.speaker] = segment
