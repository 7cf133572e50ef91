"""Words into segments: one speaker each, cut where people breathe, stop or take turns."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from callcov_portal.engine.speech.transcript import Segment, Word

PAUSE = 1.0
"""A pause of a second ends a segment."""
LONG = 12.0
"""A segment this long ends with its sentence."""
TOO_LONG = 30.0
ORPHANS = 2
"""So many words of a sentence may have been set on the wrong side of a pause, each this long at most."""
ORPHAN_SECONDS = 0.4
ADJOINING = 0.5
"""They follow the sentence before within so many seconds; words with a pause on both sides were said there."""
SENTENCE_END = (".", "?", "!", "。", "?", "!")
UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue", "bo", "km"})
"""Languages that are written without spaces between words."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A word as the recogniser gave it: a leading space in `text` tells that it is no continuation. `speaker` is a label."""

    text: str
    start: float
    end: float
    confidence: float
    speaker: str = ""


def tidy(words: Iterable[Heard], language: str) -> list[Heard]:
    """Glue continuations ("4" "-11") to the word before, drop empty ones, keep times in order, take away outer spaces."""
    return forward([replace(word, text=word.text.strip()) for word in glued(words, language)])


def glued(words: Iterable[Heard], language: str) -> list[Heard]:
    """Whole words, each with the space before it, out of the pieces as they were recognised."""
    whole: list[Heard] = []
    for word in words:
        if not word.text.strip():
            continue
        start, end = max(0.0, word.start), max(word.start, word.end)
        if whole and not word.text.startswith(" ") and language not in UNSPACED and start - whole[-1].end < PAUSE:
            last = whole[-1]
            text = last.text.rstrip() + word.text.rstrip()
            confidence = min(last.confidence, word.confidence)
            whole[-1] = replace(last, text=text, end=max(last.end, end), confidence=confidence)
        else:
            whole.append(replace(word, start=start, end=end))
    return whole


def forward(words: list[Heard]) -> list[Heard]:
    """Move the first words of a sentence over the pause that they seem to stand before.

    The recogniser hears speech without its pauses; at the seams it sets a word on the wrong side:
    "… team. Hi, | (hold) | are you there?"
    """
    moved = list(words)
    for at in range(1, len(moved) - 1):
        if moved[at + 1].start - moved[at].end < PAUSE or is_end(moved[at]):
            continue
        first = next((back for back in range(at, max(0, at - ORPHANS), -1) if is_end(moved[back - 1])), None)
        if first is not None and moved[first].start - moved[first - 1].end < ADJOINING:
            close_up(moved, first, at)
    return moved


def close_up(words: list[Heard], first: int, last: int) -> None:
    """Set words `first` to `last` directly before the one that follows them."""
    begin = words[last + 1].start
    for at in range(last, first - 1, -1):
        length = min(words[at].end - words[at].start, ORPHAN_SECONDS)
        words[at] = replace(words[at], start=max(0.0, begin - length), end=begin)
        begin = words[at].start


def is_end(word: Heard) -> bool:
    """Whether a sentence ends with it."""
    return word.text.endswith(SENTENCE_END)


def segments(words: list[Heard], language: str) -> list[Segment]:
    """Cut one channel's words into segments."""
    return [segment(stretch, language) for stretch in stretches(words)]


def stretches(words: list[Heard]) -> Iterator[list[Heard]]:
    """Runs of words that belong together."""
    run: list[Heard] = []
    for word in words:
        if run and ends(run, word):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def ends(run: list[Heard], word: Heard) -> bool:
    """Whether `word` begins a new segment."""
    last, so_far = run[-1], run[-1].end - run[0].start
    return (
        word.speaker != last.speaker
        or word.start - last.end >= PAUSE
        or (so_far >= LONG and is_end(last))
        or word.end - run[0].start > TOO_LONG
    )


def segment(run: list[Heard], language: str) -> Segment:
    """A run of words as a segment."""
    words = tuple(Word(w.text, round(w.start, 2), round(w.end, 2), round(w.confidence, 3)) for w in run)
    text = ("" if language in UNSPACED else " ").join(word.text for word in words)
    confidence = round(sum(word.confidence for word in words) / len(words), 3)
    return Segment(run[0].speaker, text, words[0].start, words[-1].end, confidence, words)
