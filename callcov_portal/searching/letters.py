"""Letters as they are compared: without case and accents, each in its own place."""

import re
import unicodedata
from collections.abc import Iterator

WORD = re.compile(r"[^\W_]+")
"""A word: letters and digits in a row. SQLite's tokenizer `unicode61` sees the same."""
BETWEEN = r"[\W_]+"


class Letters(dict[int, str]):
    """A table for `str.translate` that learns each letter when it meets it."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        base = unicodedata.normalize("NFKD", letter)[:1].lower()
        self[code] = plain = base if len(base) == 1 else letter
        return plain


PLAIN = Letters()


def fold(text: str) -> str:
    """Return a text of the same length in which letters that count as equal are equal."""
    return text.lower() if text.isascii() else text.translate(PLAIN)


def composed(text: str) -> str:
    """Return a text whose accents are part of their letters, as far as there are such letters."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def words_in(text: str) -> Iterator[str]:
    """Yield the words of a text as they are compared."""
    yield from WORD.findall(fold(composed(text)))
