"""Contacts: the list, and a page for each."""

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.models import Outcome
from tests.factories import NOON, AgentFactory, CompletedFactory, ContactFactory, FindingFactory, RecordingFactory
from tests.views.pages import links_of, numbers_of, text_of


def test_a_contact_has_all_their_calls_across_agents(as_bob):
    contact = ContactFactory(identifier="K-17")
    calls = [RecordingFactory(contact=contact, agent=AgentFactory()) for _ in range(2)]
    RecordingFactory()
    page = as_bob.get(f"/contacts/{contact.pk}/")
    assert {event.call.pk for event in page.context["events"]} == {call.pk for call in calls}
    assert all(call.agent.identifier in text_of(page) for call in calls)
    assert "2 calls" in text_of(page)


def test_every_number_of_the_list_of_contacts_links_to_exactly_its_calls(as_bob):
    contact = ContactFactory(identifier="K-17")
    for outcome in (Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED):
        FindingFactory(analysis=CompletedFactory(recording=RecordingFactory(contact=contact)), outcome=outcome)
    FindingFactory()
    numbers = numbers_of(as_bob.get("/contacts/?text=k-17"))
    assert [number for _, number in numbers] == [3, 3, 1, 1]
    for link, number in numbers:
        assert "contact=K-17" in link
        assert len(as_bob.get(link).context["rows"]) == number, link


def test_the_time_line_tells_what_was_found_promised_and_repeated(as_bob):
    contact = ContactFactory()
    for day in (0, 3, 20):
        call = RecordingFactory(contact=contact, called_at=NOON + timedelta(days=day))
        analysis = CompletedFactory(recording=call)
        FindingFactory(analysis=analysis, check_id="closing", title="Closing", outcome=Outcome.OMITTED)
        FindingFactory(analysis=analysis, check_id="greeting", title="Greeting", outcome=Outcome.MET)
        FindingFactory(
            analysis=analysis,
            check_id="quality.promise",
            title="Promises",
            outcome=Outcome.HEARD if day else Outcome.MET,  # as it was called before
            quote=f"I will call you on day {day}.",
            start=4.0,
            end=6.0,
            also=[{"quote": "and you will receive a letter", "start": 9.0, "end": 11.0}],
        )
    page = as_bob.get(f"/contacts/{contact.pk}/")
    words = text_of(page)
    assert words.count("Closing omitted") == 3
    assert "Greeting" not in words
    assert words.count("and you will receive a letter") == 3
    assert words.index("on day 20") < words.index("on day 3.") < words.index("on day 0")
    assert words.count("Again after") == 1
    assert "Again after 3 days" in words
    assert f"/calls/{call.pk}/audio/#t=4.00,6.00" in links_of(page)


def test_a_repeat_is_known_although_the_call_before_is_on_the_next_page(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.views.paging.page_of.__defaults__", (1,))
    contact = ContactFactory()
    for hour in range(2):
        RecordingFactory(contact=contact, called_at=NOON + timedelta(hours=hour))
    page = as_bob.get(f"/contacts/{contact.pk}/")
    assert "Again after 1 h" in text_of(page)
    older = next(link for link in links_of(page) if "before=" in link)
    assert "Again after" not in text_of(as_bob.get(f"/contacts/{contact.pk}/{older}"))


def test_a_time_line_costs_the_same_however_many_calls_it_has(as_bob):
    contact = ContactFactory()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get(f"/contacts/{contact.pk}/")
        return len(captured)

    FindingFactory(analysis__recording__contact=contact, outcome=Outcome.OMITTED)
    before = queries()
    for _ in range(6):
        FindingFactory(analysis__recording__contact=contact, outcome=Outcome.OMITTED)
    assert queries() == before <= 13


def listed(page) -> list[str]:
    return [person.identifier for person, *_ in page.context["rows"]]


def walked(client, address: str, rel: str) -> list[list[str]]:
    """The contacts of a page and of all that its `rel` links lead to, page by page."""
    page = client.get(address)
    linked = linked_by(page, rel)
    return [listed(page), *(walked(client, f"/contacts/{linked}", rel) if linked else [])]


def linked_by(page, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page.content.decode())
    return html.unescape(found[1]) if found else ""


@pytest.mark.parametrize("sort", ["last", "name"])
def test_the_list_goes_on_page_by_page_and_back_with_every_contact_once(as_bob, monkeypatch, sort):
    monkeypatch.setattr("callcov_portal.views.contacts.PAGE_SIZE", 2)
    contacts = [ContactFactory(identifier=f"K & {number}") for number in range(5)]
    for hours, number in enumerate((3, 0, 4, 3, 1, 2, 0)):  # the last call of each is not the first
        RecordingFactory(contact=contacts[number], called_at=NOON + timedelta(hours=hours))
    order = (0, 2, 1, 3, 4) if sort == "last" else range(5)
    expected = [f"K & {number}" for number in order]
    pages = walked(as_bob, f"/contacts/?sort={sort}", "next")
    assert pages == [expected[:2], expected[2:4], expected[4:]]
    page = as_bob.get(f"/contacts/?sort={sort}")
    for _ in range(2):
        page = as_bob.get(f"/contacts/{linked_by(page, 'next')}")
    assert walked(as_bob, f"/contacts/?{page.wsgi_request.META['QUERY_STRING']}", "prev") == pages[::-1]


def test_calls_of_one_moment_make_one_row_and_a_name_is_searched_in_order(as_bob):
    twin = ContactFactory(identifier="K-2", name="Ada")
    for _ in range(2):
        RecordingFactory(contact=twin, called_at=NOON)
    RecordingFactory(contact=ContactFactory(identifier="K-1", name="Adam"), called_at=NOON - timedelta(days=9))
    ContactFactory(identifier="K-0", name="Ada without a call")
    assert listed(as_bob.get("/contacts/")) == ["K-2", "K-1"]
    assert listed(as_bob.get("/contacts/?text=ada")) == ["K-1", "K-2"]
    assert listed(as_bob.get("/contacts/?before=never&sort=last")) == ["K-2", "K-1"]
    assert listed(as_bob.get("/contacts/?sort=name&from=zzz")) == []


def test_the_list_costs_the_same_with_more_contacts(as_bob):
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get(address)
        return len(captured)

    RecordingFactory(contact=ContactFactory())
    addresses = ("/contacts/", "/contacts/?sort=name")
    before = [queries(address) for address in addresses]
    for _ in range(10):
        RecordingFactory(contact=ContactFactory())
    assert [queries(address) for address in addresses] == before


def test_an_unknown_contact_is_in_no_row_and_has_no_page(as_bob):
    RecordingFactory(contact=None)
    RecordingFactory(contact__identifier="K-17")
    page = as_bob.get("/contacts/")
    assert [person.identifier for person, *_ in page.context["rows"]] == ["K-17"]
    assert "unknown" not in text_of(page)
    assert not [link for link in links_of(as_bob.get("/calls/")) if link.startswith("/contacts/None")]


def test_a_contacts_calls_can_be_exported(as_bob):
    contact = ContactFactory(identifier="+49 30 1")
    RecordingFactory(contact=contact)
    page = as_bob.get(f"/contacts/{contact.pk}/")
    link = "/exports/calls.csv?contact=%2B49+30+1"
    assert link in links_of(page)
    assert len(as_bob.get(link).getvalue().decode().splitlines()) == 2


def test_an_empty_list_says_what_to_do(as_bob):
    assert "No contacts yet" in text_of(as_bob.get("/contacts/"))


def test_there_is_no_page_of_a_contact_who_does_not_exist(as_bob):
    assert as_bob.get("/contacts/7/").status_code == 404
