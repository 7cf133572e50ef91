"""A transcript as it is searched: the lines of each speaker apart, each at the place it has in the talk."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from callcov_portal.searching.letters import composed

HIDDEN = "\u2588"
"""Stands in place of a mark such as [date of birth], whose words nobody spoke; it is no letter, so nothing finds it."""
SPACES = re.compile(r"\s+")
SPEAKERS = ("agent", "contact")


@dataclass(frozen=True, slots=True)
class Line:
    """One segment: who speaks, what is shown of it, and its seconds."""

    speaker: str
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of a call, by speaker; whoever is neither agent nor contact is among the others.

    Each text has one line for each segment of the call, empty where somebody else speaks: the number of a line is that
    of the segment. `times` has as many lines: begin and end in hundredths of a second.
    """

    agent: str
    contact: str
    other: str
    times: str


def of_lines(lines: Iterable[Line], marks: re.Pattern[str]) -> Transcript:
    """Return the transcript of these segments, in their order; what `marks` finds was not spoken."""
    texts: dict[str, list[str]] = {"agent": [], "contact": [], "other": []}
    times = []
    for line in lines:
        speaker = line.speaker if line.speaker in SPEAKERS else "other"
        for name, said in texts.items():
            said.append(one_line(line.text, marks) if name == speaker else "")
        times.append(f"{hundredths(line.start)} {hundredths(line.end)}")
    return Transcript(times="\n".join(times), **{name: "\n".join(said) for name, said in texts.items()})


def one_line(text: str, marks: re.Pattern[str]) -> str:
    """Return a segment's text on one line, what is masked in it as `HIDDEN`."""
    plain = marks.sub(HIDDEN, text.replace("\0", " "))
    return SPACES.sub(" ", composed(plain)).strip()


def hundredths(seconds: float) -> int:
    """Return seconds in hundredths; what is no number, or before the begin, is the begin."""
    return round(100 * seconds) if 0 < seconds < 1e9 else 0


def seconds_of(times: str, numbers: Sequence[int]) -> list[tuple[float, float]]:
    """Return begin and end of the segments with these numbers."""
    lines = times.split("\n")
    found = [lines[number].split() for number in numbers]
    return [(int(start) / 100, int(end) / 100) for start, end in found]
