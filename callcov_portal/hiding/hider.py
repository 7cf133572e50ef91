"""The secrets of a transcript, found wherever else they are told."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from callcov_portal import rules
from callcov_portal.rules.digits import WORDS, luhn

HIDDEN = "[sensitive data]"
"""What stands in place of what the API alone calls sensitive; what we find has the marks of `rules.MARKS`."""
MARK = re.compile("|".join(re.escape(mark) for mark in [*rules.MARKS.values(), HIDDEN]))
SHORTEST = 3  # characters: of a secret that a quote cut in two, a smaller rest tells nothing
MAY_HIDE = re.compile(
    rf"\d|@|\b(?:at|{'|'.join(WORDS)})\b", re.IGNORECASE
)  # without any of these no rule finds a thing
LONGEST_QUOTE = 2000  # characters
APART = r"\W+"  # between two words


@dataclass(frozen=True)
class Run:
    """Words of a text that are hidden: their numbers (`last` not included), and the mark in their place."""

    first: int
    last: int
    mark: str


def runs(text: str, masked: str) -> list[Run]:
    """Return which words of a text its masked form hides."""
    said, shown = text.split(), masked.split()
    matcher = SequenceMatcher(None, said, shown, autojunk=False)
    return [
        Run(first, last, mark_in(shown[begin:end]))
        for what, first, last, begin, end in matcher.get_opcodes()
        if what != "equal" and last > first
    ]


def name_of(kind: str) -> str:
    """Return a kind of sensitive data in words: `cvv` is a security code."""
    mark = rules.MARKS.get(kind)
    return mark.strip("[]") if mark else kind.replace("_", " ").lower()


def mark_in(words: Iterable[str]) -> str:
    """Return the first mark among words."""
    found = MARK.search(" ".join(words))
    return found[0] if found else HIDDEN


class Hider:
    """Hides the secrets of one transcript wherever else they are told, however they are written there."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """`pairs`: text and masked text of the segments in which something is hidden."""
        found = set(secrets(pairs))
        self.whole = Replacement({told: mark for words, mark in found for told in told_in_full(words)})
        self.cut = Replacement({told: mark for words, mark in found for told in told_in_part(words)})

    def hide(self, text: str) -> str:
        """Return the text with the transcript's secrets, and whatever else our rules find in it, replaced by marks."""
        if MAY_HIDE.search(text):
            text = rules.mask(text)
        text = self.whole.in_text(text)
        return self.cut.in_text(text) if len(text) <= LONGEST_QUOTE else text

    def hide_all(self, value: Any) -> Any:
        """Return a value of JSON with every text in it, and every number that can be a card's, hidden alike."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self.hide(key): self.hide_all(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.hide_all(item) for item in value]
        if isinstance(value, int) and 13 <= len(str(value)) <= 19 and luhn(str(abs(value))):
            return rules.MARKS["card_number"]
        return value


class Replacement:
    """Patterns, each with the mark that takes its place; the longest comes first."""

    def __init__(self, marks: dict[str, str]) -> None:
        ordered = sorted(marks, key=len, reverse=True)
        self.marks = [marks[pattern] for pattern in ordered]
        self.pattern = re.compile("|".join(f"({pattern})" for pattern in ordered), re.IGNORECASE) if marks else None

    def in_text(self, text: str) -> str:
        """Return the text with its marks."""
        if self.pattern is None:
            return text
        return self.pattern.sub(lambda found: self.marks[(found.lastindex or 1) - 1], text)


def secrets(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the words of each secret, without punctuation, and its mark; what is too short to be one is left out."""
    for text, masked in pairs:
        words = text.split()
        for run in runs(text, masked):
            parts = tuple(part for word in words[run.first : run.last] for part in re.findall(r"\w+", word))
            if len("".join(parts)) >= SHORTEST:
                yield parts, run.mark


def told_in_full(words: Sequence[str]) -> Iterator[str]:
    """Yield the patterns of a secret told in its words, or in its digits."""
    yield in_a_row(words, APART)
    digits = "".join(WORDS.get(word.lower(), word if word.isdigit() else "") for word in words)
    if len(digits) >= SHORTEST:
        yield in_a_row(digits, r"[\W_]?")


def told_in_part(words: Sequence[str]) -> Iterator[str]:
    """Yield the patterns of a secret's end at the begin of a text, and of its begin at the end of one."""
    for cut in range(1, len(words)):
        if len("".join(words[cut:])) >= SHORTEST:
            yield rf"\A\W*{in_a_row(words[cut:], APART)}"
        if len("".join(words[:cut])) >= SHORTEST:
            yield rf"{in_a_row(words[:cut], APART)}\W*\Z"


def in_a_row(parts: Iterable[str], between: str) -> str:
    """Return the pattern of these parts one after the other, as whole words."""
    return rf"(?<!\w){between.join(map(re.escape, parts))}(?!\w)"
