"""Requirement 5: sensitive data that was spoken. Masked generously: a number too many rather than one too few."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from callcov_portal.engine.checks.call import Call, not_assessed, seconds
from callcov_portal.engine.checks.digits import DigitRun, Spoken, digit_runs, luhn, masked, words_of

BEFORE_SECONDS = 15.0
"""How long before a number its meaning may have been named, by either speaker."""
AFTER_WORDS = 6
KINDS = {
    "card": r"card|cards|visa|mastercard|master card|amex|american express|long number|sixteen digit|16 digit",
    "expiry": r"expiry|expires|expiration|valid until|valid thru",
    "code": r"(?<!social )security (?:code|number)|cvv|cvc|cv2|(?:three|3) digits?|last three|digits on the back|signature strip",
    "social": r"social security|social|ssn",
    "phone": r"phone|telephone|mobile|cell|landline|call (?:you|me) back|call you on|reach (?:you|me)|contact number|ring you",
    "other": r"account number|reference|order number|policy number|ticket|case number|tracking|invoice",
}
"""Words by which people name the kind of number that follows."""
A_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*\.(com|net|org|edu|gov|co|uk|us|io|info|biz|ie|de|fr|es|nl|ca|au)")
AN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*")
JOINTS = {"dot", "underscore", "dash", "hyphen", "point"}


def check(call: Call) -> dict[str, Any]:
    """`{shared, instances}`; what an instance holds is ours: type, timestamp, end, speaker and the masked words, never the raw ones."""
    if not call.transcript.segments:
        return {"shared": False, "instances": [], **not_assessed("Nothing was said.")}
    said = words_of(call.transcript.segments)
    everything = sorted(said, key=lambda word: word.start)
    found: list[dict[str, Any]] = []
    for speaker in sorted({word.speaker for word in said}):
        words = [word for word in said if word.speaker == speaker]
        found += numbers(words, everything)
        found += addresses(words, everything)
    found.sort(key=lambda instance: float(instance["timestamp"]))
    return {"shared": bool(found), "instances": found}


def numbers(words: Sequence[Spoken], everything: Sequence[Spoken]) -> Iterator[dict[str, Any]]:
    """One speaker's numbers that are sensitive."""
    for run in digit_runs(words):
        begin = words[run.first].start
        before = named_before(everything, begin)
        after = " ".join(word.plain for word in words[run.last + 1 : run.last + 1 + AFTER_WORDS])
        if kind := kind_of(run, before, after):
            yield instance(kind, words[run.first : run.last + 1])


def named_before(everything: Sequence[Spoken], moment: float) -> str:
    """What either speaker said in the seconds before, segment by segment; `everything` is in order of start."""
    first, last = (bisect_left(everything, at, key=lambda word: word.start) for at in (moment - BEFORE_SECONDS, moment))
    return " ".join(word.plain for word in sorted(everything[first:last], key=lambda word: word.number))


def kind_of(run: DigitRun, before: str, after: str) -> str:
    """What a run of digits is, judged by its length and what was said around it; empty if nothing sensitive."""
    count, named = len(run.digits), last_named(before)
    latest = max(named, key=lambda kind: named[kind], default="")
    about_card = bool(named.keys() & {"card", "expiry", "code"} or re.search(rf"\b({KINDS['card']})\b", after))
    kinds = {
        "card_number": (13 <= count <= 19 and luhn(run.digits))
        or (count >= 12 and about_card)
        or (13 <= count <= 19 and latest not in {"phone", "other"}),
        "cvv": count in {3, 4} and "code" in named and named["code"] > named.get("expiry", -1),
        "card_expiry": 3 <= count <= 8 and "expiry" in named,
        "ssn": count in {4, 9} and latest == "social",
        "phone_number": (7 <= count <= 15 and latest == "phone") or (count in {10, 11} and latest != "other"),
    }
    return next((kind for kind, fits in kinds.items() if fits), "")


def last_named(before: str) -> dict[str, int]:
    """The kinds of number that were named, each with where it was named last."""
    found = {kind: [match.end() for match in re.finditer(rf"\b({words})\b", before)] for kind, words in KINDS.items()}
    return {kind: ends[-1] for kind, ends in found.items() if ends}


def addresses(words: Sequence[Spoken], everything: Sequence[Spoken]) -> Iterator[dict[str, Any]]:
    """One speaker's e-mail addresses: written by the recogniser, or spelt out as `name at example dot com`."""
    at = 0
    while at < len(words):
        about_mail = re.search(r"\be ?mail", named_before(everything, words[at].end)) is not None
        length = spelt_address(words, at, about_mail=about_mail)
        text = bare(words[at])
        if not length and (AN_ADDRESS.fullmatch(text) or (about_mail and A_DOMAIN.fullmatch(text))):
            length = 1
        if length:
            yield instance("email", words[at : at + length], hidden="•••@•••")
        at += length or 1


def spelt_address(words: Sequence[Spoken], at: int, *, about_mail: bool) -> int:
    """How many words an address takes that is spelt out from this word on, 0 if there is none.

    `look at example.com` is one only where an e-mail address was spoken of.
    """
    said = [bare(word) for word in words[at : at + 16]]
    here = joined(said, 0)
    if here >= len(said) or said[here] != "at":
        return 0
    there = joined(said, here + 1)
    domain = ".".join(word for word in said[here + 1 : there] if word not in JOINTS)
    spelt = here > 1 or there - here > 2
    return there if A_DOMAIN.fullmatch(domain) and (spelt or about_mail) else 0


def joined(said: Sequence[str], at: int) -> int:
    """The end of `word dot word dot word …` from here."""
    end = at + 1
    while end + 1 < len(said) and said[end] in JOINTS:
        end += 2
    return end


def bare(word: Spoken) -> str:
    """As written, without the sentence's punctuation."""
    return word.text.strip(".,;:!?\"'()").lower()


def instance(kind: str, words: Sequence[Spoken], hidden: str = "") -> dict[str, Any]:
    """One finding, without the data itself."""
    return {
        "type": kind,
        "timestamp": seconds(words[0].start),
        "end": seconds(words[-1].end),
        "speaker": words[0].speaker,
        "masked": hidden or masked(words),
    }
