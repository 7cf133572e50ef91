"""What is marked on the waveform: findings, the windows of omissions, silences, holds, interruptions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from callcov_portal.models import Finding, Outcome, Speaker
from callcov_portal.reading.pauses import Pause, pauses
from callcov_portal.templatetags.portal import clock, outcome_glyph, outcome_word

NARROWEST = 0.2  # per cent of the width that a stretch has at least, to be seen
GLYPHS = {"silence": "–", "hold": "∥", "interruptions": "↯", "window": "○"}
# What costs most is painted last, over the rest.
OVER = (Outcome.MET, Outcome.HEARD, Outcome.OMITTED, Outcome.VIOLATED)


@dataclass(frozen=True)
class Mark:
    """One place: its kind, glyph and words, the seconds that it plays, and where it lies (`12.50%` of the width)."""

    kind: str
    glyph: str
    words: str
    start: float
    end: float
    left: str
    width: str

    @property
    def told(self) -> str:
        """The mark in words, with its time."""
        return f"{clock(self.start)} {self.words}"


@dataclass(frozen=True)
class Marks:
    """The marks of one analysis: `points` for findings, `windows` that were searched in vain, `pauses` of the talk."""

    points: list[Mark]
    windows: list[Mark]
    pauses: list[Mark]

    @property
    def in_order(self) -> list[Mark]:
        """All of them by time, for the list; a window is told by its omission."""
        return sorted([*self.points, *self.pauses], key=lambda one: one.start)


def marks_of(findings: Iterable[Finding], results: Any, duration: float | None) -> Marks:
    """Return what is marked on a recording of so many seconds; nothing where its length is not known."""
    if not duration or duration <= 0:
        return Marks([], [], [])
    assessed = [one for one in findings if one.outcome != Outcome.NOT_ASSESSED]
    ordered = sorted(assessed, key=lambda one: OVER.index(Outcome(one.outcome)))
    points = [point for one in ordered for point in points_of(one, duration)]
    windows = [window for one in ordered for window in windows_of(one, duration)]
    return Marks(points, windows, [pause_of(one, duration) for one in pauses(results)])


def points_of(finding: Finding, duration: float) -> Iterator[Mark]:
    """Yield where a finding is heard: of an omission where it came nearest, else where the search began."""
    searched = finding.searched or {}
    nearest = searched.get("nearest") or {}
    start, end, hint = finding.start, finding.end, ""
    if start is None and nearest.get("start") is not None:
        start, end, hint = nearest["start"], nearest.get("end"), ", nearest words"
    elif start is None:
        start, end = searched.get("start"), searched.get("end")
        hint = f", searched until {clock(end)}" if end is not None else ""
    if start is not None:
        words = f"{outcome_word(finding.outcome)}: {finding.title}{hint}"
        yield placed(finding.outcome, outcome_glyph(finding.outcome), words, (start, end), duration)


def windows_of(finding: Finding, duration: float) -> Iterator[Mark]:
    """Yield the window of an omission."""
    searched = finding.searched or {}
    if finding.start is None and searched.get("start") is not None and searched.get("end") is not None:
        words = f"Searched for: {finding.title}"
        yield placed("window", GLYPHS["window"], words, (searched["start"], searched["end"]), duration)


def pause_of(pause: Pause, duration: float) -> Mark:
    """Return the mark of a silence, a hold or an interruption."""
    length = f"{max(1, round(pause.end - pause.start))} s"
    who = "Agent" if pause.speaker == Speaker.AGENT else "Contact" if pause.speaker == Speaker.CONTACT else "One"
    words = {
        "silence": f"Silence, {length}",
        "hold": f"On hold, {length}",
        "interruptions": f"{who} cuts in",
    }
    return placed(pause.kind, GLYPHS[pause.kind], words[pause.kind], (pause.start, pause.end), duration)


def placed(kind: str, glyph: str, words: str, seconds: tuple[float, float | None], duration: float) -> Mark:
    """Return a mark where its seconds lie; what lies beyond the end is at the end."""
    start = seconds[0]
    end = start if seconds[1] is None else max(start, seconds[1])
    left = percent(start, duration)
    width = max(NARROWEST, percent(end, duration) - left)
    return Mark(kind, glyph, words, start, end, f"{left:.2f}%", f"{min(width, 100):.2f}%")


def percent(second: float, duration: float) -> float:
    """Return where a second lies, from 0 to 100."""
    return 100 * min(1.0, max(0.0, second / duration))
