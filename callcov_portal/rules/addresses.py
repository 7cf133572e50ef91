"""E-mail addresses as recognisers write them, or as people spell them: `name at example dot com`."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from callcov_portal.rules.digits import Spoken

A_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*\.(com|net|org|edu|gov|co|uk|us|io|info|biz|ie|de|fr|es|nl|ca|au)")
AN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*\.?")
JOINTS = frozenset({"dot", "underscore", "dash", "hyphen", "point"})
LONGEST = 16  # words of a spelt address


def addresses(words: Sequence[Spoken], about_mail: Callable[[Spoken], bool]) -> Iterator[tuple[int, int]]:
    """Where one speaker's addresses are: numbers of first and last word. `about_mail` says if mail was spoken of."""
    said = [bare(word.text) for word in words]
    end = 0
    for at in begins(said):
        length = length_of(words[at], said[at : at + LONGEST], about_mail) if at >= end else 0
        if length:
            end = at + length
            yield at, end - 1


def begins(said: Sequence[str]) -> list[int]:
    """The numbers of words with which an address may begin, in order; of most calls these are few."""
    found: set[int] = set()
    for at, text in enumerate(said):
        if text == "at":
            found.update(names_before(said, at))
        elif "@" in text or "." in text:
            found.add(at)
    return sorted(found)


def names_before(said: Sequence[str], at: int) -> Iterator[int]:
    """Where `word`, `word dot word`, `word dot word dot word` … begin that end before this word."""
    begin = at - 1
    while begin >= 0:
        yield begin
        begin = begin - 2 if begin and said[begin - 1] in JOINTS else -1


def length_of(word: Spoken, said: Sequence[str], about_mail: Callable[[Spoken], bool]) -> int:
    """How many words the address takes that begins with a word; 0 if there is none. `said` is it and what follows, bare."""
    text = said[0]
    if "@" in text:
        return 1 if AN_ADDRESS.fullmatch(text) else 0
    here = joined(said, 0)
    if here < len(said) and said[here] == "at":
        return spelt(said, here, about_mail=about_mail(word))
    return 1 if A_DOMAIN.fullmatch(text) and about_mail(word) else 0


def spelt(said: Sequence[str], here: int, *, about_mail: bool) -> int:
    """How many words `name at domain` takes, `at` being word `here`; `look at example.com` is one only in talk of mail."""
    there = joined(said, here + 1)
    domain = ".".join(word for word in said[here + 1 : there] if word not in JOINTS)
    by_letters = here > 1 or there - here > 2
    return there if A_DOMAIN.fullmatch(domain) and (by_letters or about_mail) else 0


def joined(said: Sequence[str], at: int) -> int:
    """The end of `word dot word dot word …` from here."""
    end = at + 1
    while end + 1 < len(said) and said[end] in JOINTS:
        end += 2
    return end


@lru_cache(maxsize=20_000)
def bare(text: str) -> str:
    """A word as written, without the sentence's punctuation."""
    return text.strip(".,;:!?\"'()").lower()
