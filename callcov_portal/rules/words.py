"""What was said, as words that can be compared: plain, timed, in the order of the segments."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from callcov_portal.rules.values import SpokenSegment

SAME_BREATH = 2.0  # seconds between two segments of one speaker, across which a phrase may run
LISTENING = frozenset(["mhm", "mm", "mmm", "hm", "hmm", "uh", "huh", "um", "ah", "aha", "oh"])


@dataclass(frozen=True, slots=True)
class Token:
    """A word as matched, and where it was said."""

    plain: str
    text: str
    start: float
    end: float
    confidence: float | None
    segment: int
    word: int
    """Its number in the segment."""
    interaction: int


class Speech:
    """All that one speaker said, as tokens. `breaths` are the numbers of the tokens with which a breath begins."""

    def __init__(self, speaker: str) -> None:
        self.speaker = speaker
        self.tokens: list[Token] = []
        self.breaths: list[int] = []
        self._windows: dict[int, list[str]] = {}

    def windows(self, size: int) -> list[str]:
        """For every token the `size` tokens from it on, joined; "" where these are not of one breath."""
        if size not in self._windows:
            plain = self.plain
            joined: list[str] = [" ".join(plain[at : at + size]) for at in range(len(plain) - size + 1)]
            for begin in self.breaths[1:]:
                for at in range(max(0, begin - size + 1), min(begin, len(joined))):
                    joined[at] = ""
            self._windows[size] = joined
        return self._windows[size]

    @cached_property
    def plain(self) -> list[str]:
        """The words alone."""
        return [token.plain for token in self.tokens]


def speeches_of(segments: Sequence[SpokenSegment]) -> list[Speech]:
    """Each speaker's tokens, in order."""
    speeches: dict[str, Speech] = {}
    for number, (segment, interaction) in enumerate(zip(segments, interactions(segments), strict=True)):
        tokens = list(tokens_of(segment, number, interaction))
        if not tokens:
            continue
        speech = speeches.setdefault(segment.speaker, Speech(segment.speaker))
        if not speech.tokens or segment.start - speech.tokens[-1].end > SAME_BREATH:
            speech.breaths.append(len(speech.tokens))
        speech.tokens += tokens
    return list(speeches.values())


def interactions(segments: Sequence[SpokenSegment]) -> list[int]:
    """For each segment, the number of its speaker's interaction: it rises when the other one has spoken between.

    Who only says "mhm", or is done before the other one is, has not taken the turn.
    """
    numbers: list[int] = []
    counts: dict[str, int] = {}
    previous, spoken_until = None, 0.0
    for segment in segments:
        listens = segment.end < spoken_until or set(plain(segment.text).split()) <= LISTENING
        if segment.speaker != previous and not (previous and listens):
            counts[segment.speaker] = counts.get(segment.speaker, 0) + 1
            previous, spoken_until = segment.speaker, segment.end
        elif segment.speaker == previous:
            spoken_until = max(spoken_until, segment.end)
        numbers.append(counts.setdefault(segment.speaker, 1))
    return numbers


def tokens_of(segment: SpokenSegment, number: int, interaction: int) -> Iterable[Token]:
    """The segment's words without punctuation."""
    for at, (text, start, end, confidence) in enumerate(timed_words(segment)):
        for part in plain(text).split():
            yield Token(part, text, start, end, confidence, number, at, interaction)


def timed_words(segment: SpokenSegment) -> Iterator[tuple[str, float, float, float | None]]:
    """The words that make up the segment's text, with times in seconds and the recogniser's confidence.

    A transcript without word times, or with words that are not those of its text, gets them by the words' lengths.
    """
    texts = segment.text.split()
    if segment.words and [word.text for word in segment.words] == texts:
        for word in segment.words:
            yield word.text, word.start, word.end, getattr(word, "confidence", None)
        return
    for text, start, end in share_out(texts, segment.start, segment.end):
        yield text, start, end, None


def share_out(texts: list[str], start: float, end: float) -> Iterator[tuple[str, float, float]]:
    """Words over a stretch of time, each as long as its letters."""
    total, spoken = sum(map(len, texts)) or 1, 0
    for text in texts:
        begin, spoken = spoken, spoken + len(text)
        yield text, start + (end - start) * begin / total, start + (end - start) * spoken / total


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """Lower case, no punctuation, one space: `That's “fine”.` → `thats fine`."""
    return " ".join(re.findall(r"\w+", re.sub(r"['’`]", "", text.lower()).replace("_", " ")))
