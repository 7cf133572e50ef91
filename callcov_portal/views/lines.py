"""The lines of a hit as markup, joined here: a template's loop over 150 of them costs as much as all else of the page."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from callcov_portal import hiding
from callcov_portal.models import Speaker
from callcov_portal.searching import HIDDEN, Piece, Snippet
from callcov_portal.templatetags.portal import clock, pills

SPEAKERS = {**dict(Speaker.choices), "other": Speaker.UNKNOWN.label}
LINE = '<li class="line {0}">{1}<a class="who" href="{2}#s{3}" title="Read it in the call">{4}</a><p>{5}</p></li>'
PLAY = (
    '<a class="seek" href="{0}#t={1},{2}" data-play="{0}" data-start="{1}" data-end="{2}" data-what="#{3} {4}" '
    'data-call="{5}#s{6}" aria-label="Play {4} of call {3}"><span class="glyph" aria-hidden="true">▶</span> {4}</a>'
)
SILENT = '<span class="seek muted" title="Not to be heard yet">{}</span>'
MARKED = "<mark>{}</mark>"


def lines_of(found: Iterable[Snippet], number: int, address: str, sound: str) -> SafeString:
    """Return list items: when, who, and the words with marks; `sound` is where the call is heard, "" if it cannot be."""
    return format_html_join("", LINE, (values_of(line, number, address, sound) for line in found))


def values_of(line: Snippet, number: int, address: str, sound: str) -> tuple[object, ...]:
    """Return what a list item is filled with."""
    at = clock(line.start)
    seconds = f"{line.start:.2f}", f"{line.end:.2f}"
    heard = format_html(PLAY, sound, *seconds, number, at, address, line.number) if sound else format_html(SILENT, at)
    return line.speaker, heard, address, line.number, SPEAKERS[line.speaker], words_of(line.pieces)


def words_of(pieces: Iterable[Piece]) -> SafeString:
    """Return a line's words; what is hidden in them is a pill."""
    return format_html_join("", "{}", ((written(piece),) for piece in pieces))


def written(piece: Piece) -> SafeString | str:
    """Return one piece, which is escaped when it is put into the line."""
    text = pills(piece.text.replace(HIDDEN, hiding.HIDDEN)) if HIDDEN in piece.text else piece.text
    return format_html(MARKED, text) if piece.is_marked else text
