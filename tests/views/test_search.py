"""The page on which one looks for words that were spoken."""

import re
from datetime import timedelta
from itertools import chain
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal.actions import indexing
from callcov_portal.models import Muting, Recording, Unindexed
from callcov_portal.models.spoken import LOW
from callcov_portal.views import search
from tests.factories import NOON, AgentFactory, CompletedFactory, ContactFactory, RecordingFactory, SegmentFactory
from tests.views.pages import link_named, text_of

HTMX = {"HX-Request": "true"}


def call(*lines: str, at: int = 0, masked: str = "", **fields) -> Recording:
    """Add a call whose speakers take turns, the agent first, with its words in the index."""
    recording = RecordingFactory(called_at=NOON + timedelta(minutes=at), **fields)
    analysis = CompletedFactory(recording=recording)
    for position, text in enumerate(lines):
        speaker = ("agent", "contact", "unknown")[position % 3]
        start = 10.0 * position
        SegmentFactory(
            analysis=analysis,
            position=position,
            speaker=speaker,
            text=text,
            masked=masked,
            start=start,
            end=start + 4.5,
        )
    indexing.mark(recording.pk)
    indexing.index()
    return recording


def shown(response) -> list[int]:
    """Return the numbers of the calls on a page, in order."""
    return [int(number) for number in re.findall(r'id="hit-(\d+)"', response.content.decode())]


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(as_charlie):
    assert as_charlie.get("/search/?words=refund")["Location"] == "/login/?next=/search/%3Fwords%3Drefund"


def test_the_header_leads_here_and_the_list_of_calls_has_a_box(as_bob):
    page = as_bob.get("/calls/").content.decode()
    assert '<a href="/search/">Search</a>' in page
    assert re.search(r'<form[^>]* action="/search/"[^>]* data-carry', page)
    assert re.search(r'<input type="search" name="words" [^>]*data-slash', page)
    assert 'aria-current="page">Search' in as_bob.get("/search/").content.decode()


def test_an_empty_page_says_how_to_look(as_bob):
    page = as_bob.get("/search/")
    assert shown(page) == []
    assert "What was said?" in text_of(page)
    assert '"credit card"' in text_of(page)
    assert "table-foot" not in page.content.decode()


def test_a_hit_shows_call_people_time_and_the_marked_words(as_bob):
    nora = AgentFactory(identifier="nora", name="Nora Quist")
    one = call(
        "How can I help?", "I want a <b>refund</b>, a refund!", agent=nora, contact=ContactFactory(name="Mr Yew")
    )
    page = as_bob.get("/search/?words=refund")
    body = page.content.decode()
    for words in ("Nora Quist", "Mr Yew", "2 Mar", "2:05", "Contact", "0:10", "1 call"):
        assert words in text_of(page)
    assert "a &lt;b&gt;<mark>refund</mark>&lt;/b&gt;, a <mark>refund</mark>!" in body
    assert link_named(page, f"#{one.pk}") == f"/calls/{one.pk}/#s1"
    assert (
        f'href="/calls/{one.pk}/audio/#t=10.00,14.50" data-play="/calls/{one.pk}/audio/" data-start="10.00" data-end="14.50"'
        in body
    )
    assert 'id="s1"' in as_bob.get(f"/calls/{one.pk}/").content.decode()


def test_the_newest_call_comes_first_and_the_best_if_that_is_asked_for(as_bob):
    old = call("refund refund refund", at=0)
    new = call("refund and other words, of which there are some more than in the other call", at=9)
    assert shown(as_bob.get("/search/?words=refund")) == [new.pk, old.pk]
    best = as_bob.get("/search/?words=refund&sort=relevance")
    assert shown(best) == [old.pk, new.pk]
    assert "The best of the newest" not in text_of(best)


def test_the_best_are_taken_from_the_newest_and_the_page_says_so(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.models.hits.MOST_COMPARED", 2)
    monkeypatch.setattr(search, "MOST_COMPARED", 2)
    for at in range(3):
        call("refund", at=at)
    page = as_bob.get("/search/?words=refund&sort=relevance")
    assert len(shown(page)) == 2
    assert "The best of the newest 2 calls that match." in text_of(page)


def test_by_whom_it_was_said(as_bob):
    agents, contacts = call("refund", "no", at=0), call("no", "refund", at=1)
    assert shown(as_bob.get("/search/?words=refund&who=agent")) == [agents.pk]
    assert shown(as_bob.get("/search/?words=refund&who=contact")) == [contacts.pk]
    assert shown(as_bob.get("/search/?words=refund&who=nobody")) == [contacts.pk, agents.pk]


@pytest.fixture
def some_calls(db) -> dict[str, int]:
    """Calls with one word in common that differ in what filters ask for."""
    nora = AgentFactory(identifier="Nora-7")
    return {
        "nora's": call("refund", agent=nora, contact=ContactFactory(identifier="cust_1"), file_name="a.wav").pk,
        "unknown": call("refund", at=1, agent=nora, contact=None).pk,
        "late": call("refund", at=60 * 48, contact=ContactFactory(identifier="cust_2")).pk,
        "other": call("invoice", at=2, agent=nora).pk,
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["late", "unknown", "nora's"]),
        ("agent=nora-7", ["unknown", "nora's"]),
        ("agent=nobody", []),
        ("contact=CUST_1", ["nora's"]),
        ("contact=unknown", ["unknown"]),
        ("contact=nobody", []),
        ("since=2026-03-03", ["late"]),
        ("until=2026-03-02", ["unknown", "nora's"]),
        ("until=9999-12-31", ["late", "unknown", "nora's"]),
        ("text=a.wav", ["nora's"]),
        ("state=completed", ["late", "unknown", "nora's"]),
        ("state=failed", []),
        ("reviewed=yes", []),
        ("reviewed=no&agent=nora-7&until=2026-03-02", ["unknown", "nora's"]),
    ],
)
def test_the_filters_of_the_list_hold_here_too(as_bob, some_calls, query, names):
    assert shown(as_bob.get(f"/search/?words=refund&{query}")) == [some_calls[name] for name in names]


def test_a_filter_that_cannot_be_read_is_refused_and_shows_no_calls(as_bob, some_calls):
    page = as_bob.get("/search/?words=refund&since=yesterday")
    assert page.status_code == 422
    assert shown(page) == []
    assert "A filter cannot be read" in text_of(page)


def test_a_call_whose_agent_changed_a_moment_ago_is_not_shown_as_somebody_elses(as_bob, some_calls):
    Recording.objects.filter(pk=some_calls["nora's"]).update(agent=AgentFactory(identifier="bert"))
    assert shown(as_bob.get("/search/?words=refund&agent=nora-7")) == [some_calls["unknown"]]


@pytest.mark.parametrize(
    "words", ['"credit card', 'credit "card', "(credit AND", "card NEAR/2", "agent:card", "^card", "{card}"]
)
def test_whatever_is_typed_is_read_as_words(as_bob, words):
    one = call("credit, and agent card near 2")
    page = as_bob.get("/search/", {"words": words})
    assert page.status_code == 200
    assert shown(page) == [one.pk]


@pytest.mark.parametrize("words", ['"', "-", "***", "…"])
def test_a_query_without_a_word_says_so(as_bob, words):
    assert "There is no word in that" in text_of(as_bob.get("/search/", {"words": words}))


def test_a_query_that_is_too_long_is_cut_and_the_page_says_so(as_bob):
    page = as_bob.get("/search/", {"words": "refund " + "x" * 500})
    assert page.status_code == 200
    assert "Only the first 200 characters were read." in text_of(page)


def test_words_that_nobody_said_match_nothing_and_the_page_says_what_to_do(as_bob, some_calls):
    assert "No call matches" in text_of(as_bob.get("/search/?words=zebra"))


def test_calls_without_a_word_are_found_and_show_no_lines(as_bob, some_calls):
    page = as_bob.get("/search/", {"words": "-refund"})
    assert shown(page) == [some_calls["other"]]
    assert "<mark>" not in page.content.decode()


def test_nobody_finds_a_card_number_and_a_hidden_word_is_a_pill(as_bob, as_dora):
    one = call("It is 4111 1111 1111 1111, yes", masked="It is [card number], yes")
    for client in (as_bob, as_dora):
        assert shown(client.get("/search/?words=4111")) == []
        page = client.get("/search/?words=yes")
        assert shown(page) == [one.pk]
        assert "4111" not in page.content.decode()
        assert 'class="masked"' in page.content.decode()


@pytest.mark.parametrize(
    ("fields", "is_heard"),
    [
        ({}, True),
        ({"muting": Muting.DONE, "muted_file": "m.flac"}, True),
        ({"muting": Muting.DUE}, False),
        ({"muting": Muting.FAILED}, False),
        ({"file": "", "link": "https://recordings.example/a.wav"}, False),
    ],
)
def test_only_what_everybody_may_hear_can_be_played(as_dora, fields, is_heard):
    one = call("refund", **fields)
    body = as_dora.get("/search/?words=refund").content.decode()
    assert ("data-play=" in body) == is_heard
    assert "unmuted" not in body
    assert f'href="/calls/{one.pk}/#s0"' in body


def test_calls_that_are_not_indexed_yet_are_counted(as_bob, some_calls):
    assert "still being indexed" not in text_of(as_bob.get("/search/?words=refund"))
    indexing.mark(some_calls["late"])
    assert "The words of 1 call are still being indexed" in text_of(as_bob.get("/search/?words=refund"))
    for number in some_calls.values():
        indexing.mark(number)
    assert "The words of 4 calls are still being indexed" in text_of(as_bob.get("/search/"))
    assert Unindexed.objects.count() == 4


def test_counting_stops_where_it_grows_expensive(as_bob, monkeypatch):
    monkeypatch.setattr(search, "COUNT_CAP", 2)
    for at in range(2):
        call("refund", at=at)
    assert " 2 calls" in text_of(as_bob.get("/search/?words=refund"))
    call("refund", at=2)
    assert "more than 2 calls" in text_of(as_bob.get("/search/?words=refund"))


def follow(client, url: str, rel: str) -> list[list[int]]:
    """Follow the pager, and return what each page shows."""
    pages = []
    while url:
        response = client.get(url)
        pages.append(shown(response))
        link = re.search(rf'href="([^"]+)" rel="{rel}"', response.content.decode())
        url = "/search/" + link[1].replace("&amp;", "&") if link else ""
    return pages


@pytest.mark.parametrize(
    "query", ["words=refund", "words=refund&reviewed=no", "words=refund&sort=relevance", "words=-zebra"]
)
def test_paging_shows_every_call_once(as_bob, monkeypatch, query):
    monkeypatch.setattr(search, "PAGE_SIZE", 3)
    numbers = [call("refund", at=at // 2).pk for at in range(8)]
    pages = follow(as_bob, f"/search/?{query}", "next")
    assert [len(page) for page in pages] == [3, 3, 2]
    # Newest first by the second; of one second, by the end of their numbers (see spoken.key_from).
    assert [*chain(*pages)] == sorted(numbers, key=lambda number: (numbers.index(number) // 2, number % LOW))[::-1]


def test_from_a_later_page_one_comes_back_to_the_newest(as_bob, monkeypatch):
    monkeypatch.setattr(search, "PAGE_SIZE", 1)
    newest = [call("refund", at=at) for at in range(2)][-1]
    first = as_bob.get("/search/?words=refund")
    second = as_bob.get("/search/" + link_named(first, "Older →"))
    assert shown(as_bob.get("/search/" + link_named(second, "← Newest"))) == [newest.pk]


def test_a_search_that_takes_long_says_how_far_it_came_and_goes_on(as_bob, monkeypatch):
    numbers = [call("refund", at=at).pk for at in range(6)]
    Recording.objects.filter(pk=numbers[0]).update(verdict="pass", reviewed_at=NOON)
    monkeypatch.setattr("callcov_portal.models.hits.PATIENCE", -1)
    monkeypatch.setattr("callcov_portal.models.hits.walk.__defaults__", (None, -1))
    monkeypatch.setattr("callcov_portal.models.matches.RARE", 0)
    monkeypatch.setattr("callcov_portal.models.matches.WINDOWS", (2, 4))
    monkeypatch.setattr(search, "PAGE_SIZE", 1)
    url, pages = "/search/?words=refund&reviewed=pass", 0
    while not shown(page := as_bob.get(url)):
        assert "are looked through" in text_of(page)
        url, pages = "/search/" + link_named(page, "Go on looking →"), pages + 1
    assert shown(page) == [numbers[0]]
    assert pages


@pytest.mark.parametrize("cursor", ["x", "--1", "1.5", "9" * 40, "٣", "-"])
def test_a_cursor_that_cannot_be_read_means_the_first_page(as_bob, cursor):
    one = call("refund")
    assert shown(as_bob.get("/search/", {"words": "refund", "before": cursor, "page": cursor})) == [one.pk]


def test_the_page_asks_the_database_no_more_for_twenty_calls_than_for_ten(as_bob):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get("/search/?words=refund&reviewed=no")
        return len(captured)

    for at in range(10):
        call("refund", at=at)
    few = queries()
    for at in range(10, 20):
        call("refund", at=at)
    assert queries() == few
    assert few <= 20


def test_htmx_gets_the_part_and_a_clean_address(as_bob, some_calls):
    response = as_bob.get("/search/?words=refund&agent=&who=", headers=HTMX)
    page = response.content.decode()
    assert page.lstrip().startswith("<section")
    assert response["HX-Push-Url"] == "/search/?words=refund"
    assert "HX-Request" in response["Vary"]


def test_the_form_shows_what_the_url_says(as_bob, some_calls):
    page = as_bob.get("/search/", {"words": '"a b" -c', "who": "agent", "sort": "relevance", "agent": "Nora-7"})
    body = page.content.decode()
    assert 'value="&quot;a b&quot; -c"' in body
    assert re.search(r'value="agent" checked', body)
    assert re.search(r'value="relevance" checked', body)
    assert 'value="Nora-7"' in body


def test_a_page_has_one_heading_and_no_id_twice(as_bob, some_calls):
    page = as_bob.get("/search/?words=refund").content.decode()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert page.count("<h1") == 1
    assert "unsafe" not in as_bob.get("/search/")["Content-Security-Policy"]


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=230), st.sampled_from(["", "relevance"]))
def test_no_query_is_an_error(as_bob, some_calls, words, sort):
    encoded = quote(words.encode("utf-8", "surrogatepass"))
    assert as_bob.get(f"/search/?words={encoded}&sort={sort}").status_code == 200


def test_the_best_of_what_was_looked_through_says_how_far_that_was(as_bob, monkeypatch):
    numbers = [call("refund", at=at).pk for at in range(4)]
    Recording.objects.filter(pk=numbers[-1]).update(verdict="pass", reviewed_at=NOON)
    monkeypatch.setattr("callcov_portal.models.hits.walk.__defaults__", (None, -1))
    monkeypatch.setattr("callcov_portal.models.hits.MOST_COMPARED", 2)
    monkeypatch.setattr("callcov_portal.models.matches.RARE", 0)
    monkeypatch.setattr("callcov_portal.models.matches.WINDOWS", (1, 2))
    page = as_bob.get("/search/?words=refund&reviewed=pass&sort=relevance")
    assert shown(page) == [numbers[-1]]
    assert "looked through back to" in text_of(page)
    assert "The best of the newest 1 calls" in text_of(page)
