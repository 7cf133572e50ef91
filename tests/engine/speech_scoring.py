"""How well a transcript fits the truth: word error rate and speakers, numbers compared digit by digit."""

import json
import re
from itertools import pairwise
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from callcov_portal.engine.speech.transcript import Transcript

ONES = {
    word: at for at, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
}
ONES |= {
    word: 10 + at
    for at, word in enumerate(
        ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
    )
}
TENS = {
    word: 10 * at
    for at, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
ORDINALS = {"first": "1", "second": "2", "third": "3", "fourth": "4", "fourteenth": "14", "ninth": "9"}


def words_of(text: str) -> list[str]:
    """Plain lower-case words; numbers as single digits, however they were written."""
    text = text.lower().replace("'", "").replace("’", "")
    text = re.sub(r"£(\d+)\.(\d+)", r"\1 pounds and \2 pence", text)
    text = re.sub(r"£(\d+)", r"\1 pounds", text)
    text = re.sub(
        r"(\w)@(\w)",
        r"\1 at \2",
        re.sub(r"([a-z])\.([a-z])", r"\1 dot \2", re.sub(r"([a-z])\.([a-z])", r"\1 dot \2", text)),
    )
    text = re.sub(r"(\d)(st|nd|rd|th)\b", r"\1", text.replace("%", " percent"))
    tokens = [ORDINALS.get(token, token) for token in re.findall(r"[a-z]+|\d", text)]
    return list(letters_joined(numbers_read(tokens)))


def numbers_read(tokens):
    at = 0
    while at < len(tokens):
        value, used = number_at(tokens, at)
        yield from (value if used else [tokens[at]])
        at += used or 1


def number_at(tokens, at):
    """Digits of the number that begins here, and how many words it takes."""
    token, following = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else ""
    if token == "oh" and (following in ONES or following == "oh" or following.isdigit()):
        return ["0"], 1
    used, value = 1, ONES.get(token, TENS.get(token))
    if value is None:
        return [], 0
    if token in TENS and 0 < ONES.get(following, 0) < 10:
        used, value = 2, value + ONES[following]
    if tokens[at + used : at + used + 1] == ["hundred"]:
        value, used = value * 100, used + 1
        skip = used + (tokens[at + used : at + used + 1] == ["and"])
        rest, more = number_at(tokens, at + skip) if at + skip < len(tokens) else ([], 0)
        if more:
            return list(str(value + int("".join(rest)))), skip + more
    return list(str(value)), used


def letters_joined(tokens):
    """`s b` is `sb`."""
    held = ""
    for token in tokens:
        if len(token) == 1 and token.isalpha() and token not in {"a", "i"}:
            held += token
            continue
        if held:
            yield held
            held = ""
        yield token
    if held:
        yield held


def said(turns) -> list[tuple[str, str]]:
    """(word, speaker) in order."""
    return [(word, speaker) for speaker, text in turns for word in words_of(text)]


def truth_of(path: Path):
    turns = json.loads(path.read_text())["turns"]
    return [("A" if turn["role"] == "agent" else "B", turn["text"]) for turn in turns]


def errors_by_speaker(heard: Transcript, truth) -> float:
    """Word error rate with each speaker's words compared apart: a word given to the wrong one counts twice."""
    wrong = total = 0
    for speaker in "AB":
        reference = [word for word, who in said(truth) if who == speaker]
        found = [word for word, who in said((s.speaker, s.text) for s in heard.segments) if who == speaker]
        wrong, total = wrong + Levenshtein.distance(reference, found), total + len(reference)
    return wrong / total


def errors(heard: Transcript, truth) -> float:
    """Word error rate whoever spoke."""
    reference = [word for word, _ in said(truth)]
    return Levenshtein.distance(
        reference, [word for word, _ in said((s.speaker, s.text) for s in heard.segments)]
    ) / len(reference)


def right_speakers(heard: Transcript, truth) -> float:
    """Share of the recognised words that are given to the right speaker."""
    reference, found = said(truth), said((s.speaker, s.text) for s in heard.segments)
    pairs = [
        (reference[block.src_start + at], found[block.dest_start + at])
        for block in Levenshtein.opcodes([w for w, _ in reference], [w for w, _ in found])
        if block.tag == "equal"
        for at in range(block.src_end - block.src_start)
    ]
    return sum(a[1] == b[1] for a, b in pairs) / len(pairs)


def in_order(heard: Transcript) -> bool:
    """Segments by start; words in order, inside their segment, making up its text."""
    return all(a.start <= b.start for a, b in pairwise(heard.segments)) and all(
        " ".join(word.text for word in each.words) == each.text
        and all(a.start <= b.start for a, b in pairwise(each.words))
        and each.start <= each.words[0].start <= each.words[-1].end <= each.end
        for each in heard.segments
    )
