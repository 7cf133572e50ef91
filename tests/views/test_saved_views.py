"""Saved views and chosen columns: kept for each user, on the server."""

import re

import pytest

from callcov_portal.models import Recording, SavedView
from tests.factories import AgentFactory, ProcessingFactory, RecordingFactory
from tests.views.pages import link_named, text_of


def heads(response) -> list[str]:
    """Return the columns of the list, without the one that selects."""
    found = re.findall(r'<th role="columnheader"[^>]*>([^<]*)</th>', response.content.decode())
    return [head for head in found if head]


def test_the_filters_of_the_list_are_saved_under_a_name_and_shown_above_it(as_bob, bob):
    assert (
        link_named(as_bob.get("/calls/?state=failed&before=x"), "Save this view")
        == "/calls/views/?query=state%3Dfailed"
    )
    assert 'value="state=failed"' in as_bob.get("/calls/views/?query=state%3Dfailed").content.decode()
    sent = {"name": "Failed ones", "query": "state=failed&before=x&agent=&junk=1", "is_shared": "on"}
    assert as_bob.post("/calls/views/", sent)["Location"] == "/calls/?state=failed"
    view = SavedView.objects.get()
    assert (view.owner, view.name, view.query, view.is_shared) == (bob, "Failed ones", "state=failed", False)
    page = as_bob.get("/calls/?state=failed").content.decode()
    assert '<a href="/calls/?state=failed" aria-current="true">Failed ones</a>' in page


def test_a_view_of_a_team_shows_the_calls_of_its_agents(as_bob, as_alice):
    of_team, _ = (RecordingFactory(agent=AgentFactory(team=team)) for team in ("Sales & Care", "Night"))
    query = "state=queued&team=Sales+%26+Care"
    Recording.objects.update(state="queued")
    as_alice.post("/calls/views/", {"name": "Sales waits", "query": f"{query}&before=x", "is_shared": "on"})
    address = link_named(as_bob.get("/calls/"), r"Sales waits \(shared\)")
    assert address == f"/calls/?{query}"
    page = as_bob.get(address).content.decode()
    assert re.findall(r'id="call-(\d+)"', page) == [str(of_team.pk)]
    assert '<option value="Sales &amp; Care" selected>' in page
    assert 'aria-current="true" title="Shared">Sales waits' in page


def test_a_view_of_the_same_name_is_replaced(as_bob):
    for query in ("state=failed", "state=queued"):
        as_bob.post("/calls/views/", {"name": "Mine", "query": query})
    assert SavedView.objects.get().query == "state=queued"


@pytest.mark.parametrize(
    "sent",
    [{"name": "", "query": ""}, {"name": "x", "query": "state=melted"}, {"name": "x" * 61, "query": ""}, {"name": "a\0b"},
     {"name": "x", "query": "&".join(f"call={10**17 + n}" for n in range(300))}],
)  # fmt: skip
def test_what_cannot_be_saved_is_refused(as_bob, sent):
    response = as_bob.post("/calls/views/", sent)
    assert response.status_code == 422
    assert "errors" in response.content.decode() or "too many filters" in text_of(response)
    assert not SavedView.objects.exists()


def test_a_lead_shares_views_and_colleagues_see_them_but_change_none(as_alice, as_bob, alice):
    as_alice.post("/calls/views/", {"name": "For all", "query": "outcome=violated", "is_shared": "on"})
    as_alice.post("/calls/views/", {"name": "Private", "query": "outcome=omitted"})
    words = text_of(as_bob.get("/calls/"))
    assert "For all (shared)" in words
    assert "Private" not in words
    assert "For all" not in text_of(as_bob.get("/calls/views/"))
    view = SavedView.objects.get(name="For all")
    assert as_bob.post(f"/calls/views/{view.pk}/", {"name": "Hijacked"}).status_code == 404
    as_bob.post(f"/calls/views/{view.pk}/delete/")
    assert SavedView.objects.filter(name="For all").exists()


def test_views_are_renamed_and_deleted(as_bob, bob):
    first, second = (SavedView.objects.create(owner=bob, name=name) for name in ("first", "second"))
    as_bob.post(f"/calls/views/{first.pk}/", {"name": "other"})
    assert SavedView.objects.get(pk=first.pk).name == "other"
    taken = as_bob.post(f"/calls/views/{second.pk}/", {"name": "other"}, follow=True)
    assert "There is a view named other already." in text_of(taken)
    assert "Enter a name" in text_of(as_bob.post(f"/calls/views/{second.pk}/", {"name": ""}, follow=True))
    for _ in range(2):
        assert as_bob.post(f"/calls/views/{first.pk}/delete/").status_code == 302
    assert list(SavedView.objects.all()) == [second]


def test_a_shared_view_stays_shared_when_a_reviewer_who_was_a_lead_renames_it(as_bob, bob):
    view = SavedView.objects.create(owner=bob, name="old", is_shared=True)
    as_bob.post(f"/calls/views/{view.pk}/", {"name": "new"})
    assert SavedView.objects.get().is_shared


def test_columns_are_chosen_and_ordered_for_each_user(as_bob, as_alice):
    RecordingFactory()
    usual = heads(as_bob.get("/calls/"))
    assert usual == ["Call", "State", "Called at", "Agent", "Contact", "Duration", "Moments", "Tone", "Talk", "Review"]
    order = ["call", "state", "file", "agent"]
    as_bob.post("/calls/columns/", {"order": order, "shown": ["file", "agent"]})
    assert heads(as_bob.get("/calls/")) == ["Call", "File", "Agent"]
    as_bob.post("/calls/columns/", {"order": ["call", "file", "agent"], "shown": ["file", "agent"], "move": "up:agent"})
    assert heads(as_bob.get("/calls/")) == ["Call", "Agent", "File"]
    assert heads(as_alice.get("/calls/")) == usual
    as_bob.post("/calls/columns/", {"usual": "1"})
    assert heads(as_bob.get("/calls/")) == usual


@pytest.mark.parametrize(
    "sent", [{}, {"order": ["nonsense", "call"], "shown": ["nonsense"], "move": "up:nonsense"}, {"move": ":"}]
)
def test_rubbish_for_columns_is_no_error(as_bob, sent):
    RecordingFactory()
    assert as_bob.post("/calls/columns/", sent).status_code == 200
    assert "Call" in heads(as_bob.get("/calls/"))


def test_news_of_a_row_has_the_columns_that_its_page_has(as_bob):
    analysis = ProcessingFactory()
    as_bob.post("/calls/columns/", {"order": ["call", "file"], "shown": ["file"]})
    of_list = as_bob.get(f"/calls/rows/?ids={analysis.recording.pk}&picks=1").content.decode()
    elsewhere = as_bob.get(f"/calls/rows/?ids={analysis.recording.pk}").content.decode()
    assert (of_list.count('role="cell"'), elsewhere.count('role="cell"')) == (3, 10)
    page = as_bob.get("/calls/").content.decode()
    assert page.count('role="cell"') == 3
    assert "&amp;picks=1" in page
    agents_page = as_bob.get(f"/agents/{analysis.recording.agent_id}/").content.decode()
    assert "&amp;picks=1" not in agents_page


def test_the_form_of_columns_is_a_part_for_htmx(as_bob):
    page = as_bob.post("/calls/columns/", {"usual": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith("<form")
