"""The recordings of a folder and the truth about them, as `tests/calls/README.md` describes it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engine.words import Said
from callcov_portal import sound

STEREO, MONO, NOISE = "stereo", "mono", "noise"
AUDIO = frozenset({".wav", ".mp3", ".flac"})
SPEAKERS = {"agent": "A", "customer": "B"}


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker (A or B) says in one go; times in seconds."""

    speaker: str
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was planted. `start` and `end` are those of its turn, if it was spoken."""

    type: str
    speaker: str
    start: float
    end: float
    text: str
    value: str
    """The words of the turn that are the sensitive value; empty where the truth does not tell."""


@dataclass(frozen=True, slots=True)
class Call:
    """The truth about one call."""

    id: str
    turns: tuple[Turn, ...]
    events: tuple[Event, ...]

    @property
    def said(self) -> list[Said]:
        return [(turn.speaker, turn.text) for turn in sorted(self.turns, key=lambda turn: turn.start)]


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of a call."""

    path: Path
    call: Call
    condition: str
    """STEREO, MONO, or NOISE for a stereo recording with noise added."""
    seconds: float


def recordings(folders: Sequence[Path]) -> list[Recording]:
    """Every recording in the folders that has a truth, by name. Raises FileNotFoundError for a folder without any."""
    found = []
    for folder in folders:
        here = list(of_folder(folder))
        if not here:
            raise FileNotFoundError(f"{folder} holds no recording with a truth (<call>.truth.json).")
        found += here
    return found


def of_folder(folder: Path) -> Iterator[Recording]:
    """The recordings `<call>.*` beside each `<call>.truth.json`."""
    for truth in sorted(folder.glob("*.truth.json")):
        call = call_of(json.loads(truth.read_text()))
        for path in sorted(folder.glob(f"{truth.name.removesuffix('.truth.json')}.*")):
            if path.suffix in AUDIO:
                probe = sound.probe(path)
                yield Recording(path, call, STEREO if probe.channels > 1 else MONO, probe.duration_seconds)


def call_of(document: dict[str, Any]) -> Call:
    """Read one truth."""
    turns = tuple(
        Turn(SPEAKERS[turn["role"]], float(turn["start"]), float(turn["end"]), str(turn["text"]))
        for turn in document["turns"]
    )
    return Call(str(document["id"]), turns, tuple(event_of(event) for event in document["events"]))


def event_of(event: dict[str, Any]) -> Event:
    """Read one event. Raises ValueError for a `value` that is not part of its `text`."""
    text, value = str(event.get("text") or ""), str(event.get("value") or "")
    if value not in text:
        raise ValueError(f"The value {value!r} is not a part of {text!r}.")
    by = SPEAKERS.get(event.get("by", ""), "")
    return Event(str(event["type"]), by, float(event["start"]), float(event["end"]), text, value)
