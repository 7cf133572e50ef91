"""Markup from pieces that are prepared once: what is put into them is escaped, unless it is markup already.

It promises what Django's `format_html` promises. That one reads its format anew each time, and a list fills a thousand.
"""

from collections.abc import Iterable
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString

AS_THEY_ARE = frozenset({int, float, SafeString})  # nothing in them has to be escaped
SHORT = 40


def safe(value: object) -> str:
    """Return a value as markup: what knows itself to be markup as it is, all else escaped."""
    if type(value) is str:
        return escaped(value) if len(value) < SHORT else escape(value)
    return str(value.__html__()) if hasattr(value, "__html__") else escape(str(value))


@lru_cache(maxsize=4096)
def escaped(text: str) -> str:
    """Return a short text escaped: names, states and times come again in every row."""
    return escape(text)


class Piece:
    """Markup with places for values, written `{}`: `Piece('<a href="{}">{}</a>')(address, name)`.

    A place `{:.2f}` takes nothing but a number.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text.replace("%", "%%").replace("{}", "%s").replace("{:.2f}", "%.2f")

    def __call__(self, *values: object) -> SafeString:
        """Return it with a value in each place, from left to right."""
        return SafeString(self.text % tuple([value if type(value) in AS_THEY_ARE else safe(value) for value in values]))

    def each(self, rows: Iterable[tuple[object, ...]]) -> SafeString:
        """Return it as often as there are rows, one after the other.

        For very many of them: the values must be numbers or `safe` already, none is looked at here.
        """
        return SafeString("".join(map(self.text.__mod__, rows)))


def joined(pieces: Iterable[SafeString], between: str = "") -> SafeString:
    """Return markup one after the other."""
    return SafeString(safe(between).join(map(safe, pieces)))


NOTHING = joined(())
