"""What of a call must not be seen and heard: found by our rules, or named by the API where we found nothing."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callcov_portal import rules
from callcov_portal.hiding.hider import HIDDEN
from callcov_portal.reading.generic import number, seconds_of
from callcov_portal.reading.speakers import NAMED, UNKNOWN
from callcov_portal.rules.words import timed_words

NEAR = 1.0  # seconds: what we found so near to an instance of the API is that instance
ASSUMED = 5.0  # seconds that an instance lasts which says no end, where nobody speaks
KIND_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to: for each segment its masked text ("" where nothing is hidden), and the sensitive spans."""

    masked: list[str]
    spans: list[rules.Sensitive]


def look(segments: Sequence[rules.SpokenSegment], results: Any) -> Looked:
    """Find what is sensitive in a transcript. Pure: equal input, equal output; never raises on odd results."""
    found = rules.sensitive(segments)
    found += given(results, segments, found)
    texts = rules.masked_texts(segments, found)
    masked = [text if text != segment.text else "" for text, segment in zip(texts, segments, strict=True)]
    return Looked(masked, sorted(found, key=lambda each: each.start))


def given(
    results: Any, segments: Sequence[rules.SpokenSegment], found: Sequence[rules.Sensitive]
) -> list[rules.Sensitive]:
    """Return the instances of sensitive data that the results name, without those that were found already."""
    own = [spanned(instance, segments) for instance in instances(results)]
    return [each for each in own if not any(is_near(each, ours) for ours in found)]


def instances(results: Any) -> Iterator[dict[str, Any]]:
    """Yield the instances of `compliance.sensitive_data` that point at a second."""
    compliance = results.get("compliance") if isinstance(results, dict) else None
    check = compliance.get("sensitive_data") if isinstance(compliance, dict) else None
    listed = check.get("instances") if isinstance(check, dict) else None
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and seconds_of(item) is not None:
            yield item


def spanned(instance: dict[str, Any], segments: Sequence[rules.SpokenSegment]) -> rules.Sensitive:
    """Return an instance with its words; one that says no end lasts until whoever speaks has done."""
    start, end = seconds_of(instance) or 0.0, number(instance.get("end"))
    spoken = [segment for segment in segments if segment.start <= start < segment.end]
    if end is None or end < start:
        end = max((segment.end for segment in spoken), default=start + ASSUMED)
    kind, speaker = instance.get("type"), instance.get("speaker")
    named = NAMED.get(speaker.strip().casefold(), "") if isinstance(speaker, str) else ""
    return rules.Sensitive(
        kind=kind[:KIND_LENGTH] if isinstance(kind, str) and kind else "sensitive_data",
        speaker=named or (spoken[0].speaker if spoken else UNKNOWN),
        start=start,
        end=end,
        masked=HIDDEN,
        words=tuple(words_between(segments, start, end)),
    )


def words_between(segments: Sequence[rules.SpokenSegment], start: float, end: float) -> Iterator[tuple[int, int]]:
    """Yield the numbers of the words that are spoken between two seconds, by whomever."""
    for position, segment in enumerate(segments):
        if segment.start < end and segment.end > start:
            for at, (_text, begin, finish, _confidence) in enumerate(timed_words(segment)):
                if begin < end and finish > start:
                    yield position, at


def is_near(one: rules.Sensitive, other: rules.Sensitive) -> bool:
    """Say whether two pieces speak of the same seconds."""
    return one.start - NEAR <= other.end and other.start - NEAR <= one.end


def fingerprint(spans: Iterable[tuple[float, float]]) -> str:
    """Return the hash by which equal spans are known again, in whatever order."""
    return hashlib.sha256(json.dumps(sorted(set(spans))).encode()).hexdigest()
