"""Which calls a page shows: against a reference that looks at every call, and without sorting or scanning them."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.http import urlencode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal.filters import CallFilter
from callcov_portal.models import Agent, Analysis, CallCheck, Check, Contact, Outcome, Recording, State, User
from callcov_portal.models.branches import Asked, count_of
from callcov_portal.models.lookup import find
from callcov_portal.models.recording import BAND_ENDS
from callcov_portal.views import paging
from tests.factories import NOON, AgentFactory, ContactFactory, UserFactory
from tests.plans import plan_of

CALLS = 90
OUTCOMES = (Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD)
CHECKS = ("purpose", "identity")
VERDICTS = ("", "", "pass", "coach", "fail")
STATES = ("", *State.values)


def random_calls(chance: random.Random) -> None:
    """Write calls that differ in everything that is asked for; many share their minute."""
    agents = [
        AgentFactory(identifier=name, name=full, team=team)
        for name, full, team in (("Nora-7", "Nora Quist", "Sales"), ("b", "", "Sales"), ("c", "Quin", "Care"))
    ]
    AgentFactory(identifier="old-7", team="Care", merged_into=agents[0])
    contacts = [ContactFactory(identifier=name) for name in ("cust_1", "cust_2", "other")]
    users = [UserFactory(username=name) for name in ("una", "vic")]
    checks = [Check.objects.create(check_id=name, title=name) for name in CHECKS]
    for n in range(CALLS):
        outcomes = {check: chance.choice(OUTCOMES) for check in checks if chance.random() < 0.7}
        completed = bool(outcomes)
        state = State.COMPLETED.value if completed else chance.choice(STATES)
        call = Recording.objects.create(
            agent=chance.choice(agents),
            contact=chance.choice([None, *contacts]),
            called_at=NOON + timedelta(minutes=chance.randrange(8), days=chance.randrange(3)),
            direction=chance.choice(["", "inbound", "outbound"]),
            duration_seconds=chance.choice([None, 0.0, *BAND_ENDS, 59.5, 61.0, 5000.0]),
            file="x.wav",
            file_name=chance.choice(["monday.wav", "tuesday.wav", "Quist.wav", "%", ""]),
            uploaded_by=chance.choice([None, *users]),
            state=state,
            failure="unreachable" if state == "failed" else "",
            verdict=(verdict := chance.choice(VERDICTS)),
            reviewed_at=NOON if verdict else None,
            is_violated=Outcome.VIOLATED in outcomes.values(),
            is_omitted=Outcome.OMITTED in outcomes.values(),
            is_heard=Outcome.HEARD in outcomes.values(),
        )
        Analysis.objects.create(recording=call, external_id=f"ext-{n}", api_url="here")
        CallCheck.objects.bulk_create(
            CallCheck(recording=call, check_ref=check, outcome=outcome, agent=call.agent, called_at=call.called_at)
            for check, outcome in outcomes.items()
        )


@dataclass(frozen=True)
class Known:
    """A call with all that is known about it."""

    call: Recording
    checks: dict[str, str]
    ids: set[str | None]

    def came_out(self, check: str | None, outcome: str) -> bool:
        wanted = {"met", "violated", "omitted"} if outcome == "assessed" else {outcome}
        found = {self.checks.get(check)} if check else set(self.checks.values())
        return bool(wanted & found)

    def lasts(self, least: float, most: float) -> bool:
        return self.call.duration_seconds is not None and least * 60 <= self.call.duration_seconds <= most * 60

    def is_named(self, text: str) -> bool:
        call, low = self.call, text.lower()
        return (
            call.file_name.startswith((text, low, text.upper()))
            or low in call.agent.identifier.lower()
            or low in call.agent.name.lower()
            or (call.contact is not None and call.contact.key.startswith(low))
            or text.removeprefix("#") == str(call.pk)
            or text in self.ids
        )


# Whether one filter lets a call through.
HOLDS: dict[str, Callable[[Known, Any, dict[str, Any]], bool]] = {
    "state": lambda known, value, _: known.call.state in value,
    "call": lambda known, value, _: known.call.pk in value,
    "failure": lambda known, value, _: known.call.failure == value,
    "direction": lambda known, value, _: (known.call.direction or "unknown") == value,
    "agent": lambda known, value, _: known.call.agent.identifier.lower() == value.lower().replace("old-7", "nora-7"),
    "team": lambda known, value, _: known.call.agent.team == value,
    "contact": lambda known, value, _: (known.call.contact.identifier if known.call.contact else "unknown") == value,
    "uploaded_by": lambda known, value, _: bool(known.call.uploaded_by and known.call.uploaded_by.username == value),
    "reviewed": lambda known, value, _: (
        value == {"": "no"}.get(known.call.verdict, "yes") or known.call.verdict == value
    ),
    "check": lambda known, value, asked: known.came_out(value, asked.get("outcome", "assessed")),
    "outcome": lambda known, value, asked: known.came_out(asked.get("check"), value),
    "since": lambda known, value, _: timezone.localdate(known.call.called_at).isoformat() >= value,
    "until": lambda known, value, _: timezone.localdate(known.call.called_at).isoformat() <= value,
    "shortest": lambda known, value, _: known.lasts(value, 1e9),
    "longest": lambda known, value, _: known.lasts(0, value),
    "text": lambda known, value, _: known.is_named(value),
}


def everything() -> list[Known]:
    """Return every call, newest first."""
    calls = Recording.objects.select_related("agent", "contact", "uploaded_by")
    found = calls.prefetch_related("checks__check_ref", "analyses")
    known = [
        Known(
            call,
            {found.check_ref.check_id: found.outcome for found in call.checks.all()},
            {analysis.external_id for analysis in call.analyses.all()},
        )
        for call in found
    ]
    return sorted(known, key=lambda one: (one.call.called_at, one.call.pk), reverse=True)


def reference(known: list[Known], asked: dict[str, Any]) -> list[int]:
    """Return the numbers of the calls that are asked for, newest first, by looking at every one."""
    return [one.call.pk for one in known if all(HOLDS[name](one, value, asked) for name, value in asked.items())]


FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "state": st.lists(st.sampled_from(State.values), min_size=1, unique=True),
    "failure": st.sampled_from(["unreachable", "blocked"]),
    "agent": st.sampled_from(["Nora-7", "b", "C", "OLD-7", "nobody"]),
    "team": st.sampled_from(["Sales", "Care", "nobody's"]),
    "contact": st.sampled_from(["cust_1", "other", "unknown", "nobody"]),
    "uploaded_by": st.sampled_from(["una", "vic", "nobody"]),
    "reviewed": st.sampled_from(["no", "yes", "pass", "fail"]),
    "check": st.sampled_from([*CHECKS, "unheard_of"]),
    "outcome": st.sampled_from(["assessed", *OUTCOMES]),
    "since": st.sampled_from(["2026-03-02", "2026-03-03", "2026-03-05"]),
    "until": st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-03", "9999-12-31"]),
    "shortest": st.sampled_from([0, 0.5, 1.01, 2, 40]),
    "longest": st.sampled_from([0, 0.5, 1, 2.5, 40, 100]),
    "direction": st.sampled_from(["inbound", "outbound", "unknown"]),
    "text": st.sampled_from(
        ["quis", "QUIST", "cust", "cust_1", "monday", "MON", "ext-3", "#5", "7", "%", "_", "zebra"]
    ),
    "call": st.lists(st.integers(1, CALLS + 40), min_size=1, max_size=9, unique=True),
}


def filter_of(asked: dict[str, Any]) -> CallFilter:
    filters = CallFilter(QueryDict(urlencode(asked, doseq=True)))
    assert filters.is_valid(), filters.errors
    return filters


def walked(filters: CallFilter, word: str, start: str) -> list[int]:
    """Return the numbers on all pages from a cursor on, in one direction, newest first."""
    numbers: list[int] = []
    parameters = {word: start} if start else {}
    for _ in range(CALLS):
        page = paging.page_of(filters.branches, parameters, 20)
        numbers = [*numbers, *page.numbers] if word == "before" else [*page.numbers, *numbers]
        cursor = page.older if word == "before" else page.newer
        if not cursor:
            return numbers
        parameters = {word: cursor}
    raise AssertionError("the pages never end")


@pytest.fixture
def calls(db) -> list[Known]:
    random_calls(random.Random(20260302))
    return everything()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.fixed_dictionaries({}, optional=FILTERS))
def test_pages_in_both_directions_show_what_looking_at_every_call_shows(calls, asked):
    expected = reference(calls, asked)
    filters = filter_of(asked)
    assert list(filters.qs.order_by("-called_at", "-pk").values_list("pk", flat=True)) == expected
    assert walked(filters, "before", "") == expected
    oldest = paging.cursor_of((datetime(2020, 1, 1, tzinfo=UTC), 0))
    assert walked(filters, "after", oldest) == expected
    assert paging.count_of(filters.branches) == len(expected)


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_lets_some_calls_through_and_others_not(calls, name):
    values: dict[str, Any] = {
        "state": ["failed"],
        "agent": "Nora-7",
        "team": "Sales",
        "contact": "cust_1",
        "uploaded_by": "una",
        "check": "purpose",
    }
    values |= {"failure": "unreachable", "reviewed": "yes", "outcome": "heard", "since": "2026-03-03"}
    values |= {
        "until": "2026-03-02",
        "shortest": 2,
        "longest": 2,
        "direction": "inbound",
        "text": "cust",
        "call": [1, 2],
    }
    asked = {name: values[name]} if name != "call" else {"call": [Recording.objects.order_by("pk")[3].pk]}
    assert 0 < len(reference(calls, asked)) < CALLS
    assert walked(filter_of(asked), "before", "") == reference(calls, asked)


@pytest.mark.parametrize(
    "asked", [{"text": "team-"}, {"team": "Sales"}, {"team": "Sales", "state": ["failed", "queued", "cancelled"]}]
)
def test_more_agents_than_are_read_one_by_one_are_found_all_the_same(db, monkeypatch, asked):
    monkeypatch.setattr("callcov_portal.models.selection.MOST_AGENTS", 2)
    for n in range(4):
        agent = AgentFactory(identifier=f"team-{n}", team="Sales")
        Recording.objects.create(agent=agent, called_at=NOON, file="x", state=State.FAILED)
    filters = filter_of(asked)
    assert len(walked(filters, "before", "")) == 4
    assert len(filters.branches) <= 3


def test_what_a_text_finds_is_bounded_and_says_so(db, monkeypatch):
    monkeypatch.setattr("callcov_portal.models.lookup.MOST_CONTACTS", 2)
    ContactFactory.create_batch(3)
    assert find("contact-").more_contacts
    assert len(find("contact-").contacts) == 2


@pytest.mark.sqlite
def test_a_text_is_looked_up_in_indexes_and_only_the_few_agents_are_all_looked_at(many):
    with CaptureQueriesContext(connection) as asked:
        find("Quist")
    assert len(asked) == 6
    for query in asked.captured_queries:
        plan = " ".join(plan_of(query["sql"]))
        assert "portal_agent" in query["sql"] or ("SCAN" not in plan and "TEMP B-TREE" not in plan), plan


@pytest.fixture
def many(calls) -> None:
    """So many rows, and so much known about them, that a planner which counts will use an index."""
    people = [Agent.objects.all(), Contact.objects.all(), User.objects.all()]
    agents, contacts, users = ([row.pk for row in rows] for rows in people)
    rows = [
        Recording(
            agent_id=agents[n % len(agents)],
            contact_id=contacts[n % len(contacts)],
            uploaded_by_id=users[n % len(users)],
            called_at=NOON + timedelta(minutes=n),
            file="x",
            state=STATES[n % len(STATES)],
            duration_seconds=n,
        )
        for n in range(2000)
    ]
    Recording.objects.bulk_create(rows)


ASKED: list[dict[str, Any]] = [
    {},
    *({name: value} for name, value in [
        ("state", ["failed"]), ("state", ["failed", "queued", "completed"]), ("failure", "unreachable"),
        ("agent", "Nora-7"), ("team", "Sales"), ("contact", "cust_1"), ("contact", "unknown"), ("uploaded_by", "una"),
        ("reviewed", "no"), ("reviewed", "yes"), ("check", "purpose"), ("outcome", "violated"), ("outcome", "omitted"),
        ("outcome", "heard"), ("outcome", "met"), ("outcome", "assessed"), ("since", "2026-03-02"),
        ("shortest", 2), ("longest", 3), ("direction", "inbound"), ("text", "cust"), ("text", "quis"),
    ]),
    {"check": "purpose", "outcome": "violated", "agent": "Nora-7", "state": ["completed"], "since": "2026-03-01"},
    {"check": "purpose", "outcome": "met", "reviewed": "yes", "contact": "cust_1"},
    {"agent": "Nora-7", "state": ["failed", "queued"], "reviewed": "no", "until": "2026-03-04"},
    {"team": "Sales", "state": ["failed", "completed"], "outcome": "heard"},
    {"state": ["failed"], "reviewed": "pass"}, {"state": ["failed", "queued"], "reviewed": "yes", "direction": "inbound"},
    {"state": ["failed"], "reviewed": "no"},
    {"outcome": "violated", "reviewed": "coach", "uploaded_by": "una", "shortest": 1, "longest": 9},
    {"text": "Quist", "state": ["completed"], "direction": "outbound"},
]  # fmt: skip


@pytest.mark.sqlite  # PostgreSQL chooses by what it counted, and a scan is right for few rows
@pytest.mark.parametrize("counted", [False, True], ids=["uncounted", "counted"])
def test_a_page_is_read_in_the_order_of_an_index_and_nothing_is_sorted_or_scanned(many, counted):
    if counted:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    for asked in ASKED:
        branches = filter_of(asked).branches
        assert branches, asked
        cursors: list[dict[str, Any]] = [{}, {"before": (NOON, 50)}, {"after": (NOON, 50)}]
        plans = [plan_for(branch.reading(51, **cursor)) for branch in branches for cursor in cursors]
        refuse_sorting_and_scanning(asked, plans)


@pytest.mark.sqlite
@pytest.mark.parametrize("counted", [False, True], ids=["uncounted", "counted"])
@pytest.mark.parametrize("reviewed", ["pass", "yes"])
def test_a_rare_pair_of_state_and_verdict_is_read_from_an_index_of_both(many, reviewed, counted):
    if counted:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    branches = filter_of({"state": ["failed"], "reviewed": reviewed}).branches
    assert len(branches) == (3 if reviewed == "yes" else 1)
    by_both = "SEARCH portal_recording USING INDEX recording_by_verdict_state (verdict=? AND state=?"
    for branch in branches:
        for here in (branch.reading(51), branch.reading(51, before=(NOON, 50)), branch.reading(51, after=(NOON, 50))):
            assert plan_for(here).startswith(by_both)
        assert by_both in plan_for(Asked(count_of(branch.shape, 1001), branch.values))


def plan_for(asked: Asked) -> str:
    return "\n".join(plan_of(asked.statement.sql, asked.parameters))


def refuse_sorting_and_scanning(asked: dict[str, Any], plans: list[str]) -> None:
    """Fail if a plan sorts, or scans anything but the calls in the order of their time where most are shown."""
    for plan in plans:
        assert "TEMP B-TREE" not in plan, (asked, plan)
        # All calls, or most of them, are walked through in the order of their time.
        is_walk = set(asked) <= {"since", "until"} or asked.get("outcome") in {"met", "assessed"}
        walk = r"SCAN portal_recording USING (COVERING )?INDEX recording_by_time" if is_walk else "$^"
        assert "SCAN" not in re.sub(walk, "", plan), (asked, plan)


@pytest.mark.parametrize(
    "asked", [{"outcome": "violated"}, {"outcome": "met"}, {"check": "purpose"}, {"failure": "unreachable"}]
)
def test_what_tells_the_state_is_not_asked_for_it_again(db, asked):
    own, other = ("failed", "completed") if "failure" in asked else ("completed", "failed")
    alone = filter_of(asked).selection
    assert filter_of(asked | {"state": [own]}).selection == alone
    assert filter_of(asked | {"state": ["queued", own]}).selection == alone
    assert not filter_of(asked | {"state": ["queued", other]}).branches
