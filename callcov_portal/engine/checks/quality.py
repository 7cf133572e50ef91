"""How the call went: only what can be measured. What cannot be known is null, with the reason beside it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from callcov_portal.engine.checks.call import Call, evidence, not_assessed, seconds
from callcov_portal.engine.speech.transcript import AGENT, CONTACT, Segment

SILENCE_SECONDS = 3.0
"""A stretch without a word counts as silence from this length on; being on hold is silence too."""
OVERLAP_SECONDS = 0.35
GOES_ON_SECONDS = 1.0
"""Shorter interjections ("mhm", "okay") are no interruptions."""
FEWEST_WORDS = 10
ROLES = {AGENT: "agent", CONTACT: "contact"}


def check(call: Call) -> dict[str, Any]:
    """The measures by name; every one is an object, so that evidence can stand beside the value."""
    return {
        "greeting": phrase(call, "greeting"),
        "closing": phrase(call, "closing"),
        "empathy": instances(call, "empathy"),
        "complaints": instances(call, "complaint"),
        "escalation_requests": instances(call, "escalation"),
        "intentions_to_leave": instances(call, "churn"),
        "talk_ratio": talk_ratio(call),
        "silence": silence(call),
        "speech_rate": speech_rate(call),
        "interruptions": interruptions(call),
    }


def phrase(call: Call, check: str) -> dict[str, Any]:
    """Whether something that belongs into every call was said: `{given, timestamp, flagged}`."""
    if reason := call.why_not(check):
        return {"given": None, "timestamp": None, "flagged": False, **not_assessed(reason)}
    match = call.first(check)
    if match is None:
        return {"given": False, "timestamp": None, "flagged": True}
    return {"given": True, "timestamp": seconds(match.start), "flagged": False, **evidence(match)}


def instances(call: Call, check: str) -> dict[str, Any]:
    """How often something was said, and where."""
    if reason := call.why_not(check):
        return {"count": None, "instances": None, **not_assessed(reason)}
    found = [{"timestamp": seconds(match.start), **evidence(match)} for match in call.all(check)]
    return {"count": len(found), "instances": found}


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
    """Stretches in which nobody speaks, with their total in seconds and as a share of the call."""
    duration = call.transcript.duration_seconds
    if not call.transcript.segments or not duration:
        return {"count": None, "instances": None, **not_assessed("Nothing was said.")}
    spans = list(silent_spans(call))
    total = sum(end - start for start, end in spans)
    return {
        "count": len(spans),
        "total_seconds": seconds(total),
        "longest_seconds": seconds(max((end - start for start, end in spans), default=0.0)),
        "share": round(total / duration, 3),
        "instances": [
            {"start": seconds(start), "end": seconds(end), "duration_seconds": seconds(end - start)}
            for start, end in spans
        ],
    }


def silent_spans(call: Call) -> Iterator[tuple[float, float]]:
    """From the start to the end of the call."""
    heard = 0.0
    for segment in [*call.transcript.segments, None]:
        begin = segment.start if segment else call.transcript.duration_seconds
        if begin - heard >= SILENCE_SECONDS:
            yield heard, begin
        heard = max(heard, segment.end if segment else 0.0)


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
        return {"count": None, "instances": None, **not_assessed(reason)}
    found = [
        {
            "timestamp": seconds(second.start),
            "speaker": second.speaker,
            "overlap_seconds": seconds(min(first.end, second.end) - second.start),
        }
        for first, second in overlapping(call)
    ]
    by_agent = sum(each["speaker"] == AGENT for each in found)
    return {"count": len(found), "by_agent": by_agent, "by_contact": len(found) - by_agent, "instances": found}


def overlapping(call: Call) -> Iterator[tuple[Segment, Segment]]:
    """Pairs in which the second speaker begins before the first has ended, and goes on."""
    for first, second in pairwise(call.transcript.segments):
        overlap = min(first.end, second.end) - second.start
        if (
            first.speaker != second.speaker
            and overlap >= OVERLAP_SECONDS
            and second.end - second.start >= GOES_ON_SECONDS
        ):
            yield first, second
