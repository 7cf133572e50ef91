"""How well the planted events were found: findings of rules, holds and interruptions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.engine.truth import Event

SLACK = 1.0
"""Seconds by which a finding may lie beside the turn in which it was planted."""
NOT_FOUND = frozenset({"omitted", "not_assessed"})
CHECKS = {
    "greeting": "quality.greeting",
    "recording_disclosure": "disclosure.call_recording_notice",
    "identity_verification": "quality.verification",
    "prohibited": "prohibited_phrases",
    "escalation_request": "quality.escalation",
    "complaint": "quality.complaint",
    "churn_risk": "quality.churn",
    "cooling_off": "disclosure.cooling_off_notice",
    "closing": "quality.closing",
    "empathy": "quality.empathy",
    "hold_notice": "quality.hold_notice",
}
"""What is planted, and the check that should find it."""
TONES = ("negative", "positive")
REPORTED = frozenset({"empathy", "hold_notice", *TONES})
"""Not counted into recall and precision."""
SAME = {"closing_offer": "closing"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found; seconds."""

    start: float
    end: float
    speaker: str
    quote: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of the events of one kind."""

    planted: int = 0
    found: int = 0
    false: int = 0
    """Places at which nothing was planted."""
    notes: tuple[str, ...] = ()
    """One line for everything missed or made up."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.planted + other.planted,
            self.found + other.found,
            self.false + other.false,
            self.notes + other.notes,
        )

    @property
    def recall(self) -> float | None:
        """None if nothing was planted."""
        return self.found / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        """None if nothing was found. Several places within one event count once."""
        return self.found / (self.found + self.false) if self.found + self.false else None


def tallies(events: Sequence[Event], results: dict[str, Any], *, overlaps: bool) -> dict[str, Tally]:
    """Compare what was planted with `results` of an analysis, by kind; interruptions only if `overlaps` can be heard."""
    counted = {
        kind: tally(kind, [e for e in events if kind_of(e) == kind], places(results, check), beside)
        for kind, check in CHECKS.items()
    }
    quality = results.get("quality") or {}
    for tone in TONES if "tone" in quality else ():
        counted[tone] = tally(tone, of_type(events, tone), spans(quality["tone"], tone), beside)
    counted["hold"] = tally("hold", of_type(events, "hold"), spans(quality.get("hold")), covers)
    if overlaps:
        found = spans(quality.get("interruptions"))
        counted["interruption"] = tally("interruption", of_type(events, "interruption"), found, begins_with)
    return counted


def kind_of(event: Event) -> str:
    """The kind that an event is counted under."""
    return "prohibited" if event.type.startswith("prohibited_") else SAME.get(event.type, event.type)


def of_type(events: Iterable[Event], name: str) -> list[Event]:
    """The events of one type."""
    return [event for event in events if event.type == name]


def places(results: dict[str, Any], check: str) -> list[Place]:
    """Where a check found something. An omission has no place."""
    return [
        place_of(where)
        for finding in results.get("findings") or []
        if finding["check"] == check and finding["outcome"] not in NOT_FOUND
        for where in (finding, *(finding.get("also") or ()))
        if where.get("start") is not None
    ]


def spans(measure: dict[str, Any] | None, tone: str | None = None) -> list[Place]:
    """The instances of one of the measures of `quality`; of one tone only, if it is given."""
    found = (measure or {}).get("instances") or []
    return [place_of(instance) for instance in found if tone in {None, instance.get("tone")}]


def place_of(where: dict[str, Any]) -> Place:
    """Read a finding, one of its further places, or an instance."""
    start = float(where["start"] if "start" in where else where["timestamp"])
    end = float(where.get("end") or start + float(where.get("overlap_seconds") or 0))
    return Place(start, end, str(where.get("speaker") or ""), str(where.get("quote") or ""))


def tally(kind: str, events: Sequence[Event], found: Sequence[Place], fits: Callable[[Event, Place], bool]) -> Tally:
    """Count events that some place fits, and places that fit no event."""
    missed = [event for event in events if not any(fits(event, place) for place in found)]
    false = [place for place in found if not any(fits(event, place) for event in events)]
    return Tally(len(events), len(events) - len(missed), len(false), tuple(notes(kind, missed, false)))


def notes(kind: str, missed: Iterable[Event], false: Iterable[Place]) -> Iterator[str]:
    """Lines for people."""
    for event in missed:
        yield f"missed {kind} at {event.start:.1f} s: {event.text or f'until {event.end:.1f} s'}"
    for place in false:
        yield f"false {kind} at {place.start:.1f} s: {place.quote or f'until {place.end:.1f} s'}"


def beside(event: Event, place: Place) -> bool:
    """Whether a place overlaps the event's turn, give or take SLACK."""
    return place.start <= event.end + SLACK and place.end >= event.start - SLACK


def covers(event: Event, place: Place) -> bool:
    """Whether two spans overlap by at least half of each."""
    overlap = min(event.end, place.end) - max(event.start, place.start)
    return overlap >= (event.end - event.start) / 2 and overlap >= (place.end - place.start) / 2


def begins_with(event: Event, place: Place) -> bool:
    """Whether the same speaker cuts in, give or take SLACK."""
    return abs(event.start - place.start) <= SLACK and event.speaker == place.speaker
