"""How well sensitive data is masked: what must be hidden, and what is hidden needlessly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from benchmarks.engine.truth import Event
from benchmarks.engine.words import words_of

COVERED = 0.9
"""The share of a value's seconds that must be masked."""
KINDS = {
    "pii_card": "card_number",
    "pii_cvv": "cvv",
    "pii_ssn": "ssn",
    "pii_phone": "phone_number",
    "pii_dob": "date_of_birth",
    "pii_email": "email",
}
"""What is planted, and the kind of instance that it should be found as. Hidden as another kind, it is hidden too."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hiding:
    """What came of the values of one kind."""

    planted: int = 0
    masked: int = 0
    """Hidden, as whatever kind."""
    exact: int = 0
    """Hidden, and a span of the right kind was there."""
    notes: tuple[str, ...] = ()

    def __add__(self, other: "Hiding") -> "Hiding":
        return Hiding(
            self.planted + other.planted,
            self.masked + other.masked,
            self.exact + other.exact,
            self.notes + other.notes,
        )

    @property
    def recall(self) -> float | None:
        return self.masked / self.planted if self.planted else None


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word; seconds."""

    text: str
    start: float
    end: float
    speaker: str

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


def words_heard(transcript: dict[str, Any]) -> list[Word]:
    """The words of a transcript on the wire, in order of time."""
    found = [
        Word(str(word["text"]), float(word["start"]), float(word["end"]), str(segment["speaker"]))
        for segment in transcript["segments"]
        for word in segment["words"]
    ]
    return sorted(found, key=lambda word: word.start)


def instances(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The spans of sensitive data that an analysis names."""
    return list(results["compliance"]["sensitive_data"]["instances"])


def hidings(events: Sequence[Event], words: Sequence[Word], spans: Sequence[dict[str, Any]]) -> dict[str, Hiding]:
    """Look at every sensitive value that was spoken, by kind of event."""
    counted: dict[str, Hiding] = {}
    for event in events:
        if event.type in KINDS:
            counted[event.type] = counted.get(event.type, Hiding()) + hiding(event, words, spans)
    return counted


def hiding(event: Event, words: Sequence[Word], spans: Sequence[dict[str, Any]]) -> Hiding:
    """Look at one value."""
    here = [span for span in spans if span["timestamp"] < event.end and span["end"] > event.start]
    where = value_span(event, words) if event.value else None
    masked = bool(here) and (where is None or covered(where, here) >= COVERED)
    exact = masked and any(span["type"] == KINDS[event.type] for span in here)
    note = f"not masked {event.type} at {event.start:.1f} s: {event.text}"
    return Hiding(1, int(masked), int(exact), () if masked else (note,))


def value_span(event: Event, words: Sequence[Word]) -> Span:
    """Where in its turn a value was spoken: by the recognised words, or by its share of the turn where none is left."""
    before, value = words_of(event.text.partition(event.value)[0]), words_of(event.value)
    spoken = [word for word in words if event.start <= word.middle <= event.end]
    spoken = [word for word in spoken if word.speaker == event.speaker] or spoken
    pieces = [(piece, word) for word in spoken for piece in words_of(word.text)]
    first, last = len(before), len(before) + len(value)
    truth = words_of(event.text)
    begin, end = heard_between(truth, [piece for piece, _ in pieces], first, last)
    if begin < end:
        return pieces[begin][1].start, pieces[end - 1][1].end
    per_word = (event.end - event.start) / max(1, len(truth))
    return event.start + first * per_word, event.start + last * per_word


def heard_between(truth: Sequence[str], heard: Sequence[str], first: int, last: int) -> tuple[int, int]:
    """The stretch of what was heard that stands for the truth's words `first` to `last`, with the digits heard beside it.

    A word before or after the value that was heard as another one ("my cell's" as "myself") is no part of the value.
    """
    aligned = [
        (block.src_start + at, block.dest_start + at)
        for block in Levenshtein.opcodes(list(truth), list(heard))
        if block.tag in {"equal", "replace"}
        for at in range(block.src_end - block.src_start)
    ]
    inside = [there for here, there in aligned if first <= here < last]
    if not inside:
        return 0, 0
    begin, end = min(inside), max(inside) + 1
    taken = {there for _, there in aligned}
    while begin and begin - 1 not in taken and heard[begin - 1].isdigit():
        begin -= 1
    while end < len(heard) and end not in taken and heard[end].isdigit():
        end += 1
    return begin, end


def covered(where: Span, spans: Sequence[dict[str, Any]]) -> float:
    """The share of a stretch that lies in at least one of the spans."""
    total, reached = 0.0, where[0]
    for begin, end in sorted((float(span["timestamp"]), float(span["end"])) for span in spans):
        total += max(0.0, min(end, where[1]) - max(begin, reached))
        reached = max(reached, min(end, where[1]))
    return total / (where[1] - where[0]) if where[1] > where[0] else 1.0


def needless(events: Sequence[Event], words: Sequence[Word], spans: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Of the words spoken outside turns with sensitive data: how many are masked, and how many there are."""
    turns = [event for event in events if event.type in KINDS]
    others = [word for word in words if not any(turn.start <= word.middle <= turn.end for turn in turns)]
    return sum(any(hides(span, word) for span in spans) for word in others), len(others)


def hides(span: dict[str, Any], word: Word) -> bool:
    """Whether a word lies in a span of its own speaker."""
    return span["speaker"] == word.speaker and float(span["timestamp"]) <= word.middle <= float(span["end"])
