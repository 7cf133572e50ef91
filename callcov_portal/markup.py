"""Markup from pieces that are prepared once: what is put into them is escaped, unless it is markup already.

It promises what Django's `format_html` promises. That one reads its format anew each time, and a list fills a thousand.
"""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString

AS_THEY_ARE = frozenset({int, float, SafeString})  # nothing in them has to be escaped
SHORT, MOST = 40, 4096


class Escapes(dict[str, str]):
    """Texts escaped; short ones are kept, because names, states and times come again in every row."""

    def __missing__(self, text: str) -> str:
        found = escape(text)
        if len(text) < SHORT:
            if len(self) >= MOST:
                self.clear()
            self[text] = found
        return found


ESCAPED = Escapes()


def safe(value: object) -> str:
    """Return a value as markup: what knows itself to be markup as it is, all else escaped."""
    if type(value) is str:
        return ESCAPED[value]
    return str(value.__html__()) if hasattr(value, "__html__") else escape(str(value))


class Piece:
    """Markup with places for values, written `{}`: `Piece('<a href="{}">{}</a>')(address, name)`.

    A place `{:.2f}` takes nothing but a number.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text.replace("%", "%%").replace("{}", "%s").replace("{:.2f}", "%.2f")

    def __call__(self, *values: object) -> SafeString:
        """Return it with a value in each place, from left to right."""
        written = [
            value if type(value) in AS_THEY_ARE else ESCAPED[value] if type(value) is str else safe(value)
            for value in values
        ]
        return SafeString(self.text % tuple(written))

    def of_plain(self, *values: object) -> SafeString:
        """Return it with values in which there is nothing to escape, such as times; none is looked at here."""
        return SafeString(self.text % values)

    def each(self, rows: Iterable[tuple[object, ...]]) -> SafeString:
        """Return it as often as there are rows, one after the other.

        For very many of them: the values must be numbers or `safe` already, none is looked at here.
        """
        return SafeString("".join(map(self.text.__mod__, rows)))


def joined(pieces: Iterable[SafeString], between: str = "") -> SafeString:
    """Return markup one after the other."""
    written = [piece if type(piece) is SafeString else safe(piece) for piece in pieces]
    return SafeString(safe(between).join(written))


NOTHING = joined(())
