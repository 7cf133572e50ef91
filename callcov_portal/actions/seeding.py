"""Demo data: very many invented calls, marked as such and counted like all others; `unseeding` takes them away again."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from callcov_portal import demodata, rules
from callcov_portal.actions import pouring, summing, tallying
from callcov_portal.actions.pouring import Table
from callcov_portal.models import (
    Agent,
    Analysis,
    CallCheck,
    CallTally,
    Contact,
    Document,
    Finding,
    Recording,
    Role,
    Segment,
    State,
    Unindexed,
    User,
)
from callcov_portal.models.people import key_of
from callcov_portal.models.prepared import key, moment

AT_ONCE = 1000  # calls of one transaction: other writers wait half a second
REVIEWERS = ("demo-ines", "demo-oskar", "demo-yuki")
BYTES_A_CALL = 17_000  # with its words, in the database
BYTES_WITHOUT_WORDS = 5_500


class People(NamedTuple):
    """The rows of those who speak and judge, by their numbers in the plan."""

    agents: Sequence[tuple[int, str]]  # with the identifier
    contacts: Sequence[tuple[int, str]]
    reviewers: Sequence[int]


@dataclass(frozen=True)
class Judged:
    """A verdict on an analysis, for judgement to write down in the same transaction."""

    analysis: UUID
    reviewer: int
    verdict: str
    at: datetime


@dataclass(frozen=True)
class Placed:
    """A call with its rows' numbers, and what it adds to the sums."""

    call: demodata.Call
    number: int
    analysis: UUID
    share: summing.Share
    worst: dict[str, str]
    judged: Judged | None
    now: datetime

    @property
    def ended(self) -> datetime:
        """When the call was over; it was sent a minute later."""
        return self.call.began + timedelta(seconds=self.call.seconds)


def seed(plan: demodata.Plan, judge: Callable[[list[Judged]], None]) -> Iterator[int]:
    """Write the calls of a plan, a batch a transaction, and yield how many there are so far.

    Stopped in between, what was written is whole. Run again, it adds as many calls again, of the same people. `judge`
    is handed the verdicts of each batch.
    """
    pouring.make_room()
    people = people_of(plan)
    checks: dict[str, int] = {}
    written = 0
    for batch in pouring.batches(demodata.calls(plan), AT_ONCE):
        with transaction.atomic():
            judge(write(plan, people, batch, checks))
        written += len(batch)
        yield written


@transaction.atomic
def people_of(plan: demodata.Plan) -> People:
    """Return the people of a plan; those who are not there yet are made."""
    invented = demodata.agents(plan.agents, random.Random(plan.seed))  # noqa: S311
    named = {agent.identifier: agent.name for agent in invented}
    return People(
        agents=persons(Agent, named),
        contacts=persons(Contact, {f"demo-c{number + 1:05}": "" for number in range(plan.contacts)}),
        reviewers=[reviewer(name) for name in REVIEWERS],
    )


def persons(model: type[Agent] | type[Contact], names: dict[str, str]) -> list[tuple[int, str]]:
    """Return the numbers of agents or contacts with these identifiers, in their order."""
    there = dict(model._default_manager.filter(key__startswith="demo-").values_list("key", "pk"))
    missing = [identifier for identifier in names if key_of(identifier) not in there]
    now = moment(timezone.now())
    Table(model, "identifier", "key", "name", "is_demo", "created_at").write(
        (identifier, key_of(identifier), names[identifier], True, now) for identifier in missing
    )
    if missing:
        there = dict(model._default_manager.filter(key__startswith="demo-").values_list("key", "pk"))
    return [(there[key_of(identifier)], identifier) for identifier in names]


def reviewer(name: str) -> int:
    """Return the number of an invented reviewer, who has no password and may not sign in."""
    made = {"role": Role.REVIEWER, "is_active": False, "is_demo": True, "password": "!"}
    return User.objects.get_or_create(username=name, defaults=made)[0].pk


def write(plan: demodata.Plan, people: People, batch: Sequence[demodata.Call], checks: dict[str, int]) -> list[Judged]:
    """Write some calls with all that belongs to them; return the verdicts. `checks` are the rows of checks known so far."""
    placed = place(people, batch, checks)
    Table(Recording, *RECORDING).write(recording_row(people, each, has_words=plan.has_words) for each in placed)
    Table(Analysis, *ANALYSIS).write(analysis_row(people, each) for each in placed)
    Table(Finding, *FINDING).write(row for each in placed for row in finding_rows(each))
    if plan.has_words:
        Table(Segment, *SEGMENT).write(row for each in placed for row in segment_rows(each))
        Table(Document, "analysis", "raw", "received_at").write(map(document_row, filter(is_done, placed)))
        Unindexed.objects.mark([each.number for each in placed if is_done(each)], timezone.now())
    Table(CallTally, "recording", "agent", "week", *summing.CALL_COUNTS[1:]).write(
        (each.number, each.share.agent, each.share.week.isoformat(), *each.share.counts[1:]) for each in placed
    )
    Table(CallCheck, "recording", "check_ref", "outcome", "agent", "called_at").write(
        (each.number, check, outcome, each.share.agent, began)
        for each in placed
        for began in (moment(each.call.began),)
        for check, outcome in each.share.checks.items()
    )
    summing.add_all((each.share, 1) for each in placed)
    return [each.judged for each in placed if each.judged]


def is_done(each: Placed) -> bool:
    """Say whether a call is analysed."""
    return each.call.state == State.COMPLETED


def place(people: People, batch: Sequence[demodata.Call], checks: dict[str, int]) -> list[Placed]:
    """Give the calls their numbers, and count them as `tallying` does."""
    placed, now = [], timezone.now()
    for number, call in zip(pouring.numbers(Recording, len(batch)), batch, strict=True):
        findings = [(found.check_id, found.outcome, found.title) for found in call.findings]
        worst, titles = tallying.worst_of(findings)
        if not checks.keys() >= titles.keys():
            checks |= tallying.checks_named(titles)
        counts = tallying.counts_of(call.seconds, set(worst.values()), is_analysed=call.state == State.COMPLETED)
        found = {checks[check]: outcome for check, outcome in worst.items()}
        share = summing.Share(people.agents[call.agent][0], call.week, counts, found)
        analysis = rising_uuid(now, number)
        at = min(now, call.began + timedelta(hours=20, minutes=number % 600))
        by = people.reviewers[number % len(people.reviewers)]
        judged = Judged(analysis, by, call.verdict, at) if call.verdict else None
        placed.append(Placed(call, number, analysis, share, worst, judged, now))
    return placed


def rising_uuid(now: datetime, number: int) -> UUID:
    """Return a UUID that is above those before it (RFC 9562, version 7): an index of them grows at one end."""
    milliseconds = int(now.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | number << 20 | random.getrandbits(20))


RECORDING = (
    "id", "agent", "contact", "called_at", "called_at_source", "direction", "link", "file_name", "duration_seconds",
    "channels", "uploaded_by", "created_at", "current_analysis", "state", "failure", "met", "violated", "omitted",
    "heard", "is_violated", "is_omitted", "is_heard", "talk_ratio", "negative_ratio", "reviewed_at", "reviewed_by",
    "verdict", "is_demo",
)  # fmt: skip


def recording_row(people: People, each: Placed, *, has_words: bool) -> pouring.Row:
    """Return the row of a call. There is no audio, only a link to nowhere: a recording has a file or a link."""
    call, judged = each.call, each.judged
    shown = tallying.shown(
        [(found.check_id, found.outcome, found.title) for found in call.findings],
        [(line.speaker, line.start, line.end) for line in call.lines] if has_words else [],
        tone_of(call) if has_words else None,
    )
    contact = people.contacts[call.contact][0] if call.contact is not None else None
    return (
        each.number, people.agents[call.agent][0], contact, moment(call.began), "form", call.direction,
        f"https://demo.invalid/{each.number}.flac", f"{call.began:%Y-%m-%d_%H%M}.flac", call.seconds, 2,
        people.reviewers[0], moment(each.ended), key(each.analysis), call.state, call.failure, *shown.values(),
        judged and moment(judged.at), judged and judged.reviewer, call.verdict, True,
    )  # fmt: skip


ANALYSIS = (
    "id", "recording", "requested_by", "created_at", "state", "failure", "detail", "submissions", "api_url",
    "sent_agent", "sent_contact", "rules", "external_id", "sent_at", "accepted_at", "finished_at", "news_at", "language",
)  # fmt: skip


def analysis_row(people: People, each: Placed) -> pouring.Row:
    """Return the row of a call's analysis. It is never due, and of an API that nobody asks, so that no worker takes it up."""
    call = each.call
    began = moment(each.ended)
    sent = moment(each.ended + timedelta(seconds=60)) if call.was_sent else None
    is_open = call.state in {State.QUEUED, State.PROCESSING}
    finished = None if is_open else moment(each.ended + timedelta(seconds=60 + call.seconds / 8))
    contact = people.contacts[call.contact][1] if call.contact is not None else "unknown"
    return (
        key(each.analysis), each.number, people.reviewers[0], began, call.state, call.failure, call.detail,
        int(call.was_sent), demodata.SOURCE if call.was_sent else "", people.agents[call.agent][1], contact,
        rules.builtin().hash if is_done(each) else "", f"demo-{each.analysis}" if call.was_sent else None, sent, sent,
        finished, finished or sent, "en" if is_done(each) else "",
    )  # fmt: skip


FINDING = (
    "analysis", "position", "check_id", "title", "outcome", "origin", "rule", "version", "severity", "explanation",
    "quote", "quote_origin", "speaker", "start", "end", "confidence", "searched", "also",
)  # fmt: skip


def finding_rows(each: Placed) -> Iterator[pouring.Row]:
    """Yield the rows of a call's findings."""
    analysis = key(each.analysis)
    for position, one in enumerate(each.call.findings):
        yield (
            analysis, position, one.check_id, one.title, one.outcome, one.origin, one.rule, one.version, one.severity,
            one.explanation, one.quote, one.quote_origin, one.speaker, one.start, one.end, one.confidence,
            one.searched and json.dumps(one.searched), one.also and json.dumps(one.also),
        )  # fmt: skip


SEGMENT = ("analysis", "position", "label", "speaker", "text", "start", "end", "confidence")


def segment_rows(each: Placed) -> Iterator[pouring.Row]:
    """Yield the rows of a call's transcript. Nothing sensitive is in it, so nothing is masked."""
    analysis = key(each.analysis)
    for position, (speaker, text, start, end, confidence) in enumerate(each.call.lines):
        yield analysis, position, "A" if speaker == "agent" else "B", speaker, text, start, end, confidence


def tone_of(call: demodata.Call) -> dict[str, Any] | None:
    """Return the tone as our engine gives it."""
    return {"contact": {"negative": call.negative}} if call.lines else None


def document_row(each: Placed) -> pouring.Row:
    """Return the row of the document: what lists and pages read of it beside transcript and findings."""
    results = {
        "rules": {"name": rules.builtin().name, "hash": rules.builtin().hash},
        "quality": {"tone": tone_of(each.call)},
    }
    document = {"id": f"demo-{each.analysis}", "status": "completed", "source": demodata.SOURCE, "results": results}
    received = each.ended + timedelta(seconds=60 + each.call.seconds / 8)
    return key(each.analysis), json.dumps(document), moment(received)
