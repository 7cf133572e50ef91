"""Markup from pieces that are prepared once: what is put into them is escaped, unless it is markup already.

It promises what Django's `format_html` promises. That one reads its format anew each time, and a list fills a thousand.
"""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString


def safe(value: object) -> str:
    """Return a value as markup: what knows itself to be markup as it is, all else escaped."""
    if type(value) is str:
        return escape(value)
    if type(value) is int:
        return str(value)
    return str(value.__html__()) if hasattr(value, "__html__") else escape(str(value))


class Piece:
    """Markup with places for values, written `{}`: `Piece('<a href="{}">{}</a>')(address, name)`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text.replace("%", "%%").replace("{}", "%s")

    def __call__(self, *values: object) -> SafeString:
        """Return it with a value in each place, from left to right."""
        return SafeString(self.text % tuple([safe(value) for value in values]))


def joined(pieces: Iterable[SafeString], between: str = "") -> SafeString:
    """Return markup one after the other."""
    return SafeString(safe(between).join(map(safe, pieces)))


NOTHING = joined(())
