"""Leads name agents and contacts, put agents into teams, and make two of them one."""

import pytest

from callcov_portal.actions import merging
from callcov_portal.models import Agent, LogEntry, Merge, Recording
from tests.factories import AgentFactory, AnalysisFactory, ContactFactory
from tests.views.pages import text_of
from tests.working import work


def test_a_lead_gives_an_agent_a_name_and_a_team_and_that_is_logged(as_alice, alice):
    agent = AgentFactory(identifier="a-1")
    page = as_alice.post(f"/agents/{agent.pk}/edit/", {"name": "Nora", "team": "Claims"}, follow=True)
    assert page.redirect_chain == [(f"/agents/{agent.pk}/", 302)]
    agent.refresh_from_db()
    assert (agent.name, agent.team) == ("Nora", "Claims")
    assert LogEntry.objects.get(user=alice).text == "a-1: name: – → Nora; team: – → Claims"
    as_alice.post(f"/agents/{agent.pk}/edit/", {"name": "Nora", "team": "Claims"})
    assert LogEntry.objects.count() == 1


def test_a_team_keeps_the_spelling_it_has(as_alice):
    AgentFactory(team="Claims")
    agent = AgentFactory()
    as_alice.post(f"/agents/{agent.pk}/edit/", {"team": " cLAIMS "})
    agent.refresh_from_db()
    assert agent.team == "Claims"


def test_a_lead_gives_a_contact_a_name(as_alice):
    contact = ContactFactory()
    as_alice.post(f"/contacts/{contact.pk}/edit/", {"name": "Ms Weiß"})
    contact.refresh_from_db()
    assert contact.name == "Ms Weiß"


@pytest.mark.parametrize("data", [{"name": "x" * 201}, {"team": "x" * 101}, {"name": "a\0b"}])
def test_what_cannot_be_taken_is_said(as_alice, data):
    agent = AgentFactory()
    page = as_alice.post(f"/agents/{agent.pk}/edit/", data)
    assert page.status_code == 422
    assert page.context["form"].errors
    assert Agent.objects.get().name == ""


@pytest.mark.parametrize("side", ["agents", "contacts"])
def test_a_merge_leads_to_the_one_who_is_kept_and_old_addresses_too(as_alice, side):
    make = AgentFactory if side == "agents" else ContactFactory
    old, kept = make(identifier="Old 1"), make(identifier="kept")
    AnalysisFactory(recording__agent=old) if side == "agents" else AnalysisFactory(recording__contact=old)
    page = as_alice.post(f"/{side}/{old.pk}/merge/", {"identifier": " KEPT "}, follow=True)
    assert page.redirect_chain == [(f"/{side}/{kept.pk}/", 302)]
    assert "also Old 1" in text_of(page)
    work("merging", Merge.objects.get().pk)
    assert Recording.objects.filter(**{side[:-1]: kept}).count() == 1
    assert as_alice.get(f"/{side}/{old.pk}/").headers["Location"] == f"/{side}/{kept.pk}/"
    assert as_alice.get(f"/{side}/{old.pk}/edit/").status_code == 404


def test_a_merge_into_an_alias_goes_to_the_one_it_stands_for(as_alice, alice):
    alias, kept, other = AgentFactory(identifier="alias"), AgentFactory(), AgentFactory()
    merging.merge(alias, kept, alice)
    as_alice.post(f"/agents/{other.pk}/merge/", {"identifier": "alias"})
    other.refresh_from_db()
    assert other.merged_into == kept


@pytest.mark.parametrize(
    ("identifier", "error"),
    [("nobody", "Nobody has this identifier."), ("me", "One cannot be merged with itself."), ("", "Say who is kept.")],
)
def test_a_merge_that_cannot_be_says_why_and_changes_nothing(as_alice, identifier, error):
    agent = AgentFactory(identifier="me")
    page = as_alice.post(f"/agents/{agent.pk}/merge/", {"identifier": identifier})
    assert page.status_code == 422
    assert error in text_of(page)
    assert not Merge.objects.exists()


def test_reviewers_are_offered_no_change(as_bob):
    agent = AgentFactory()
    assert "Edit or merge" not in text_of(as_bob.get(f"/agents/{agent.pk}/"))
    assert as_bob.post(f"/agents/{agent.pk}/edit/", {"name": "x"}).status_code == 403
