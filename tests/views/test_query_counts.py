"""What a page costs does not grow with its rows: of every page, ten of each thing cost as many queries as twenty."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callcov_portal.actions import exporting, indexing, rules, saving, scheduling
from callcov_portal.exports import wish_for
from callcov_portal.models import Agent, Contact, Every, Failure, LogEntry, Outcome, Recording, Role, State, User
from callcov_portal.quality.actions import give_verdict
from callcov_portal.quality.models import Verdict
from tests.conftest import person
from tests.factories import (
    AgentFactory,
    AnalysisFactory,
    CompletedFactory,
    ContactFactory,
    FindingFactory,
    ProcessingFactory,
    RecordingFactory,
    SegmentFactory,
)
from tests.rulesets import GREETING

HTMX = {"HX-Request": "true"}
PAGES = {
    "home": "/?weeks=all",
    "calls": "/calls/",
    "calls, filtered": "/calls/?outcome=violated&agent=rachel",
    "calls, by text": "/calls/?text=rachel",
    "calls that failed": "/calls/?state=failed",
    "saved views": "/calls/views/",
    "columns": "/calls/columns/",
    "a call": "/calls/{call}/",
    "a call on paper": "/calls/{call}/print/",
    "a call's transcript": "/calls/{call}/transcript.txt",
    "search": "/search/?words=calling",
    "search, best first": "/search/?words=calling&sort=relevance",
    "agents": "/agents/?weeks=all",
    "agents of a team": "/agents/?weeks=all&team=Billing",
    "an agent": "/agents/{agent}/?weeks=all",
    "edit an agent": "/agents/{agent}/edit/",
    "contacts": "/contacts/",
    "a contact": "/contacts/{contact}/",
    "exports": "/exports/",
    "exports of findings": "/exports/?table=findings&outcome=violated",
    "count of an export": "/exports/count/?table=segments",
    "rules": "/rules/",
    "people": "/people/",
    "status": "/status/",
}  # fmt: skip
# Exports read forty calls at a time, or fifty agents; here are 21 of each at most.
EXPORTS = {"calls": "&agent=rachel", "findings": "&agent=rachel", "segments": "&agent=rachel", "agents": ""}
PAGES |= {
    f"{table} as {form}": f"/exports/{table}.{form}?state=completed{whose}"
    for form in ("csv", "jsonl")
    for table, whose in EXPORTS.items()
}
PARTS = {
    "rows of the list": "/calls/?before=",
    "live rows": "/calls/rows/?ids={ids}&picks=1",
    "what was exported": "/exports/made/",
    "known agents": "/calls/known/agents/?agent=agent",
    "known contacts": "/calls/known/contacts/?contact=contact",
    "names behind the counts": "/calls/{call}/moments/",
}


@pytest.fixture
def grow(dora) -> Callable[[int], None]:
    """Return what makes so many more of everything: calls in every state, words, findings, people, files, versions."""
    agent, contact = AgentFactory(identifier="rachel", team="Billing"), ContactFactory(identifier="daniel")
    call = CompletedFactory(recording=RecordingFactory(agent=agent, contact=contact))

    def more(count: int) -> None:
        now = timezone.now()
        for number in range(User.objects.count(), User.objects.count() + count):
            when = now - timedelta(days=number)
            of_both = {"agent": agent, "contact": contact, "called_at": when}
            others = {"agent": AgentFactory(team="Billing"), "contact": ContactFactory(), "called_at": when}
            for people in (of_both, others):
                analysis = CompletedFactory(recording=RecordingFactory(**people))
                told(analysis, number)
                give_verdict(analysis, dora, Verdict(Verdict.values[0]), f"Note {number}")
                AnalysisFactory(
                    recording=RecordingFactory(**people),
                    state=State.FAILED,
                    failure=Failure.GAVE_UP,
                    next_attempt_at=None,
                )
                ProcessingFactory(recording=RecordingFactory(**people))
            told(call, number)
            person(f"user-{number}", Role.REVIEWER)
            saving.save_view(dora, f"View {number}", f"agent=agent-{number}", is_shared=True)
            exporting.order(wish_for("calls", "csv").of(f"agent=agent-{number}"), dora)
            scheduling.add(wish_for("agents", "csv"), dora, Every.DAY, 0, number % 24)
            rules.save_version(GREETING.replace("House rules", f"Rules {number}"), "", dora)
            LogEntry.objects.create(user=dora, act="edited", recording_number=call.recording_id, text=f"{number}")
        while indexing.index():
            pass

    return more


def told(analysis, number: int) -> None:
    """Give a call one more segment and one more finding, with words and a place."""
    SegmentFactory(analysis=analysis, position=number, text=f"Thank you for calling, number {number}.")
    FindingFactory(
        analysis=analysis, check_id=f"check.{number}", title=f"Check {number}", outcome=Outcome.VIOLATED,
        quote="Thank you for calling", start=1.0, end=2.0,
    )  # fmt: skip


def queries(client, address: str, **headers: str) -> list[str]:
    """Return what is asked of the database for a page, the second time: what is asked once in a while is asked before."""
    client.get(address, headers=headers)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address, headers=headers)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == 200, address
    assert body
    return [query["sql"] for query in captured]


def filled(address: str) -> str:
    """Return the address with the numbers of what is there."""
    agent, contact = Agent.objects.get(key="rachel"), Contact.objects.get(key="daniel")
    first = Recording.objects.order_by("pk")[0]
    ids = ",".join(str(pk) for pk in Recording.objects.values_list("pk", flat=True))
    return address.format(call=first.pk, agent=agent.pk, contact=contact.pk, ids=ids)


def test_a_page_and_a_part_of_one_cost_the_same_with_ten_rows_and_with_twenty(as_dora, grow, subtests):
    everything = {**{name: (address, {}) for name, address in PAGES.items()},
        **{name: (address, HTMX) for name, address in PARTS.items()}}  # fmt: skip
    grow(10)
    ten = {name: queries(as_dora, filled(address), **headers) for name, (address, headers) in everything.items()}
    grow(10)
    for name, (address, headers) in everything.items():
        with subtests.test(name):
            twenty = queries(as_dora, filled(address), **headers)
            assert len(twenty) <= len(ten[name]), [query for query in twenty if query not in ten[name]]
