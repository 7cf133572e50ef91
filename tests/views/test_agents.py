"""Agents: the list, and a page for each."""

from datetime import timedelta

import pytest
import time_machine
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
    SegmentFactory,
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


ALL = "weeks=all"


def test_the_list_says_how_agents_stand_with_interval_and_ties(as_bob, nora):
    row = text_of(as_bob.get("/agents/?weeks=all&text=nora"))
    assert "1–2 Nora Weiß Nora & Søn +1 44 % 19–73 % 9 in 5 calls – 9 7 19 3 2" in row


def test_every_number_of_the_list_links_to_exactly_its_calls(as_bob, nora):
    numbers = numbers_of(as_bob.get("/agents/?weeks=all"))
    assert len(numbers) == 4 + 3
    for link, number in numbers:
        assert count_of(as_bob, link) == number, link


def test_the_numbers_of_some_weeks_link_to_the_calls_of_these_weeks(as_bob, nora):
    analysed(nora, ("identity", OMITTED), called_at=NOON + timedelta(days=7))
    numbers = numbers_of(as_bob.get("/agents/?week=2026-03-05&text=nora"))
    assert [number for _, number in numbers] == [9, 7, 3, 2]
    for link, number in numbers:
        assert "since=2026-03-02&until=2026-03-08" in link
        assert count_of(as_bob, link) == number, link


def test_of_one_check_the_worst_come_first_and_every_number_is_of_that_check(as_bob, nora):
    page = as_bob.get("/agents/?weeks=all&check=identity")
    assert [one.agent.identifier for one in page.context["page"]] == ["Omar", nora.identifier]
    assert "Agents by Identity" in text_of(page)
    numbers = numbers_of(page)
    assert len(numbers) == 4 + 4
    for link, number in numbers:
        assert count_of(as_bob, link) == number, link


def test_each_check_is_counted_once_per_call_by_its_worst_finding(as_bob, nora):
    page = text_of(as_bob.get(f"/agents/{nora.pk}/?{ALL}"))
    assert "Sensitive 0 % 0–79 % of 1 assessed: ✗ violated 1" in page
    assert "Odd & 1 0 % 0–79 % of 1 assessed: ✗ violated 1" in page


def test_what_was_not_assessed_is_in_no_denominator(as_bob, nora):
    page = text_of(as_bob.get(f"/agents/{nora.pk}/?{ALL}"))
    assert "Identity 67 % 21–94 % of 3 assessed: ○ omitted 1 ✓ met 2" in page
    assert "Purpose 50 % 15–85 % of 4 assessed: ✗ violated 1 ○ omitted 1 ✓ met 2" in page


def test_every_number_of_an_agents_page_links_to_exactly_its_calls(as_bob, nora):
    numbers = numbers_of(as_bob.get(f"/agents/{nora.pk}/?{ALL}"))
    assert {link for link, _ in numbers} >= {
        "/calls/?agent=Nora+%26+S%C3%B8n+%2B1",
        "/calls/?agent=Nora+%26+S%C3%B8n+%2B1&state=completed",
        "/calls/?agent=Nora+%26+S%C3%B8n+%2B1&check=purpose",
        "/calls/?agent=Nora+%26+S%C3%B8n+%2B1&check=odd%20%26%201&outcome=violated",
    }
    assert len(numbers) == 15
    for link, number in numbers:
        assert count_of(as_bob, link) == number, link


def test_a_tile_of_an_agents_map_leads_to_the_calls_of_its_check_and_week(as_bob, nora):
    analysed(nora, ("identity", OMITTED), called_at=NOON + timedelta(days=7))
    page = as_bob.get(f"/agents/{nora.pk}/?week=2026-03-02")
    [line] = [line for line in page.context["map"].lines if line.check.check_id == "identity"]
    [tile] = line.tiles
    assert (tile.share.met, tile.share.n, tile.css) == (2, 3, "heat-3")
    assert count_of(as_bob, tile.url) == 3


def test_the_worst_check_comes_first(as_bob, nora):
    checks = as_bob.get(f"/agents/{nora.pk}/?{ALL}").context["checks"]
    assert [one.check_id for one, _ in checks] == ["odd & 1", "sensitive", "purpose", "identity"]


def test_only_the_current_analysis_of_a_call_counts(as_bob):
    agent = AgentFactory()
    first = analysed(agent, ("identity", VIOLATED))
    second = CompletedFactory(recording=first.recording)
    FindingFactory(analysis=second, check_id="identity", outcome=MET)
    [(one, clips)] = as_bob.get(f"/agents/{agent.pk}/?{ALL}").context["checks"]
    assert (one.assessed, one.met, one.violated, clips) == (1, 1, 0, [])
    AnalysisFactory(recording=first.recording)  # analysed again: not completed yet, so nothing counts
    assert as_bob.get(f"/agents/{agent.pk}/?{ALL}").context["checks"] == []


def test_the_last_three_calls_in_which_a_check_went_wrong_are_its_evidence(as_bob):
    agent = AgentFactory()
    for day in range(5):
        analysis = CompletedFactory(recording=RecordingFactory(agent=agent, called_at=NOON + timedelta(days=day)))
        FindingFactory(analysis=analysis, outcome=OMITTED, quote=f"words of day {day}", start=3.0, end=4.5)
        FindingFactory(analysis=analysis, check_id="greeting", outcome=MET, quote="hello", start=0.0)
    page = as_bob.get(f"/agents/{agent.pk}/?{ALL}")
    words = text_of(page)
    assert [f"words of day {day}" in words for day in range(5)] == [False, False, True, True, True]
    assert "hello" not in words
    number = analysis.recording_id
    assert f"/calls/{number}/audio/#t=3.00,4.50" in links_of(page)
    assert f"/calls/{number}/#t=3.00" in links_of(page)


def test_evidence_hides_what_is_sensitive_and_is_not_played_while_it_is_being_muted(as_bob):
    agent = AgentFactory()
    analysis = CompletedFactory(recording=RecordingFactory(agent=agent, muting="due"))
    SegmentFactory(analysis=analysis, text="My card is 4111 1111 1111 1111.", masked="My card is [card number].")
    FindingFactory(analysis=analysis, outcome=VIOLATED, quote="card is 4111 1111 1111 1111", start=1.0)
    page = as_bob.get(f"/agents/{agent.pk}/?{ALL}")
    assert "4111" not in text_of(page)
    assert "card number" in text_of(page)
    assert not [link for link in links_of(page) if "/audio/" in link]


def test_an_agent_stands_beside_the_others_of_the_team_and_the_weeks_before(as_bob):
    good, bad = AgentFactory(team="Claims"), AgentFactory(team="Claims")
    for agent, outcome, day in ((good, MET, 7), (good, VIOLATED, 0), (bad, VIOLATED, 7)):
        for _ in range(9):
            analysed(agent, ("identity", outcome), called_at=NOON + timedelta(days=day))
    page = as_bob.get(f"/agents/{good.pk}/?week=2026-03-09")
    assert (page.context["trend"], page.context["beside_others"]) == (1, 1)
    assert "Others of Claims 0 % 0–30 % ▲ better The weeks before 0 % 0–30 % ▲ better" in text_of(page)


def test_the_week_by_week_numbers_are_drawn_and_written(as_bob):
    agent = AgentFactory()
    for week in range(3):
        analysed(agent, ("identity", MET), ("purpose", OMITTED), called_at=NOON + timedelta(weeks=week))
    with time_machine.travel(NOON + timedelta(weeks=2), tick=False):
        page = as_bob.get(f"/agents/{agent.pk}/?weeks=4")
    assert len(page.context["drawing"].points) == 3
    assert "2 Mar 2026 50 % 9–91 % 2" in text_of(page)
    assert b"<svg" in page.content
    assert b"style=" not in page.content


def test_an_agents_calls_can_be_exported(as_bob, nora):
    page = as_bob.get(f"/agents/{nora.pk}/?{ALL}")
    for table in ("calls", "findings", "segments"):
        assert f"/exports/{table}.csv?agent=Nora+%26+S%C3%B8n+%2B1" in links_of(page)
    export = as_bob.get("/exports/calls.csv?agent=Nora+%26+S%C3%B8n+%2B1").getvalue().decode()
    assert len(export.splitlines()) == 1 + 9


def test_the_calls_of_an_agent_are_paged_within_the_weeks(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.views.paging.page_of.__defaults__", (2,))
    agent = AgentFactory()
    for _ in range(3):
        RecordingFactory(agent=agent)
    first = as_bob.get(f"/agents/{agent.pk}/?{ALL}")
    older = next(link for link in links_of(first) if "before=" in link)
    assert ALL in older
    second = as_bob.get(f"/agents/{agent.pk}/{older}")
    assert [len(page.context["rows"]) for page in (first, second)] == [2, 1]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["ada", "Bea", "cyd"]),
        ("calls", ["Bea", "ada", "cyd"]),
        ("analysed", ["Bea", "cyd", "ada"]),
        ("score", ["Bea", "cyd", "ada"]),
        ("worst", ["cyd", "Bea", "ada"]),
        ("violated", ["Bea", "cyd", "ada"]),
        ("team", ["cyd", "Bea", "ada"]),
        ("'; drop table", ["Bea", "cyd", "ada"]),
    ],
)
def test_the_list_is_sorted_as_asked(as_bob, sort, order):
    ada, bea, cyd = (
        AgentFactory(identifier=name, team=team) for name, team in (("ada", ""), ("Bea", "y"), ("cyd", "x"))
    )
    for _ in range(3):
        AnalysisFactory(recording=RecordingFactory(agent=ada))
    for number in range(4):
        analysed(bea, ("identity", VIOLATED if number == 0 else MET))
    analysed(cyd, ("identity", VIOLATED))
    page = as_bob.get("/agents/", {"sort": sort, "weeks": "all"})
    assert [one.agent.identifier for one in page.context["page"]] == order


@pytest.mark.parametrize("text", ["NORA", "weiß", "  søn", "+1"])
def test_agents_are_found_by_a_part_of_identifier_or_name(as_bob, nora, text):
    found = as_bob.get("/agents/", {"text": text, "weeks": "all"}).context["page"]
    assert [one.agent.identifier for one in found] == [nora.identifier]


def test_a_team_stands_by_itself(as_bob):
    for number, team in enumerate(("Claims", "Claims", "Billing")):
        analysed(AgentFactory(identifier=f"a{number}", team=team), ("identity", MET))
    page = as_bob.get("/agents/?weeks=all&team=Claims&sort=name")
    assert [one.agent.identifier for one in page.context["page"]] == ["a0", "a1"]
    assert {one.places.last for one in page.context["page"]} == {2}


def test_a_search_without_a_hit_says_so(as_bob, nora):
    assert "No agent matches “<b>x”" in text_of(as_bob.get("/agents/", {"text": "<b>x"})).replace("&lt;", "<")
    assert as_bob.get("/agents/", {"text": "\0" * 300, "team": "\0", "check": "\0"}).status_code == 200


def test_weeks_without_calls_say_so_and_lead_to_all_time(as_bob, nora):
    page = as_bob.get("/agents/?week=2020-01-01")
    assert "No calls in these weeks" in text_of(page)
    assert "?weeks=all" in links_of(page)


def test_an_empty_list_says_what_to_do(as_bob):
    AgentFactory()  # somebody whose only call was corrected to be another's
    page = as_bob.get("/agents/?weeks=all")
    assert "No agents yet They appear with their first call." in text_of(page)
    assert "/calls/add/" in links_of(page)


def test_the_list_is_paged_and_keeps_search_and_sort(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.views.agents.PAGE_SIZE", 2)
    for name in "abc":
        AnalysisFactory(recording__agent__identifier=f"agent {name}")
    first = as_bob.get("/agents/?text=agent&sort=name&weeks=all")
    assert "3 agents" in text_of(first)
    assert "?text=agent&sort=name&weeks=all&page=2" in links_of(first)
    second = as_bob.get("/agents/?text=agent&sort=name&weeks=all&page=2")
    assert [one.agent.identifier for one in second.context["page"]] == ["agent c"]
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
    assert "Calls 0 · 0 analysed · 0 minutes" in text_of(page)
    assert "Nothing assessed in these weeks" in text_of(page)


def queries_of(client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("address", ["/agents/?weeks=all", "/agents/?weeks=all&check=identity&sort=calls"])
def test_the_list_costs_the_same_however_many_agents_there_are(as_bob, nora, address):
    before = queries_of(as_bob, address)
    for _ in range(5):
        analysed(AgentFactory(), ("identity", MET))
    assert queries_of(as_bob, address) == before <= 9


def test_an_agents_page_costs_the_same_however_many_calls_there_are(as_bob, nora):
    before = queries_of(as_bob, f"/agents/{nora.pk}/?{ALL}")
    for number in range(5):
        analysed(nora, ("identity", VIOLATED), (f"check {number}", OMITTED), contact=ContactFactory())
    assert queries_of(as_bob, f"/agents/{nora.pk}/?{ALL}") == before <= 18


def test_strangers_see_no_agents(as_charlie, db):
    assert as_charlie.get("/agents/").status_code == 302
