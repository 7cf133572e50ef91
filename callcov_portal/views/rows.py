"""Rows of a list of calls, joined here: Django's template loop costs several times as much for the same fifty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from callcov_portal.models import UNFINISHED, Analysis, CalledAtSource, Direction, Recording, State
from callcov_portal.models.analysis import WHAT_TO_DO, Failure
from callcov_portal.models.people import UNKNOWN_CONTACT
from callcov_portal.templatetags.portal import chip_of, clock, share, verdict_word, when
from callcov_portal.views.columns import DEFAULT, Column

SOURCES = (
    "pk", "called_at", "called_at_source", "direction", "duration_seconds", "file_name", "link",
    "state", "failure", "met", "violated", "omitted", "heard", "talk_ratio", "negative_ratio",
    "reviewed_at", "verdict", "current_analysis_id", "agent_id", "agent__identifier", "agent__name",
    "contact_id", "contact__identifier", "contact__name", "reviewed_by__username", "uploaded_by__username", "is_demo",
)  # fmt: skip


class Row(NamedTuple):
    """What a list shows of one call, as `SOURCES` reads it."""

    pk: int
    called_at: datetime
    called_at_source: str
    direction: str
    duration: float | None
    file_name: str
    link: str
    state: str
    failure: str
    met: int
    violated: int
    omitted: int
    heard: int
    talk_ratio: float | None
    negative_ratio: float | None
    reviewed_at: datetime | None
    verdict: str
    analysis: UUID | None
    agent: int
    agent_identifier: str
    agent_name: str
    contact: int | None
    contact_identifier: str | None
    contact_name: str | None
    reviewed_by: str | None
    added_by: str | None
    is_demo: bool

    @property
    def is_live(self) -> bool:
        """Whether its state can still change by itself."""
        return self.state in UNFINISHED


Stages = Mapping[UUID | None, tuple[str, float]]  # of what is being analysed: the stage, and how far it is, 0..1


@dataclass(frozen=True)
class Addresses:
    """Where the links of rows lead, up to the number of whom they show; `within` ends those to calls."""

    call: str
    agent: str
    contact: str
    within: str


def rows_of(numbers: Sequence[int]) -> list[Row]:
    """Return the calls of these numbers in that order, without those that are gone; one query, and none of findings."""
    found = {row[0]: Row(*row) for row in Recording.objects.filter(pk__in=numbers).values_list(*SOURCES)}
    return [found[number] for number in numbers if number in found]


def stages_of(rows: Sequence[Row]) -> Stages:
    """Return the stages of what is being analysed; no query where nothing is."""
    working = [row.analysis for row in rows if row.analysis and row.state == State.PROCESSING]
    if not working:
        return {}
    found = Analysis.objects.filter(pk__in=working).values_list("pk", "stage", "stage_fraction")
    return {pk: (stage, fraction) for pk, stage, fraction in found}


def written(
    rows: Sequence[Row],
    stages: Stages,
    columns: Sequence[Column] = DEFAULT,
    *,
    is_news: bool = False,
    picks: bool = False,
    within: str = "",
) -> SafeString:
    """Return the rows as markup; news of rows that a page shows already go to their places by id.

    With `picks` each row can be selected for the form `bulk`; `within` is the list's query, which its links carry on.
    """
    line = "".join([PICK if picks else "", *(column.cell for column in columns)])
    whole = (NEWS if is_news else ROW).format(line)
    carried = f"?{urlencode({'in': within})}" if within else ""
    addresses = Addresses(reverse("calls"), reverse("agents"), reverse("contacts"), carried)
    return format_html_join("\n", whole, (values_of(row, stages, addresses) for row in rows))


DEMO = format_html(
    ' <span class="chip demo" title="{}">{}</span>',
    "An invented call: seed_demo made it, and seed_demo --remove takes it away",
    "Demo",
)
ROW = '<tr role="row" id="call-{{pk}}">{}</tr>'
NEWS = '<template><tr role="row" id="call-{{pk}}" hx-swap-oob="true">{}</tr></template>'
PICK = (
    '<td role="cell" class="pick"><input type="checkbox" name="call" value="{pk}" form="bulk" '
    'aria-label="Select call #{pk}" autocomplete="off"></td>'
)


def values_of(row: Row, stages: Stages, addresses: Addresses) -> dict[str, Any]:
    """Return what the cells of one row are filled with."""
    return {
        "pk": row.pk,
        "call": f"{addresses.call}{row.pk}/{addresses.within}",
        "source": row.file_name or row.link,
        "state": chip_of(row.state, row.failure, *stages.get(row.analysis, ("", 0.0))),
        "called_at": time_of(row),
        "agent": person(addresses.agent, row.agent, row.agent_name or row.agent_identifier),
        "agent_id": row.agent_identifier,
        "contact": person(addresses.contact, row.contact, row.contact_name or row.contact_identifier),
        "contact_id": row.contact_identifier or UNKNOWN_CONTACT,
        "duration": clock(row.duration),
        "moments": moments_of(row, addresses.call),
        "tone": share(row.negative_ratio),
        "tone_title": "" if row.negative_ratio is None else f"{share(row.negative_ratio)} with negative words",
        "talk": share(row.talk_ratio),
        "talk_title": "" if row.talk_ratio is None else f"The agent spoke {share(row.talk_ratio)} of the time",
        "review": review_of(row),
        "direction": Direction(row.direction).label if row.direction else "",
        "added_by": row.added_by or "",
        "demo": DEMO if row.is_demo else "",
    }


def time_of(row: Row) -> str:
    """Write when the call was, and whether that is assumed."""
    if row.called_at_source == CalledAtSource.FORM:
        return when(row.called_at)
    return format_html(ASSUMED, when(row.called_at), CalledAtSource(row.called_at_source).label)


ASSUMED = '{}<span class="muted" title="Assumed: {}"> ~<span class="visually-hidden">assumed</span></span>'


def person(address: str, number: int | None, name: str | None) -> SafeString:
    """Write somebody's name as a link to their page."""
    if number is None:
        return format_html('<span class="muted">{}</span>', "unknown")
    return format_html('<a href="{}{}/">{}</a>', address, number, name)


def moments_of(row: Row, calls: str) -> str | SafeString:
    """Write findings counted by outcome, whose names are asked for on hover and focus; of a failure, its cause."""
    if row.failure:
        return format_html(CAUSE, WHAT_TO_DO[Failure(row.failure)], Failure(row.failure).label)
    if not (row.met or row.violated or row.omitted or row.heard):
        return ""
    return format_html(MOMENTS, calls, row.pk, counts_of(row.met, row.violated, row.omitted, row.heard))


@lru_cache(maxsize=4096)
def counts_of(met: int, violated: int, omitted: int, heard: int) -> SafeString:
    """Write how many findings there are of each outcome; many calls have the same."""
    more = f", {heard} heard" if heard else ""
    return format_html(
        COUNTS,
        f"{met} met, {violated} violated, {omitted} omitted{more}",
        "met" if met else "none", met,
        "violated" if violated else "none", violated,
        "omitted" if omitted else "none", omitted,
        format_html(HEARD, heard) if heard else "",
    )  # fmt: skip


CAUSE = '<span class="cause" title="{}">{}</span>'
HEARD = '<span class="heard" aria-hidden="true">●{}</span>'
MOMENTS = (
    '<span class="moments-box" hx-get="{}{}/moments/" hx-trigger="mouseenter once, focusin once" '
    'hx-target="find .tip" hx-swap="innerHTML" hx-push-url="false">{}</span>'
)
COUNTS = (
    '<span class="moments" tabindex="0" role="group" aria-label="{}">'
    '<span class="{}" aria-hidden="true">✓{}</span><span class="{}" aria-hidden="true">✗{}</span>'
    '<span class="{}" aria-hidden="true">○{}</span>{}<span class="tip" aria-live="polite"></span></span>'
)


def review_of(row: Row) -> SafeString:
    """Write the verdict, and who gave it when."""
    if row.reviewed_at is None:
        return NOT_REVIEWED
    local = timezone.localtime(row.reviewed_at)
    moment = f"{local.day} {local:%b %Y, %H:%M}"
    return format_html(VERDICT, row.verdict, row.reviewed_by or "somebody", moment, verdict_word(row.verdict))


NOT_REVIEWED = format_html(
    '<span class="muted" title="{}"><span aria-hidden="true">–</span><span class="visually-hidden">{}</span></span>',
    "Not reviewed",
    "not reviewed",
)
VERDICT = '<span class="verdict {0}" title="{1}, {2}">{3} <span class="muted small">{1}</span></span>'
