"""Key sentences: the ones that say most about the call, as they were said. No text is made up."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callcov_portal.engine.checks.call import ROLES, Call, seconds
from callcov_portal.engine.speech.transcript import CONTACT, Segment
from callcov_portal.rules import plain

MOST = 5
FEWEST_WORDS, MOST_WORDS = 5, 45
SENTENCE_END = re.compile(r"[.?!]$")
TELLING = ("complaint", "dissatisfaction", "churn", "escalation", "promise", "prohibited", "purpose", "repeat_contact")
"""Checks whose places make a sentence worth reading."""
ALIKE = 0.6
"""Sentences that share more of their words than this say the same."""
COMMON = frozenset(
    """a about all am an and any are as at be because been but by can could did do does for from get got had has have he
    her here him his how i if im in is it its ive just like me my no not now of oh ok okay on one or our out please she
    so some that thats the their them then there they this to up was we well were what when which who will with would
    yeah yes you your youre thank thanks""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of one speaker; times in seconds."""

    text: str
    speaker: str
    start: float
    end: float
    words: frozenset[str]


def check(call: Call) -> list[dict[str, Any]]:
    """The key sentences in order of time, at most five: `{text, speaker, start, end}`, what is sensitive masked."""
    sentences = list(sentences_of(call))
    chosen = pick(sentences, scores(call, sentences))
    return [
        {"text": each.text, "speaker": each.speaker, "start": seconds(each.start), "end": seconds(each.end)}
        for each in sorted(chosen, key=lambda each: each.start)
    ]


def as_text(sentences: Sequence[dict[str, Any]]) -> str:
    """The same as one text that says what it is."""
    lines = [f"{clock(each['start'])} {ROLES[each['speaker']].capitalize()}: {each['text']}" for each in sentences]
    return "\n".join(["Key sentences", *lines]) if lines else ""


def clock(moment: float) -> str:
    """Seconds as `m:ss`."""
    return f"{int(moment) // 60}:{int(moment) % 60:02d}"


def sentences_of(call: Call) -> Iterator[Sentence]:
    """All sentences of a useful length."""
    for segment, masked in zip(call.transcript.segments, call.masked_texts, strict=True):
        for text, start, end in split(segment, masked):
            words = frozenset(plain(text).split()) - COMMON
            if FEWEST_WORDS <= len(text.split()) <= MOST_WORDS and words:
                yield Sentence(text, segment.speaker, start, end, words)


def split(segment: Segment, masked: str) -> Iterator[tuple[str, float, float]]:
    """A segment's sentences with their times. Where something is masked, words and times do not go together: it is one."""
    if masked != segment.text or not segment.words:
        yield masked, segment.start, segment.end
        return
    begin = 0
    for at, word in enumerate(segment.words):
        if SENTENCE_END.search(word.text) or at == len(segment.words) - 1:
            said = segment.words[begin : at + 1]
            yield " ".join(each.text for each in said), said[0].start, said[-1].end
            begin = at + 1


def scores(call: Call, sentences: Sequence[Sentence]) -> list[float]:
    """How much each sentence says: words that the call is about, what the rules heard in it, its place, numbers."""
    often = Counter(word for sentence in sentences for word in sentence.words)
    told = [match.start for check in TELLING for match in call.places(check)]
    reason = next((each for each in sentences if each.speaker == CONTACT), None)
    total = call.transcript.duration_seconds or 1.0
    found = []
    for each in sentences:
        topic = sum(math.log1p(often[word] - 1) for word in each.words) / math.sqrt(len(each.words))
        heard = sum(each.start - 0.5 <= moment <= each.end for moment in told)
        ends = 0.5 if each.start > 0.7 * total else 0.0
        figures = 0.5 if re.search(r"\d|pound|dollar|euro|percent", each.text) else 0.0
        found.append(topic + 1.5 * min(heard, 2) + ends + figures + (2.0 if each is reason else 0.0))
    return found


def pick(sentences: Sequence[Sentence], values: Sequence[float]) -> list[Sentence]:
    """The best sentences that do not say the same."""
    chosen: list[Sentence] = []
    for _value, each in sorted(zip(values, sentences, strict=True), key=lambda pair: (-pair[0], pair[1].start)):
        if len(chosen) < MOST and all(shared(each, other) <= ALIKE for other in chosen):
            chosen.append(each)
    return chosen


def shared(one: Sentence, other: Sentence) -> float:
    """The share of the shorter one's words that the other has, too."""
    return len(one.words & other.words) / min(len(one.words), len(other.words))
