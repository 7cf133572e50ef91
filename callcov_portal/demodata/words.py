"""Invented words and names: a few that are heard all the time, and a long tail of rare ones."""

import random
from collections.abc import Iterator
from functools import cache
from itertools import islice

TAIL = 50_000
BEGINNINGS = [
    "al",
    "be",
    "bri",
    "ca",
    "cor",
    "da",
    "del",
    "e",
    "fal",
    "fen",
    "ga",
    "gre",
    "ha",
    "hol",
    "i",
    "ka",
    "kel",
    "la",
    "lin",
    "lo",
    "ma",
    "mel",
    "ne",
    "nor",
    "o",
    "pa",
    "pe",
    "ra",
    "ro",
    "sa",
    "sel",
    "ta",
    "tor",
    "u",
    "va",
    "vel",
    "wil",
    "ya",
    "ze",
]
MIDDLES = [
    "ba",
    "cor",
    "da",
    "den",
    "fi",
    "ga",
    "lan",
    "li",
    "lo",
    "mar",
    "mi",
    "na",
    "nel",
    "ni",
    "po",
    "ra",
    "ri",
    "ro",
    "san",
    "si",
    "ta",
    "ter",
    "ti",
    "va",
    "vo",
]
ENDINGS = [
    "ba",
    "dine",
    "dor",
    "fin",
    "ga",
    "lar",
    "lex",
    "lin",
    "lo",
    "lux",
    "mar",
    "mo",
    "na",
    "nex",
    "nia",
    "ra",
    "ris",
    "ro",
    "sa",
    "sol",
    "ta",
    "tex",
    "tor",
    "va",
    "vex",
    "vio",
    "x",
    "zon",
]
PLACES = [
    "Ashford",
    "Barnet",
    "Corby",
    "Dunmore",
    "Eastham",
    "Fenwick",
    "Garston",
    "Halden",
    "Ilford",
    "Kenton",
    "Larkhill",
    "Marlow",
    "Norwood",
    "Oakham",
    "Penrith",
    "Quorn",
    "Redcar",
    "Selby",
    "Thirsk",
    "Upton",
    "Walden",
    "Yarm",
]
FIRST_NAMES = [
    "Rachel",
    "Marcus",
    "Priya",
    "Tom",
    "Elena",
    "David",
    "Amina",
    "Joel",
    "Sofia",
    "Peter",
    "Grace",
    "Omar",
    "Hannah",
    "Luis",
    "Nadia",
    "Victor",
    "Chloe",
    "Samir",
    "Megan",
    "Andre",
    "Ruth",
    "Kofi",
    "Laura",
    "Ivan",
    "Aisha",
    "Daniel",
    "Freya",
    "Hugo",
    "Keira",
    "Mateo",
]
LAST_NAMES = [
    "Moor",
    "Hale",
    "Nair",
    "Becker",
    "Rossi",
    "Okafor",
    "Lindqvist",
    "Marsh",
    "Duarte",
    "Novak",
    "Pryce",
    "Haddad",
    "Quinn",
    "Varga",
    "Sinclair",
    "Osei",
    "Tanaka",
    "Whitlock",
    "Ferrer",
    "Kowal",
    "Adeyemi",
    "Bright",
    "Castell",
    "Dunne",
    "Easton",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]


@cache
def invented() -> tuple[str, ...]:
    """Return 50,000 different words, always the same; the first are meant to be frequent."""
    return tuple(islice(made(), TAIL))


def made() -> Iterator[str]:
    """Yield different words without end, short ones first."""
    dice, seen = random.Random(0), set[str]()  # noqa: S311
    while True:
        middles = 1 if len(seen) < 8_000 else 2
        word = "".join([dice.choice(BEGINNINGS), *(dice.choice(MIDDLES) for _ in range(middles)), dice.choice(ENDINGS)])
        if word not in seen:
            seen.add(word)
            yield word.capitalize()


def ranked(count: int, share: float) -> int:
    """Return a place below `count` for a share from 0 to below 1: the k-th is drawn about 1/k as often as the first (Zipf)."""
    return min(count, int((count + 1) ** share)) - 1
