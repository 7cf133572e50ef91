"""E-mail addresses as recognisers write them, or as people spell them: `name at example dot com`."""

import re
from collections.abc import Callable, Iterator, Sequence

from callcov_portal.rules.digits import Spoken

A_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*\.(com|net|org|edu|gov|co|uk|us|io|info|biz|ie|de|fr|es|nl|ca|au)")
AN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*\.?")
JOINTS = frozenset({"dot", "underscore", "dash", "hyphen", "point"})
LONGEST = 16  # words of a spelt address


def addresses(words: Sequence[Spoken], about_mail: Callable[[Spoken], bool]) -> Iterator[tuple[int, int]]:
    """Where one speaker's addresses are: numbers of first and last word. `about_mail` says if mail was spoken of."""
    at, said = 0, [bare(word) for word in words]
    while at < len(words):
        length = length_of(words[at], said[at : at + LONGEST], about_mail)
        if length:
            yield at, at + length - 1
        at += length or 1


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


def bare(word: Spoken) -> str:
    """As written, without the sentence's punctuation."""
    return word.text.strip(".,;:!?\"'()").lower()
