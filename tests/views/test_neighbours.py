"""From one call to the next of the list that it was opened from."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import NOON, AgentFactory, CompletedFactory, ProcessingFactory
from tests.views.pages import links_of


@pytest.fixture
def nora(db):
    """Calls 1 to 4, of which 1, 3 and 4 are nora's; 3 and 4 were at the same second."""
    nora, tom = AgentFactory(identifier="nora"), AgentFactory(identifier="tom")
    for number, (agent, minute) in enumerate([(nora, 0), (tom, 1), (nora, 2), (nora, 2)], start=1):
        CompletedFactory(
            recording__pk=number, recording__agent=agent, recording__called_at=NOON + timedelta(minutes=minute)
        )
    return nora


def beside(client, number: int, within: str | None = None) -> list[str]:
    """Return where the links to the newer and the older call lead."""
    query = "" if within is None else f"?{urlencode({'in': within})}"
    page = client.get(f"/calls/{number}/{query}").content.decode()
    found = []
    for name in ("newer-call", "older-call"):
        at = page.find(f'id="{name}" href="')
        found.append(page[at:].split('"')[3].replace("&amp;", "&") if at >= 0 else "")
    return found


def test_without_a_list_all_calls_are_one(as_bob, nora):
    assert beside(as_bob, 2) == ["/calls/3/", "/calls/1/"]
    assert beside(as_bob, 3) == ["/calls/4/", "/calls/2/"]  # of the same second the higher number is newer
    assert beside(as_bob, 4) == ["", "/calls/3/"]
    assert beside(as_bob, 1) == ["/calls/2/", ""]


def test_the_list_one_came_from_is_kept_from_call_to_call(as_bob, nora):
    assert beside(as_bob, 3, "agent=nora") == ["/calls/4/?in=agent%3Dnora", "/calls/1/?in=agent%3Dnora"]
    assert "/calls/?agent=nora" in links_of(as_bob.get("/calls/3/?in=agent%3Dnora"))


def test_a_call_that_left_its_list_still_has_its_place_in_it(as_bob, nora):
    assert beside(as_bob, 2, "agent=nora") == ["/calls/3/?in=agent%3Dnora", "/calls/1/?in=agent%3Dnora"]


@pytest.mark.parametrize("within", ["since=yesterday", "state=odd", "reviewed=maybe"])
def test_a_list_that_cannot_be_read_has_no_neighbours(as_bob, nora, within):
    assert beside(as_bob, 2, within) == ["", ""]


@pytest.mark.parametrize("within", ["a" * 5000, "\0", "agent=no\0body", "%", "&&=&", "agent=<script>"])
def test_whatever_stands_there_the_page_answers(as_bob, nora, within):
    response = as_bob.get(f"/calls/2/?{urlencode({'in': within})}")
    assert response.status_code == 200
    assert "<script>&" not in response.content.decode()


def test_rows_carry_the_query_of_their_list_and_so_does_what_changes_in_them(as_bob, nora):
    ProcessingFactory(recording__pk=5, recording__agent=nora)
    listed = as_bob.get("/calls/?agent=nora&outcome=&before=x")
    assert "/calls/3/?in=agent%3Dnora" in links_of(listed)
    assert "in=agent%3Dnora" in listed.content.decode().split('hx-get="/calls/rows/')[1].split('"')[0]
    assert "/calls/5/?in=agent%3Dnora" in links_of(as_bob.get("/calls/rows/?ids=5&in=agent%3Dnora"))
    assert "/calls/3/" in links_of(as_bob.get("/calls/"))
    of_agent = links_of(as_bob.get(f"/agents/{nora.pk}/?weeks=all"))
    assert any(link.startswith("/calls/3/?in=agent%3Dnora") for link in of_agent)


def test_the_neighbours_cost_two_queries_however_many_calls_there_are(as_bob, nora):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get("/calls/2/?in=agent%3Dnora")
        return len(captured)

    few = queries()
    for number in range(10, 30):
        CompletedFactory(recording__pk=number, recording__agent=nora)
    assert queries() == few
