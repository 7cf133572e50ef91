"""How times, states and counts are written on every page."""

import math
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import parse_qsl

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from callcov_portal import hiding
from callcov_portal.markup import NOTHING, Piece, safe
from callcov_portal.models import Analysis, Failure, Outcome, State
from callcov_portal.reading import generic, transcripts

register = template.Library()

# Glyph and CSS class of each state; the word stands beside them.
CHIPS = {
    State.QUEUED: ("○", "waiting"),
    State.SENDING: ("↑", "working"),
    State.PROCESSING: ("◐", "working"),
    State.COMPLETED: ("✓", "done"),
    State.FAILED: ("✕", "failed"),
    State.CANCELLED: ("–", "cancelled"),
}


@register.filter
def clock(seconds: float | None) -> str:
    """Write seconds as `m:ss`, from one hour on as `h:mm:ss`; "" for None."""
    return "" if seconds is None else transcripts.clock(seconds)


TIME = Piece('<time datetime="{}" title="{}">{}</time>')


@register.filter
def when(moment: datetime | None, prefix: str = "") -> SafeString:
    """Write a moment in the portal's time zone, the exact time on hover; "" for None."""
    if moment is None:
        return NOTHING
    return time_of(timezone.localtime(moment), timezone.localtime().year, prefix)


def time_of(local: datetime, this_year: int, prefix: str = "") -> SafeString:
    """Write a local time; a list, which has a hundred, looks at zone and year once."""
    exact = f"{safe(prefix)} {exactly(local)}" if prefix else exactly(local)
    return TIME.of_plain(local.isoformat(), exact, shortly(local, is_this_year=local.year == this_year))


def exactly(local: datetime) -> str:
    """Write a local time in full; Django's own formats take ten times as long."""
    day = f"{DAYS[local.weekday()]}, {local.day} {MONTHS[local.month - 1]} {local.year}"
    return f"{day}, {local.hour:02}:{local.minute:02}:{local.second:02} {local.tzname()}"


def shortly(local: datetime, *, is_this_year: bool) -> str:
    """Write a local time as a list has room for; the year where it is another."""
    year = "" if is_this_year else f" {local.year}"
    return f"{local.day} {MONTHS[local.month - 1][:3]}{year}, {local.hour:02}:{local.minute:02}"


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@register.filter
def unlocalized(number: float | str) -> str:
    """Write a number as a machine reads it: two decimals, a point; "" stays ""."""
    return "" if number == "" else f"{float(number):.2f}"


OUTCOMES = {
    Outcome.MET: "✓",
    Outcome.VIOLATED: "✗",
    Outcome.OMITTED: "○",
    Outcome.NOT_ASSESSED: "–",
    Outcome.HEARD: "●",
}


@register.filter
def outcome_glyph(outcome: str) -> str:
    """Return the glyph that stands beside an outcome's word."""
    return OUTCOMES[Outcome(outcome)]


PILL = (
    '<span class="masked" title="Hidden here, silent in the sound"><span aria-hidden="true">••••</span> '
    '<span class="visually-hidden">hidden: </span>{}</span>'
)


@register.filter
def pills(text: str) -> SafeString:
    """Write a text with the marks of what is hidden in it as pills; all else in it is escaped."""
    pieces: list[SafeString] = []
    at = 0
    for mark in hiding.MARK.finditer(text):
        pieces += [format_html("{}", text[at : mark.start()]), format_html(PILL, mark[0].strip("[]"))]
        at = mark.end()
    pieces.append(format_html("{}", text[at:]))
    return format_html_join("", "{}", ((piece,) for piece in pieces))


@register.filter
def pairs(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query string, for a form that sends the same."""
    return parse_qsl(query, keep_blank_values=True)


@register.filter
def outcome_word(outcome: str) -> str:
    """Write an outcome as people read it."""
    return str(Outcome(outcome).label)


@register.filter
def check_title(check_id: str) -> str:
    """Write the id of a check as people read it."""
    return generic.title(check_id)


@register.filter
def stage_word(stage: str) -> str:
    """Write the stage that the API names as people read it; "" where it names none."""
    return stage.replace("_", " ").capitalize()


# Glyphs of the verdicts; a word that is not known here is shown as it is.
VERDICTS = {"pass": "✓ Pass", "coach": "△ Needs coaching", "fail": "✕ Fail"}


@register.filter
def verdict_word(verdict: str) -> str:
    """Write a verdict with its glyph."""
    return VERDICTS.get(verdict, verdict)


@register.filter
def in_bytes(size: int | None) -> str:
    """Write a size in bytes as kB, MB or GB, of a thousand each; "" for None. Pages' scripts write them the same way."""
    if size is None:
        return ""
    if size >= 1_000_000_000:
        return f"{size / 1_000_000_000:.2f} GB"
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{max(1, math.ceil(size / 1000))} kB"


@register.filter
def percent(fraction: float | None) -> int:
    """Return a fraction of 0..1 as whole per cent."""
    return round(100 * min(1.0, max(0.0, fraction or 0.0)))


@register.filter
def share(fraction: float | None) -> str:
    """Write a fraction of 0..1 as per cent; what is little but there is never 0 %, nor all but one 100 %."""
    if fraction is None:
        return ""
    if 0 < fraction < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= fraction < 1 else f"{percent(fraction)} %"


@register.filter
def minutes(span: timedelta) -> int:
    """Return a span of time in whole minutes, rounded up."""
    return -int(-span.total_seconds() // 60)


@register.simple_tag
def chip(analysis: Analysis | None) -> SafeString:
    """Write the state of an analysis: a glyph and a word; while it is worked on, how far the named stage is."""
    if analysis is None:
        return chip_of("")
    return chip_of(analysis.state, analysis.failure, analysis.stage, analysis.stage_fraction)


@lru_cache(maxsize=512)
def chip_of(state: str, failure: str = "", stage: str = "", fraction: float = 0) -> SafeString:
    """Write a state; "" is that of a call without an analysis."""
    if not state:
        return format_html('<span class="chip cancelled">{}</span>', "Never analysed")
    glyph, css = CHIPS[State(state)]
    word = State(state).label
    if state == State.PROCESSING:
        word = stage_word(stage) or word
        if fraction:
            word = f"{word} {percent(fraction)} %"
    hint = Failure(failure).label if failure else ""
    return format_html(
        '<span class="chip {}" title="{}"><span class="glyph" aria-hidden="true">{}</span>{}</span>',
        css, hint, glyph, word,
    )  # fmt: skip
