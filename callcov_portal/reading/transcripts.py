"""A transcript as a file: for people (TXT), for players (WebVTT), for programs (JSON)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spoken:
    """One segment as it may be shown: who (as people read it), their role, text, start and end in seconds.

    `words` are `[text, start, end, confidence]` each, None where they are not known or not to be told.
    """

    who: str
    speaker: str
    text: str
    start: float
    end: float
    words: Sequence[Sequence[Any]] | None = None


def as_text(segments: Iterable[Spoken], heading: str) -> str:
    """Return a line for each segment: `[0:05] Agent: …`, below the heading and a blank line."""
    lines = [f"[{clock(one.start)}] {one.who}: {' '.join(one.text.split())}" for one in segments]
    return "\n".join([heading, "", *lines, ""])


def as_vtt(segments: Iterable[Spoken], heading: str) -> str:
    """Return WebVTT with a voice for each cue; a cue lasts at least 0.1 s, for players drop what has no length."""
    cues = ["WEBVTT", f"NOTE {escaped(heading)}"]
    for one in segments:
        span = f"{stamp(one.start)} --> {stamp(max(one.end, one.start + 0.1))}"
        cues.append(f"{span}\n<v {escaped(one.who)}>{escaped(one.text)}</v>")
    return "\n\n".join(cues) + "\n"


def as_data(segments: Iterable[Spoken], about: dict[str, Any]) -> dict[str, Any]:
    """Return what `about` says of the call, with its segments; times in seconds."""
    listed = []
    for one in segments:
        item = {"speaker": one.speaker, "who": one.who, "start": one.start, "end": one.end, "text": one.text}
        if one.words:
            names = ("text", "start", "end", "confidence")
            item["words"] = [dict(zip(names, word, strict=False)) for word in one.words]
        listed.append(item)
    return {**about, "segments": listed}


def escaped(text: str) -> str:
    """Return a text as WebVTT takes it: on one line, without its markup."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clock(seconds: float) -> str:
    """Return `m:ss`, from one hour on `h:mm:ss`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def stamp(seconds: float) -> str:
    """Return `hh:mm:ss.mmm`."""
    whole, milliseconds = divmod(max(0, round(seconds * 1000)), 1000)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest:02d}.{milliseconds:03d}"
