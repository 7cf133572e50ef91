"""Rows of a list of calls, joined here: Django's template loop costs several times as much for the same fifty."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from callcov_portal.markup import NOTHING, Piece, joined, safe
from callcov_portal.models import UNFINISHED, Analysis, CalledAtSource, Direction, Recording, State
from callcov_portal.models.people import UNKNOWN_CONTACT
from callcov_portal.models.prepared import Prepared, key, prepared
from callcov_portal.models.states import WHAT_TO_DO, Failure
from callcov_portal.templatetags.portal import chip_of, clock, share, time_of, verdict_word
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


class Original(NamedTuple):
    """The call for which another was taken, and whether a person may keep both."""

    number: int
    may_keep: bool


Stages = Mapping[UUID | None, tuple[str, float]]  # of what is being analysed: the stage, and how far it is, 0..1


@dataclass(frozen=True)
class Page:
    """What the rows of a page have in common: stages, originals, and where links lead up to the number of whom they show.

    `within` ends those to calls. Times are in `zone`; they name the year if it is not `year`.
    """

    stages: Stages
    originals: Mapping[UUID | None, Original]
    has_form: bool  # `bulk`, by which buttons in rows are sent
    within: str  # markup
    call: str
    agent: str
    contact: str
    zone: tzinfo
    year: int


def rows_of(numbers: Sequence[int]) -> list[Row]:
    """Return the calls of these numbers in that order, without those that are gone; one query, and none of findings."""
    found = {row[0]: Row(*row) for row in asked(len(numbers)).rows(numbers)} if numbers else {}
    return [found[number] for number in numbers if number in found]


@lru_cache(maxsize=256)
def asked(count: int) -> Prepared:
    """Return the query of so many calls."""
    return prepared(Recording.objects.filter(pk__in=range(count)).order_by().values_list(*SOURCES))


def stages_of(rows: Sequence[Row]) -> Stages:
    """Return the stages of what is being analysed; no query where nothing is."""
    working = [row.analysis for row in rows if row.analysis and row.state == State.PROCESSING]
    if not working:
        return {}
    found = asked_stages(len(working)).rows([key(pk) for pk in working])
    return {pk: (stage, fraction) for pk, stage, fraction in found}


@lru_cache(maxsize=64)
def asked_stages(count: int) -> Prepared:
    """Return the query of the stages of so many analyses."""
    some = Analysis.objects.filter(pk__in=[UUID(int=number) for number in range(count)]).order_by()
    return prepared(some.values_list("pk", "stage", "stage_fraction"))


def originals_of(rows: Sequence[Row]) -> Mapping[UUID | None, Original]:
    """Return which call those are that are calls already; no query where none is."""
    taken = [row.analysis for row in rows if row.analysis and row.failure == Failure.DUPLICATE]
    if not taken:
        return {}
    found = Analysis.objects.filter(pk__in=taken, duplicate_of__isnull=False).select_related("recording")
    return {one.pk: Original(one.duplicate_of_id or 0, one.may_keep) for one in found}


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
    carried = safe(f"?{urlencode({'in': within})}") if within else ""
    addresses = (reverse("calls"), reverse("agents"), reverse("contacts"))
    page = Page(
        stages,
        originals_of(rows),
        picks,
        carried,
        *addresses,
        timezone.get_current_timezone(),
        timezone.localtime().year,
    )
    piece, values = line_of(tuple(columns), is_news=is_news, picks=picks)
    return joined((piece(*[value(row, page) for value in values]) for row in rows), "\n")


PICK = (
    '<td role="cell" class="pick"><input type="checkbox" name="call" value="{pk}" form="bulk" '
    'aria-label="Select call #{pk}" autocomplete="off"></td>'
)
ROW = '<tr role="row" id="call-{pk}">{cells}</tr>'
NEWS = '<template><tr role="row" id="call-{pk}" hx-swap-oob="true">{cells}</tr></template>'
NAME = re.compile(r"\{(\w+)\}")
DEMO = Piece(' <span class="chip demo" title="{}">{}</span>')(
    "An invented call: seed_demo made it, and seed_demo --remove takes it away", "Demo"
)
ASSUMED = {
    source.value: Piece(
        f'{{}}<span class="muted" title="Assumed: {safe(source.label)}"> ~<span class="visually-hidden">assumed</span></span>'
    )
    for source in CalledAtSource
}
NOBODY = Piece('<span class="muted">{}</span>')("unknown")
CALL = Piece("{}{}/{}")
PERSON = Piece('<a href="{}{}/">{}</a>')
CAUSE = Piece('<span class="cause" title="{}">{}</span>')
SAME = Piece('<span class="cause" title="{}">{} <a href="{}{}/">call #{}</a></span>{}')
KEEP = Piece(
    ' <button type="submit" class="small" form="bulk" formaction="{}{}/keep-both/" '
    'data-ask="Keep both calls? This one is then sent too, and uses its minutes." '
    'aria-label="Keep both: call #{} is sent too">Keep both</button>'
)
HEARD = Piece('<span class="heard" aria-hidden="true">●{}</span>')
MOMENTS = Piece(
    '<span class="moments-box" hx-get="{}{}/moments/" hx-trigger="mouseenter once, focusin once" '
    'hx-target="find .tip" hx-swap="innerHTML" hx-push-url="false">{}</span>'
)
COUNTS = Piece(
    '<span class="moments" tabindex="0" role="group" aria-label="{}">'
    '<span class="{}" aria-hidden="true">✓{}</span><span class="{}" aria-hidden="true">✗{}</span>'
    '<span class="{}" aria-hidden="true">○{}</span>{}<span class="tip" aria-live="polite"></span></span>'
)
NOT_REVIEWED = Piece(
    '<span class="muted" title="{}"><span aria-hidden="true">–</span><span class="visually-hidden">{}</span></span>'
)("Not reviewed", "not reviewed")
VERDICT = Piece('<span class="verdict {}" title="{}, {}">{} <span class="muted small">{}</span></span>')


def called_at(row: Row, page: Page) -> SafeString:
    """Write when the call was, and whether that is assumed."""
    time = time_of(row.called_at.astimezone(page.zone), page.year)
    return time if row.called_at_source == CalledAtSource.FORM else ASSUMED[row.called_at_source](time)


def person(address: str, number: int | None, name: str | None) -> SafeString:
    """Write somebody's name as a link to their page."""
    return NOBODY if number is None else PERSON(address, number, name)


def moments_of(row: Row, page: Page) -> str:
    """Write findings counted by outcome, whose names are asked for on hover and focus; of a failure, its cause."""
    if original := page.originals.get(row.analysis):
        keep = KEEP(page.call, row.pk, row.pk) if original.may_keep and page.has_form else ""
        words = "Same sound as" if original.may_keep else "The same as"
        return SAME(WHAT_TO_DO[Failure.DUPLICATE], words, page.call, original.number, original.number, keep)
    if row.failure:
        return CAUSE(WHAT_TO_DO[Failure(row.failure)], Failure(row.failure).label)
    if not (row.met or row.violated or row.omitted or row.heard):
        return ""
    return MOMENTS(page.call, row.pk, counts_of(row.met, row.violated, row.omitted, row.heard))


@lru_cache(maxsize=4096)
def counts_of(met: int, violated: int, omitted: int, heard: int) -> SafeString:
    """Write how many findings there are of each outcome; many calls have the same."""
    more = f", {heard} heard" if heard else ""
    return COUNTS(
        f"{met} met, {violated} violated, {omitted} omitted{more}",
        "met" if met else "none", met,
        "violated" if violated else "none", violated,
        "omitted" if omitted else "none", omitted,
        HEARD(heard) if heard else "",
    )  # fmt: skip


def review_of(row: Row) -> SafeString:
    """Write the verdict, and who gave it when."""
    if row.reviewed_at is None:
        return NOT_REVIEWED
    local, name = timezone.localtime(row.reviewed_at), row.reviewed_by or "somebody"
    return VERDICT(row.verdict, name, f"{local.day} {local:%b %Y, %H:%M}", verdict_word(row.verdict), name)


def told(ratio: float | None, sentence: str) -> str:
    """Write what a share means; "" where it is not known."""
    return "" if ratio is None else sentence.format(share(ratio))


HEAD = Piece('<tr role="row">{}{}</tr>')
PICKED = Piece('<th role="columnheader" scope="col" class="pick"><span class="visually-hidden">Selected</span></th>')()
COLUMN = Piece('<th role="columnheader" scope="col"{}{}>{}</th>')
CSS, HINT = Piece(' class="{}"'), Piece(' title="{}"')


@lru_cache(maxsize=256)
def head_of(columns: tuple[Column, ...], *, picks: bool) -> SafeString:
    """Return the head of a list with these columns; with `picks` of one more, in which rows are selected."""
    cells = (
        COLUMN(CSS(one.css) if one.css else NOTHING, HINT(one.hint) if one.hint else NOTHING, one.label)
        for one in columns
    )
    return HEAD(PICKED if picks else NOTHING, joined(cells))


Value = Callable[[Row, Page], object]
# What the cells of a row are filled with, by the names that stand in them.
VALUES: dict[str, Value] = {
    "pk": lambda row, _: row.pk,
    "call": lambda row, page: CALL.of_plain(page.call, row.pk, page.within),
    "source": lambda row, _: row.file_name or row.link,
    "demo": lambda row, _: DEMO if row.is_demo else "",
    "state": lambda row, page: chip_of(row.state, row.failure, *page.stages.get(row.analysis, ("", 0.0))),
    "called_at": called_at,
    "agent": lambda row, page: person(page.agent, row.agent, row.agent_name or row.agent_identifier),
    "agent_id": lambda row, _: row.agent_identifier,
    "contact": lambda row, page: person(page.contact, row.contact, row.contact_name or row.contact_identifier),
    "contact_id": lambda row, _: row.contact_identifier or UNKNOWN_CONTACT,
    "duration": lambda row, _: clock(row.duration),
    "moments": moments_of,
    "tone": lambda row, _: share(row.negative_ratio),
    "tone_title": lambda row, _: told(row.negative_ratio, "{} with negative words"),
    "talk": lambda row, _: share(row.talk_ratio),
    "talk_title": lambda row, _: told(row.talk_ratio, "The agent spoke {} of the time"),
    "review": lambda row, _: review_of(row),
    "direction": lambda row, _: Direction(row.direction).label if row.direction else "",
    "added_by": lambda row, _: row.added_by or "",
}


@lru_cache(maxsize=256)
def line_of(columns: tuple[Column, ...], *, is_news: bool, picks: bool) -> tuple[Piece, tuple[Value, ...]]:
    """Return a row with these columns as a piece, and the values that go into its places."""
    cells = "".join([PICK if picks else "", *(column.cell for column in columns)])
    line = (NEWS if is_news else ROW).replace("{cells}", cells)
    return Piece(NAME.sub("{}", line)), tuple(VALUES[name] for name in NAME.findall(line))
