"""Sensitive data that was spoken. Masked generously: a number too many rather than one too few."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from callcov_portal.rules.addresses import JOINTS, addresses
from callcov_portal.rules.dates import date_spans
from callcov_portal.rules.digits import DigitRun, Spoken, digit_runs, goes_on, luhn, words_of
from callcov_portal.rules.stored import stored
from callcov_portal.rules.values import SpokenSegment

BEFORE_SECONDS = 15.0
"""How long before a number its meaning may have been named, by either speaker."""
BIRTH_SECONDS = 30.0
"""The same for a date of birth: it is often asked for together with a name and an address, which come first."""
AFTER_WORDS = 6
MARKS = {
    "card_number": "[card number]",
    "card_expiry": "[card expiry]",
    "cvv": "[security code]",
    "ssn": "[social security number]",
    "phone_number": "[phone number]",
    "email": "[e-mail address]",
    "date_of_birth": "[date of birth]",
}
"""The kinds, and what stands in a text in their place."""
NAMES = {
    "card": r"card|cards|visa|mastercard|master card|amex|american express|long number|sixteen digit|16 digit|discover",
    "expiry": r"expiry|expires|expiration|valid until|valid thru|valid through",
    "code": r"(?<!social )security (?:code|number)|cvv|cvc|cv2|cvb|c v v|(?:three|3|four|4) digits?|last three"
    r"|digits on the back|signature strip|verification (?:code|number|value)",
    "social": r"social security|social|ssn|s s n",
    "phone": r"phone|telephone|mobile|cell|landline|call (?:you|me) back|call (?:you|me) on|reach (?:you|me)"
    r"|contact number|ring (?:you|me)|best number|callback number|area code|number to (?:call|reach)",
    "birth": r"date of birth|birth ?date|birthday|born|dob|d o b",
    "other": r"account number|reference|order number|policy number|ticket|case number|tracking|invoice|booking number"
    r"|confirmation number|confirmation code|claim number|meter|serial|member number|membership number",
}
"""Words by which people name the kind of number that follows."""
NOT_CODES = ("expiry", "social")
"""Kinds of which people also say "the last four digits"."""
NAMED = {kind: re.compile(rf"\b(?:{words})\b") for kind, words in NAMES.items()}
ABOUT_CARD = re.compile(rf"\b(?:{NAMES['card']})\b")
ABOUT_MAIL = re.compile(r"\be ?mail")
A_DOT_WITHIN = re.compile(r"\.[\w-]")
A_PART_OF_BIRTH = re.compile(r"birth|born|\b(?:dob|b)\b")
AN_SSN = re.compile(r"\d{3}[- ]\d{2}[- ]\d{4}\W*")
SECONDS_PER_WORD = 0.4
"""A lone text has no times; it is taken to be spoken at this pace."""
SHORTEST = 3
"""Digits: fewer are nothing sensitive, whatever was said before."""
CARD_DIGITS = 12
BETWEEN_WORDS, BETWEEN_SECONDS = 4, 8.0
"""A card number goes on after so many other words ("yes", "got that"), within so many seconds."""


@dataclass(frozen=True, slots=True)
class Sensitive:
    """One piece of sensitive data: where it is, never what it is. Seconds from the recording's start."""

    kind: str
    """One of MARKS."""
    speaker: str
    start: float
    end: float
    masked: str
    words: tuple[tuple[int, int], ...]
    """Its words: numbers of segment and of word in it (of the words that make up the segment's text)."""


def sensitive(segments: Sequence[SpokenSegment]) -> list[Sensitive]:
    """Find what is sensitive in a call, in order of time."""
    said = words_of(segments)
    everything = sorted(said, key=attrgetter("start"))
    possible = kinds_possible(said)
    found: list[Sensitive] = []
    for speaker in sorted({word.speaker for word in said}):
        words = [word for word in said if word.speaker == speaker]
        found += of_speaker(words, everything, possible)
    return sorted(found, key=lambda each: each.start)


def kinds_possible(said: Sequence[Spoken]) -> set[str]:
    """Which kinds there can be at all beside numbers: of addresses and births there is no word in most calls."""
    plain, written = {word.plain for word in said}, " ".join({word.text for word in said})
    has_mail = "@" in written or A_DOT_WITHIN.search(written) or not JOINTS.isdisjoint(plain)
    has_birth = A_PART_OF_BIRTH.search(" ".join(plain))
    return {kind for kind, has in (("email", has_mail), ("date_of_birth", has_birth)) if has}


def of_speaker(words: Sequence[Spoken], everything: Sequence[Spoken], possible: set[str]) -> Iterator[Sensitive]:
    """One speaker's. No word belongs to two pieces."""
    taken: set[int] = set()
    found: list[tuple[str, int, int]] = []
    if "email" in possible:
        mail = addresses(words, lambda word: ABOUT_MAIL.search(named_before(everything, word.end)) is not None)
        found += [("email", *span) for span in mail]
    if "date_of_birth" in possible:
        births = (span for span in date_spans(words) if is_birth(words, span, everything))
        found += [("date_of_birth", *span) for span in births]
    for kind, first, last in [*found, *numbers(words, everything)]:
        if not taken & set(range(first, last + 1)):
            taken |= set(range(first, last + 1))
            yield piece(kind, words[first : last + 1])


def is_birth(words: Sequence[Spoken], span: tuple[int, int], everything: Sequence[Spoken]) -> bool:
    """Whether a date is somebody's birth: that was what was spoken of last, or is named right after."""
    first, last = span
    if NAMED["birth"].search(said_after(words, last)):
        return True
    before = named_before(everything, words[first].start, BIRTH_SECONDS)
    return NAMED["birth"].search(before) is not None and latest_of(last_named(before)) == "birth"


def numbers(words: Sequence[Spoken], everything: Sequence[Spoken]) -> Iterator[tuple[str, int, int]]:
    """One speaker's numbers that are sensitive: kind, first and last word."""
    runs = list(digit_runs(words))
    at = 0
    while at < len(runs):
        run, used = in_parts(words, runs[at:])
        if len(run.digits) >= SHORTEST:
            before = named_before(everything, words[run.first].start)
            if used > 1 and not ABOUT_CARD.search(before):
                run, used = runs[at], 1
            kind = kind_of(run, before, said_after(words, run.last)) or by_form(words, run)
            if kind:
                yield kind, run.first, run.last
        at += used


def in_parts(words: Sequence[Spoken], runs: Sequence[DigitRun]) -> tuple[DigitRun, int]:
    """The first run, and how many runs it takes if it is a card number that was read with other words between."""
    run = joined = runs[0]
    used = 1
    if len(run.digits) >= CARD_DIGITS:
        return run, used
    for following in runs[1:]:
        near = following.first - joined.last - 1 <= BETWEEN_WORDS
        end, begin = words[joined.last], words[following.first]
        soon = begin.start - end.end <= BETWEEN_SECONDS and goes_on(end, begin)
        if not (near and soon) or len(joined.digits) + len(following.digits) > 19:
            break
        joined, used = DigitRun(joined.digits + following.digits, joined.first, following.last), used + 1
        if len(joined.digits) >= 15:
            break
    return (joined, used) if len(joined.digits) >= CARD_DIGITS else (run, 1)


def said_after(words: Sequence[Spoken], last: int) -> str:
    """What the same speaker said right after a word."""
    return " ".join(word.plain for word in words[last + 1 : last + 1 + AFTER_WORDS])


def named_before(everything: Sequence[Spoken], moment: float, seconds: float = BEFORE_SECONDS) -> str:
    """What either speaker said in the seconds before, segment by segment; `everything` is in order of start."""
    first, last = (bisect_left(everything, at, key=lambda word: word.start) for at in (moment - seconds, moment))
    return " ".join(word.plain for word in sorted(everything[first:last], key=lambda word: word.number))


def kind_of(run: DigitRun, before: str, after: str) -> str:
    """What a run of digits is, judged by its length and what was said around it; empty if nothing sensitive."""
    count, named = len(run.digits), last_named(before)
    latest = latest_of(named)
    about_card = bool(named.keys() & {"card", "expiry", "code"} or ABOUT_CARD.search(after))
    kinds = {
        "card_number": (13 <= count <= 19 and luhn(run.digits))
        or (count >= CARD_DIGITS and about_card)
        or (count >= 13 and latest not in {"phone", "other"}),  # more digits: it was read twice
        "cvv": count in {3, 4} and "code" in named and named["code"] > max(named.get(kind, -1) for kind in NOT_CODES),
        "card_expiry": 3 <= count <= 8 and "expiry" in named,
        "ssn": latest == "social" and (count in {3, 4, 5} or 8 <= count <= 10),
        "phone_number": (7 <= count <= 15 and latest == "phone") or (count in {10, 11} and latest != "other"),
    }
    return next((kind for kind, fits in kinds.items() if fits), "")


def by_form(words: Sequence[Spoken], run: DigitRun) -> str:
    """What a number is by its form alone: `123-45-6789`."""
    text = " ".join(word.text for word in words[run.first : run.last + 1])
    return "ssn" if AN_SSN.fullmatch(text) else ""


def last_named(before: str) -> dict[str, int]:
    """The kinds of number that were named, each with where it was named last."""
    found = {kind: [match.end() for match in pattern.finditer(before)] for kind, pattern in NAMED.items()}
    return {kind: ends[-1] for kind, ends in found.items() if ends}


def latest_of(named: dict[str, int]) -> str:
    """The kind that was named last; empty if none was."""
    return max(named, key=lambda kind: named[kind], default="")


def piece(kind: str, words: Sequence[Spoken]) -> Sensitive:
    """One piece, without the data itself."""
    places = tuple((word.segment, word.word) for word in words)
    return Sensitive(kind, words[0].speaker, words[0].start, words[-1].end, MARKS[kind], places)


def masked_texts(segments: Sequence[SpokenSegment], found: Sequence[Sensitive]) -> list[str]:
    """Each segment's text with what was found replaced by its mark; its punctuation stays."""
    marks: dict[int, dict[int, Sensitive]] = {}
    for each in found:
        for segment, word in each.words:
            marks.setdefault(segment, {})[word] = each
    return [
        masked_text(segment.text, marks[number]) if number in marks else segment.text
        for number, segment in enumerate(segments)
    ]


def masked_text(text: str, marks: dict[int, Sensitive]) -> str:
    """One text, some of whose words, by their number, are marked."""
    shown: list[str] = []
    for at, word in enumerate(text.split()):
        here = marks.get(at)
        if here is None:
            shown.append(word)
        elif here is marks.get(at - 1):
            shown[-1] = here.masked + ending(word)
        else:
            shown.append(here.masked + ending(word))
    return " ".join(shown)


def ending(word: str) -> str:
    """The punctuation with which a word ends."""
    return word[len(word.rstrip(".,;:!?)")) :]


def mask(text: str) -> str:
    """A lone text with what is sensitive in it replaced by marks; a text without is returned as it is."""
    lone = stored("", text, 0.0, SECONDS_PER_WORD * len(text.split()))
    found = sensitive([lone])
    return masked_texts([lone], found)[0] if found else text
