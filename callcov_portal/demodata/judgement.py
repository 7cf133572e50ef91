"""The findings of an invented call: what the built-in rules would come to, known from where their words stand."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from callcov_portal.demodata.script import Said, Script
from callcov_portal.reading.ruled import HEARD, MET, OMITTED, VIOLATED, Found
from callcov_portal.rules import NEVER, REQUIRED, SIGNAL, Rule
from callcov_portal.rules.findings import COMMON


class Line(NamedTuple):
    """A segment: who says what, in seconds, and how sure the recogniser is."""

    speaker: str
    text: str
    start: float
    end: float
    confidence: float


class Place(NamedTuple):
    """Where a rule's words stand."""

    line: int
    said: Said


def judged(script: Script, lines: Sequence[Line], places: Mapping[str, Place], seconds: float) -> list[Found]:
    """Return the findings in the order of the rules, then that nothing sensitive was said."""
    found: list[Found] = []
    for group in script.groups:
        broken = sorted((rule for rule in group if rule.id in places), key=lambda rule: places[rule.id].line)
        first = group[0]
        if first.kind == NEVER and not broken:
            title = COMMON.get(first.check, first.title)
            found.append(plain(first, MET, title=title, explanation="Nothing of the kind was said."))
        elif first.kind == NEVER:
            found += [placed(rule, VIOLATED, lines, places[rule.id]) for rule in broken]
        elif broken:
            found.append(heard(broken[0], lines, places[broken[0].id]))
        elif first.kind == REQUIRED:
            found.append(omitted(first, seconds))
    return [*found, SENSITIVE]


SENSITIVE = Found("sensitive_data", "Sensitive data", MET, "None was spoken.")


def plain(rule: Rule, outcome: str, title: str = "", **more: Any) -> Found:
    """Return a finding of a rule."""
    return Found(
        check_id=rule.check_id,
        title=title or rule.title,
        outcome=outcome,
        rule=rule.id,
        version=rule.version,
        severity=rule.severity,
        **more,
    )


def placed(rule: Rule, outcome: str, lines: Sequence[Line], place: Place, explanation: str = "") -> Found:
    """Return a finding with the words that it rests on."""
    first, *others = [words(lines[place.line], begin, end) for begin, end in place.said.places]
    return plain(rule, outcome, explanation=explanation, also=others or None, **first)


def words(line: Line, begin: int, end: int) -> dict[str, Any]:
    """Return the words of a line from one up to another, with their seconds as the rules share them out."""
    texts = line.text.split()
    before, spoken = letters(texts[:begin]), letters(texts[begin:end])
    a_letter = (line.end - line.start) / (letters(texts) or 1)
    return {
        "quote": " ".join(texts[begin:end]),
        "speaker": line.speaker,
        "start": round(line.start + before * a_letter, 2),
        "end": round(line.start + (before + spoken) * a_letter, 2),
        "confidence": line.confidence,
    }


def letters(words: Sequence[str]) -> int:
    """Return how many characters some words have."""
    return len("".join(words))


def heard(rule: Rule, lines: Sequence[Line], place: Place) -> Found:
    """Return that something was said that is required, good, or worth knowing; said too late it is a violation."""
    if rule.kind == SIGNAL:
        return placed(rule, HEARD, lines, place)
    late = too_late(rule, lines, place)
    return placed(rule, VIOLATED if late else MET, lines, place, late)


def too_late(rule: Rule, lines: Sequence[Line], place: Place) -> str:
    """Say by how much something comes too late, "" if it does not. The agent takes the turn with every second line."""
    deadline = rule.deadline
    start = words(lines[place.line], *place.said.places[0])["start"] if deadline else 0.0
    if deadline and deadline.seconds is not None and start > deadline.seconds:
        return f"Said {start - deadline.seconds:.0f} s later than {deadline.seconds:g} s into the call."
    turn = place.line // 2 + 1
    if deadline and deadline.interactions is not None and turn > deadline.interactions:
        return f"Said in interaction {turn}, later than in the first {deadline.interactions}."
    return ""


def omitted(rule: Rule, seconds: float) -> Found:
    """Return that something required was not said, with the window in which it would have counted."""
    where = rule.position
    begin = 0.0 if where.last_seconds is None else max(0.0, seconds - min(where.last_seconds, seconds / 2))
    end = seconds if where.first_seconds is None else min(seconds, where.first_seconds)
    searched = {"start": round(begin, 2), "end": round(end, 2), "nearest": None}
    return plain(rule, OMITTED, explanation="Nothing like it was heard.", searched=searched)
