"""Contacts: the list, and a page for each."""

from callcov_portal.models import Outcome
from tests.factories import AgentFactory, CompletedFactory, ContactFactory, FindingFactory, RecordingFactory
from tests.views.pages import links_of, numbers_of, text_of


def test_a_contact_has_all_their_calls_across_agents(as_bob):
    contact = ContactFactory(identifier="K-17")
    calls = [RecordingFactory(contact=contact, agent=AgentFactory()) for _ in range(2)]
    RecordingFactory()
    page = as_bob.get(f"/contacts/{contact.pk}/")
    assert {row.pk for row in page.context["rows"]} == {call.pk for call in calls}
    assert all(call.agent.identifier in text_of(page) for call in calls)
    assert "2 calls" in text_of(page)


def test_every_number_of_a_contacts_page_links_to_exactly_its_calls(as_bob):
    contact = ContactFactory(identifier="K-17")
    for outcome in (Outcome.MET, Outcome.MET, Outcome.OMITTED):
        FindingFactory(analysis=CompletedFactory(recording=RecordingFactory(contact=contact)), outcome=outcome)
    FindingFactory()
    numbers = numbers_of(as_bob.get(f"/contacts/{contact.pk}/")) + numbers_of(as_bob.get("/contacts/?text=k-17"))
    assert len(numbers) == 5 + 4
    for link, number in numbers:
        assert "contact=K-17" in link
        assert len(as_bob.get(link).context["rows"]) == number, link


def test_an_unknown_contact_is_in_no_row_and_has_no_page(as_bob):
    RecordingFactory(contact=None)
    RecordingFactory(contact__identifier="K-17")
    page = as_bob.get("/contacts/")
    assert [person.identifier for person in page.context["people"]] == ["K-17"]
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
