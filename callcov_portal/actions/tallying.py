"""Counting: what one call adds to the sums by week, kept equal to a recount in the transaction that changes the call."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from callcov_portal.actions import tally_rows
from callcov_portal.actions.summing import CHECK_COUNTS, Share, add_up
from callcov_portal.models import (
    CallCheck,
    CallTally,
    Check,
    Document,
    Finding,
    Outcome,
    Recording,
    Segment,
    Speaker,
    State,
)
from callcov_portal.models.prepared import moment
from callcov_portal.reading import talk

Line = tuple[str, float, float]  # speaker, and the seconds from and to
WORST_FIRST = (Outcome.VIOLATED, Outcome.OMITTED, Outcome.MET, Outcome.HEARD)
COUNTED = (
    "agent_id",
    "called_at",
    "duration_seconds",
    "state",
    "current_analysis_id",
)  # all that is looked at of a call
SHOWN = (*CHECK_COUNTS, "is_violated", "is_omitted", "is_heard", "talk_ratio", "negative_ratio")


def week_of(moment: datetime) -> date:
    """Return the Monday of a moment's week in the portal's time zone."""
    day = timezone.localtime(moment).date()
    return day - timedelta(days=day.weekday())


class Results(NamedTuple):
    """What is counted of an analysis: check, outcome and title of what came out somehow, who speaks when, the tone.

    `is_swapped`: a person swapped the speakers, and the tone is told as it was before.
    """

    findings: list[tuple[str, str, str]]
    lines: list[Line]
    tone: Any
    is_swapped: bool = False


@transaction.atomic(savepoint=False)
def retally(number: int, known: tuple[UUID, Results] | None = None) -> None:
    """Bring what is counted of one call, and what lists show of its findings, up to date; twice changes nothing.

    `known` are the results of an analysis that were written just now, in the caller's transaction: they are not read
    again.
    """
    rows = tally_rows.held_call(*COUNTED, *SHOWN).rows([number])
    if not rows:
        return
    recording = rows[0]
    analysis = recording.current_analysis_id if recording.state == State.COMPLETED else None
    results = known[1] if known and known[0] == analysis else results_of(analysis)
    show(recording, results)
    before, after = counted(number), share_of(recording, results.findings, is_analysed=analysis is not None)
    write_rows(recording, before, after)
    add_up(before, after)


def results_of(analysis: UUID | None) -> Results:
    """Return what is counted of an analysis, nothing of none."""
    return Results(findings_of(analysis), *spoken(analysis)) if analysis else Results([], [], None)


@transaction.atomic
def forget(number: int) -> None:
    """Take away what a call adds, before it is deleted."""
    before = counted(number)
    CallCheck.objects.filter(recording=number).delete()
    CallTally.objects.filter(recording=number).delete()
    add_up(before, None)


def findings_of(analysis: UUID | None) -> list[tuple[str, str, str]]:
    """Return check, outcome and title of everything that came out somehow."""
    found = Finding.objects.filter(analysis=analysis).exclude(outcome=Outcome.NOT_ASSESSED).order_by("position")
    return list(found.values_list("check_id", "outcome", "title")) if analysis else []


def show(recording: Recording, results: Results) -> None:
    """Write what lists show of a call's findings and talk, if it differs from what stands there."""
    values = shown(*results)
    if any(getattr(recording, name) != value for name, value in values.items()):
        tally_rows.update_of_shown(tuple(values)).made(values.values(), recording.pk)


def spoken(analysis: UUID) -> tuple[list[Line], Any, bool]:
    """Return who speaks from when to when, the tone that the API counted, and whether a person swapped the speakers since."""
    lines = list(Segment.objects.filter(analysis=analysis).order_by().values_list("speaker", "start", "end"))
    documents = Document.objects.filter(analysis=analysis)
    tones = documents.values_list("raw__results__quality__tone", "analysis__speakers_swapped")
    return lines, *next(iter(tones), (None, False))


def shown(
    findings: Iterable[tuple[str, str, str]], lines: Sequence[Line], tone: Any, is_swapped: bool = False
) -> dict[str, object]:
    """Return the columns of lists: findings by outcome, the agent's share of the talk, the contact's of negative words.

    Whether anything was violated, omitted or heard goes by the worst finding of each check, as the sums do.
    """
    findings = list(findings)
    times, came_out = Counter(outcome for _, outcome, _ in findings), set(worst_of(findings)[0].values())
    values: dict[str, object] = {outcome: min(times[outcome], 32767) for outcome in CHECK_COUNTS}
    values |= {f"is_{outcome}": outcome in came_out for outcome in ("violated", "omitted", "heard")}
    contact = sum(speaker == Speaker.CONTACT for speaker, _, _ in lines)
    who = talk.AGENT if is_swapped else talk.CONTACT
    return values | {"talk_ratio": talk.agent_share(lines), "negative_ratio": talk.negative_share(tone, contact, who)}


def counted(number: int) -> Share | None:
    """Return what was added for a call, None if nothing was."""
    tallies = tally_rows.tally_of_call().rows([number])
    if not tallies:
        return None
    agent, week, *counts = tallies[0]
    return Share(agent, week, (1, *counts), dict(tally_rows.checks_of_call().rows([number])))


def share_of(recording: Recording, findings: Iterable[tuple[str, str, str]], *, is_analysed: bool) -> Share:
    """Return what a call adds as it stands."""
    worst, titles = worst_of(findings)
    ids = checks_named(titles)
    counts = counts_of(recording.duration_seconds, set(worst.values()), is_analysed=is_analysed)
    checks = {ids[check_id]: outcome for check_id, outcome in worst.items()}
    return Share(recording.agent_id, week_of(recording.called_at), counts, checks)


def counts_of(seconds: float | None, outcomes: AbstractSet[str], *, is_analysed: bool) -> tuple[int, ...]:
    """Return what one call adds to each of `summing.CALL_COUNTS`; `outcomes` are the worst of each check."""
    assessed = bool(outcomes & {Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED})
    flags = (is_analysed, assessed, Outcome.VIOLATED in outcomes, Outcome.OMITTED in outcomes)
    return (1, round(1000 * (seconds or 0)), *map(int, flags))


def worst_of(findings: Iterable[tuple[str, str, str]]) -> tuple[dict[str, str], dict[str, tuple[str, bool]]]:
    """Return the worst outcome of each check, and each check's title with whether it was met under that title."""
    worst: dict[str, str] = {}
    titles: dict[str, tuple[str, bool]] = {}
    for check_id, outcome, title in findings:
        if check_id not in worst or WORST_FIRST.index(Outcome(outcome)) < WORST_FIRST.index(Outcome(worst[check_id])):
            worst[check_id] = outcome
        if check_id not in titles or outcome == Outcome.MET:
            titles[check_id] = (title, outcome == Outcome.MET)
    return worst, titles


def checks_named(titles: Mapping[str, tuple[str, bool]]) -> dict[str, int]:
    """Return the rows of checks by their ids, made where they are missing.

    A check that is met goes by its own name; one that is not may go by that of the rule that was broken.
    """
    known = named(tuple(titles))
    if missing := [Check(check_id=check_id, title=titles[check_id][0]) for check_id in titles if check_id not in known]:
        Check.objects.bulk_create(missing, ignore_conflicts=True)
        known = named(tuple(titles))
    for check_id, (title, is_own) in titles.items():
        if is_own and known[check_id][1] != title:
            Check.objects.filter(check_id=check_id).update(title=title)
    return {check_id: number for check_id, (number, _) in known.items()}


def named(check_ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Return the number and title of each of these checks that is known."""
    rows = tally_rows.checks_by_id(len(check_ids)).rows(check_ids) if check_ids else []
    return {check_id: (number, title) for check_id, number, title in rows}


def write_rows(recording: Recording, before: Share | None, after: Share) -> None:
    """Write a call's own rows, where they differ."""
    rows = CallCheck.objects.filter(recording=recording.pk)
    place = {"agent_id": after.agent, "called_at": recording.called_at}
    stale = rows.exclude(**place).exists() if before and before.checks else False
    if before is None or before.checks != after.checks or stale:
        if before is None or before.checks:
            rows.delete()
        tally_rows.call_checks().write(
            (recording.pk, check, outcome, after.agent, moment(recording.called_at))
            for check, outcome in after.checks.items()
        )
    if before is None or (before.agent, before.week, before.counts) != (after.agent, after.week, after.counts):
        values = (after.agent, after.week, *after.counts[1:])
        if before is None or not tally_rows.update_of_tally().made(values, recording.pk):
            tally_rows.call_tallies().write([(recording.pk, *values)])
