"""Agents: the list, and a page for each."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.models import Agent, Failure, Outcome, State
from tests.factories import (
    NOON,
    AgentFactory,
    AnalysisFactory,
    CompletedFactory,
    ContactFactory,
    FindingFactory,
    RecordingFactory,
)
from tests.views.pages import links_of, numbers_of, text_of

MET, VIOLATED, OMITTED, NOT_ASSESSED = Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED, Outcome.NOT_ASSESSED


def analysed(agent: Agent, *outcomes: tuple[str, str], **kwargs):
    """One completed call of an agent, with a finding for each (check, outcome)."""
    analysis = CompletedFactory(recording=RecordingFactory(agent=agent, **kwargs))
    for check, outcome in outcomes:
        FindingFactory(analysis=analysis, check_id=check, title=check.capitalize(), outcome=outcome)
    return analysis


def count_of(client, link: str) -> int:
    """Return how many calls the list shows behind a link."""
    response = client.get(link)
    assert response.status_code == 200, link
    return len(response.context["rows"])


@pytest.fixture
def nora(db) -> Agent:
    """Nine calls: seven analysed, in five of which something was assessed."""
    nora = AgentFactory(identifier="Nora & Søn +1", name="Nora Weiß")
    analysed(nora, ("identity", MET), ("purpose", MET))
    analysed(nora, ("identity", MET), ("purpose", OMITTED), ("sensitive", VIOLATED), ("sensitive", VIOLATED))
    analysed(nora, ("identity", OMITTED), ("purpose", MET))
    analysed(nora, ("identity", NOT_ASSESSED), ("purpose", VIOLATED))
    analysed(nora, ("identity", NOT_ASSESSED))
    analysed(nora, ("odd & 1", MET), ("odd & 1", OMITTED), ("odd & 1", VIOLATED))
    analysed(nora)
    AnalysisFactory(recording=RecordingFactory(agent=nora))
    AnalysisFactory(
        recording=RecordingFactory(agent=nora), state=State.FAILED, failure=Failure.LOST, next_attempt_at=None
    )
    analysed(AgentFactory(identifier="Omar"), ("identity", VIOLATED))
    return nora


def test_the_list_says_how_many_calls_each_agent_has_and_how_they_came_out(as_bob, nora):
    row = text_of(as_bob.get("/agents/?text=nora"))
    assert "Nora Weiß Nora & Søn +1 9 7 3 60 % 2 40 %" in row


def test_every_number_of_the_list_links_to_exactly_its_calls(as_bob, nora):
    numbers = numbers_of(as_bob.get("/agents/"))
    assert len(numbers) == 4 + 4
    for link, number in numbers:
        assert count_of(as_bob, link) == number, link


def test_each_check_is_counted_once_per_call_by_its_worst_finding(as_bob, nora):
    page = text_of(as_bob.get(f"/agents/{nora.pk}/"))
    assert "Sensitive 1 1 100 % 0 0 % 0 0 %" in page
    assert "Odd & 1 1 1 100 % 0 0 % 0 0 %" in page


def test_what_was_not_assessed_is_in_no_denominator(as_bob, nora):
    page = text_of(as_bob.get(f"/agents/{nora.pk}/"))
    assert "Identity 3 0 0 % 1 33 % 2 67 %" in page
    assert "Purpose 4 1 25 % 1 25 % 2 50 %" in page


def test_every_number_of_an_agents_page_links_to_exactly_its_calls(as_bob, nora):
    numbers = numbers_of(as_bob.get(f"/agents/{nora.pk}/"))
    assert {link for link, _ in numbers} >= {
        "/calls/?agent=Nora+%26+S%C3%B8n+%2B1",
        "/calls/?agent=Nora+%26+S%C3%B8n+%2B1&state=completed",
        "/calls/?agent=Nora+%26+S%C3%B8n+%2B1&check=purpose",
        "/calls/?agent=Nora+%26+S%C3%B8n+%2B1&check=odd%20%26%201&outcome=violated",
    }
    assert len(numbers) == 13
    for link, number in numbers:
        assert count_of(as_bob, link) == number, link


def test_the_worst_check_comes_first(as_bob, nora):
    rates = as_bob.get(f"/agents/{nora.pk}/").context["rates"]
    assert [rate.check_id for rate in rates] == ["odd & 1", "sensitive", "purpose", "identity"]


def test_only_the_current_analysis_of_a_call_counts(as_bob):
    agent = AgentFactory()
    first = analysed(agent, ("identity", VIOLATED))
    second = CompletedFactory(recording=first.recording)
    FindingFactory(analysis=second, check_id="identity", outcome=MET)
    [rate] = as_bob.get(f"/agents/{agent.pk}/").context["rates"]
    assert (rate.assessed, rate.met, rate.violated) == (1, 1, 0)
    assert count_of(as_bob, "/calls/?outcome=violated") == 0
    AnalysisFactory(recording=first.recording)  # analysed again: not completed yet, so nothing counts
    assert as_bob.get(f"/agents/{agent.pk}/").context["rates"] == []
    assert count_of(as_bob, "/calls/?outcome=assessed") == 0


def test_the_days_hold_for_the_list_the_numbers_and_their_links(as_bob):
    agent = AgentFactory(identifier="A")
    analysed(agent, ("identity", MET), called_at=NOON)
    analysed(agent, ("identity", OMITTED), called_at=NOON + timedelta(days=3))
    page = as_bob.get(f"/agents/{agent.pk}/?since=2026-03-01&until=2026-03-02")
    assert [row.called_at for row in page.context["rows"]] == [NOON]
    assert "Identity 1 0 0 % 0 0 % 1 100 %" in text_of(page)
    numbers = numbers_of(page)
    assert len(numbers) == 4
    for link, number in numbers:
        assert "since=2026-03-01&until=2026-03-02" in link
        assert count_of(as_bob, link) == number
    assert "/exports/findings.csv?agent=A&since=2026-03-01&until=2026-03-02" in links_of(page)


def test_a_day_that_cannot_be_read_is_said_and_shows_nothing_wrong(as_bob, nora):
    page = as_bob.get(f"/agents/{nora.pk}/?since=yesterday")
    assert page.status_code == 422
    assert "Enter a valid date." in text_of(page)
    assert page.context["totals"].calls == 0


def test_other_filters_of_the_list_of_calls_do_not_bend_an_agents_numbers(as_bob, nora):
    assert as_bob.get(f"/agents/{nora.pk}/?state=failed&agent=Omar").context["totals"].calls == 9


def test_an_agents_calls_can_be_exported(as_bob, nora):
    page = as_bob.get(f"/agents/{nora.pk}/")
    for table in ("calls", "findings", "segments"):
        assert f"/exports/{table}.csv?agent=Nora+%26+S%C3%B8n+%2B1" in links_of(page)
    export = as_bob.get("/exports/calls.csv?agent=Nora+%26+S%C3%B8n+%2B1").getvalue().decode()
    assert len(export.splitlines()) == 1 + 9


def test_the_calls_of_an_agent_are_paged(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.views.paging.page_of.__defaults__", (2,))
    agent = AgentFactory()
    for _ in range(3):
        RecordingFactory(agent=agent)
    first = as_bob.get(f"/agents/{agent.pk}/")
    older = next(link for link in links_of(first) if "before=" in link)
    second = as_bob.get(f"/agents/{agent.pk}/{older}")
    assert [len(page.context["rows"]) for page in (first, second)] == [2, 1]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["ada", "Bea", "cyd"]),
        ("calls", ["Bea", "ada", "cyd"]),
        ("analysed", ["Bea", "cyd", "ada"]),
        ("violated", ["cyd", "Bea", "ada"]),
        ("omitted", ["Bea", "cyd", "ada"]),
        ("last", ["cyd", "ada", "Bea"]),
        ("'; drop table", ["Bea", "ada", "cyd"]),
    ],
)
def test_the_list_is_sorted_as_asked(as_bob, sort, order):
    ada, bea, cyd = (AgentFactory(identifier=name) for name in ("ada", "Bea", "cyd"))
    for minute in range(3):
        AnalysisFactory(recording=RecordingFactory(agent=ada, called_at=NOON + timedelta(minutes=10 + minute)))
    for minute in range(4):
        outcome = VIOLATED if minute == 0 else OMITTED
        analysed(bea, ("identity", outcome), called_at=NOON + timedelta(minutes=minute))
    analysed(cyd, ("identity", VIOLATED), called_at=NOON + timedelta(minutes=30))
    page = as_bob.get("/agents/", {"sort": sort})
    assert [person.identifier for person in page.context["people"]] == order
    assert [person.violated_rate for person in page.context["people"]].count(None) == 1


@pytest.mark.parametrize("text", ["NORA", "weiß", "  søn", "+1"])
def test_agents_are_found_by_a_part_of_identifier_or_name(as_bob, nora, text):
    people = as_bob.get("/agents/", {"text": text}).context["people"]
    assert [person.identifier for person in people] == [nora.identifier]


def test_a_search_without_a_hit_says_so(as_bob, nora):
    assert "No agent matches “<b>x”" in text_of(as_bob.get("/agents/", {"text": "<b>x"})).replace("&lt;", "<")
    assert as_bob.get("/agents/", {"text": "\0" * 300}).status_code == 200


def test_an_empty_list_says_what_to_do(as_bob):
    AgentFactory()  # somebody whose only call was corrected to be another's
    page = as_bob.get("/agents/")
    assert "No agents yet They appear with their first call." in text_of(page)
    assert "/calls/add/" in links_of(page)


def test_the_list_is_paged_and_keeps_search_and_sort(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.views.people.PAGE_SIZE", 2)
    for name in "abc":
        RecordingFactory(agent__identifier=f"agent {name}")
    first = as_bob.get("/agents/?text=agent&sort=name")
    assert "3 agents" in text_of(first)
    assert "?text=agent&sort=name&page=2" in links_of(first)
    second = as_bob.get("/agents/?text=agent&sort=name&page=2")
    assert [person.identifier for person in second.context["people"]] == ["agent c"]
    assert as_bob.get("/agents/?page=99").status_code == 200
    assert as_bob.get("/agents/?page=x").status_code == 200


def test_the_search_asks_only_for_the_list(as_bob, nora):
    part = as_bob.get("/agents/?text=nora", headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    assert b'id="people"' in part.content


@pytest.mark.parametrize("number", ["0", "999", "99999999999999999999999"])
def test_there_is_no_page_of_an_agent_who_does_not_exist(as_bob, number):
    assert as_bob.get(f"/agents/{number}/").status_code == 404


def test_an_agent_without_calls_has_a_page_that_says_so(as_bob):
    page = as_bob.get(f"/agents/{AgentFactory(name='').pk}/")
    assert "0 calls 0 analysed 0 minutes" in text_of(page)
    assert "Nothing assessed yet" in text_of(page)


@pytest.mark.parametrize("sort", ["calls", "violated"])
def test_the_list_costs_the_same_however_many_agents_there_are(as_bob, nora, sort):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get(f"/agents/?sort={sort}")
        return len(captured)

    before = queries()
    for _ in range(5):
        analysed(AgentFactory(), ("identity", MET))
    assert queries() == before <= 7


def test_an_agents_page_costs_the_same_however_many_calls_there_are(as_bob, nora):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get(f"/agents/{nora.pk}/")
        return len(captured)

    before = queries()
    for number in range(5):
        analysed(nora, ("identity", MET), (f"check {number}", OMITTED), contact=ContactFactory())
    assert queries() == before <= 11


def test_strangers_see_no_agents(as_charlie, db):
    assert as_charlie.get("/agents/").status_code == 302


def test_a_check_goes_by_its_own_name_although_broken_rules_have_others(as_bob):
    nora = AgentFactory(identifier="nora")
    for title, outcome in (("Prohibited phrases", MET), ("Threatens the contact", VIOLATED)):
        analysis = CompletedFactory(recording=RecordingFactory(agent=nora))
        FindingFactory(analysis=analysis, check_id="prohibited_phrases", title=title, outcome=outcome)
    words = text_of(as_bob.get(f"/agents/{nora.pk}/"))
    assert (words.count("Prohibited phrases"), words.count("Threatens the contact")) == (1, 0)
