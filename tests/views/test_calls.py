"""The list of calls."""

import re
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from callcov_portal.models import Analysis, Failure, Outcome, Recording, State
from callcov_portal.models.branches import among
from callcov_portal.views import paging
from callcov_portal.views.believing import MOST, Believed
from callcov_portal.views.rail import COUNTED
from tests.factories import (
    NOON,
    AgentFactory,
    AnalysisFactory,
    CompletedFactory,
    ContactFactory,
    FindingFactory,
    ProcessingFactory,
    RecordingFactory,
)
from tests.views.pages import link_named, links_of, text_of

HTMX = {"HX-Request": "true"}


def shown(response) -> list[int]:
    """Return the numbers of the calls on a page, in order."""
    return [int(number) for number in re.findall(r'id="call-(\d+)"', response.content.decode())]


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(as_charlie):
    response = as_charlie.get("/calls/?state=failed")
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/calls/%3Fstate%3Dfailed"


def test_an_empty_list_says_what_to_do_next(as_bob):
    page = as_bob.get("/calls/").content.decode()
    assert "No calls yet" in page
    assert 'href="/calls/add/"' in page


def test_a_row_of_the_same_sound_names_the_call_and_keeps_both_by_a_button(as_bob):
    original = RecordingFactory()
    failed = {"state": State.FAILED, "failure": Failure.DUPLICATE, "duplicate_of": original, "next_attempt_at": None}
    same = AnalysisFactory(**failed).recording
    linked = AnalysisFactory(
        recording=RecordingFactory(file="", link="https://calls.example/a.wav"), **failed
    ).recording
    page = as_bob.get("/calls/")
    assert f"Same sound as call #{original.pk}" in text_of(page)
    assert page.content.decode().count(f'<a href="{original.get_absolute_url()}">call #{original.pk}</a>') == 2
    assert f"The same as call #{original.pk}" in text_of(page)
    assert re.findall(r'formaction="([^"]*)"', page.content.decode()) == [f"/calls/{same.pk}/keep-both/"]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    as_bob.handler.enforce_csrf_checks = True
    form = {"csrfmiddlewaretoken": token[1], "query": "", "act": "correct"}
    assert as_bob.post(f"/calls/{same.pk}/keep-both/", form)["Location"] == same.get_absolute_url()
    assert Recording.objects.get(pk=same.pk).state == State.QUEUED
    assert Recording.objects.get(pk=linked.pk).state == State.FAILED


def test_a_row_shows_state_people_time_length_moments_and_verdict(as_bob, bob):
    call = RecordingFactory(
        agent=AgentFactory(identifier="nora", name="Nora Quist"), called_at=NOON, duration_seconds=3725.0
    )
    analysis = CompletedFactory(recording=call)
    FindingFactory(analysis=analysis, outcome=Outcome.MET, title="Purpose")
    FindingFactory(analysis=analysis, outcome=Outcome.VIOLATED, title="Prohibited phrases")
    FindingFactory(analysis=analysis, outcome=Outcome.VIOLATED, title="Sensitive data")
    FindingFactory(analysis=analysis, outcome=Outcome.NOT_ASSESSED, title="Unseen")
    Recording.objects.filter(pk=call.pk).update(reviewed_at=NOON, reviewed_by=bob, verdict="coach")
    page = as_bob.get("/calls/").content.decode()
    for words in ("Nora Quist", "Done", "1:02:05", "2 Mar", "1 met, 2 violated, 0 omitted", "Needs coaching"):
        assert words in page
    names = as_bob.get(f"/calls/{call.pk}/moments/", headers=HTMX).content.decode()
    assert names.index("Prohibited phrases") < names.index("Purpose")
    assert "Unseen" not in names


def test_a_row_of_a_failure_names_its_cause_in_words(as_bob):
    AnalysisFactory(state=State.FAILED, failure=Failure.UNREACHABLE, next_attempt_at=None)
    row = as_bob.get("/calls/").content.decode().partition('id="call-')[2]
    assert ">The link could not be fetched</span>" in row
    assert "Check that the link opens, then retry." in row


def test_an_unknown_contact_and_an_assumed_time_are_named_so(as_bob):
    CompletedFactory(recording=RecordingFactory(contact=None))
    page = as_bob.get("/calls/").content.decode()
    assert "unknown" in page
    assert "Assumed: the time of the upload" in page


def test_a_call_that_was_never_analysed_is_listed(as_bob):
    RecordingFactory()
    assert "Never analysed" in as_bob.get("/calls/").content.decode()


@pytest.fixture
def some_calls(bob) -> dict[str, int]:
    """Calls that differ in everything that a filter asks for."""
    nora, contact = AgentFactory(identifier="Nora-7", name="Nora Quist"), ContactFactory(identifier="cust_100")
    done = CompletedFactory(recording=RecordingFactory(agent=nora, file_name="monday.wav"), external_id="ext-abc")
    failed = AnalysisFactory(
        recording=RecordingFactory(agent=nora, contact=contact), state=State.FAILED, failure="unreachable"
    )
    waiting = AnalysisFactory(recording=RecordingFactory(contact=None, called_at=NOON - timedelta(days=30)))
    Recording.objects.filter(pk=done.recording.pk).update(reviewed_at=NOON, verdict="pass")
    Recording.objects.filter(pk=waiting.recording.pk).update(uploaded_by=bob)
    return {"done": done.recording.pk, "failed": failed.recording.pk, "waiting": waiting.recording.pk}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=failed", {"failed"}),
        ("state=failed&state=queued", {"failed", "waiting"}),
        ("failure=unreachable", {"failed"}),
        ("agent=nora-7", {"done", "failed"}),
        ("agent=nora", set()),
        ("contact=CUST_100", {"failed"}),
        ("contact=unknown", {"waiting"}),
        ("reviewed=no", {"failed", "waiting"}),
        ("reviewed=yes", {"done"}),
        ("reviewed=pass", {"done"}),
        ("reviewed=fail", set()),
        ("since=2026-03-02", {"done", "failed"}),
        ("until=2026-02-28", {"waiting"}),
        ("until=9999-12-31", {"done", "failed", "waiting"}),
        ("text=quist", {"done", "failed"}),
        ("text=cust_1", {"failed"}),
        ("text=MONDAY", {"done"}),
        ("text=ext-abc", {"done"}),
        ("text=ext-ab", set()),
        ("text=%25", set()),
        ("text=quis_", set()),
        ("direction=unknown", {"done", "failed", "waiting"}),
        ("direction=inbound", set()),
        ("shortest=2&longest=2.1", {"done", "failed", "waiting"}),
        ("shortest=2.1", set()),
        ("uploaded_by=bob", {"waiting"}),
        ("uploaded_by=nobody", set()),
        ("agent=Nora-7&state=completed&reviewed=yes&since=2026-03-01", {"done"}),
    ],
)
def test_each_filter_is_a_parameter_of_the_url(as_bob, some_calls, query, names):
    assert set(shown(as_bob.get(f"/calls/?{query}"))) == {some_calls[name] for name in names}


@pytest.mark.parametrize("form", ["{}", "%23{}"])
def test_a_call_is_found_by_its_number(as_bob, some_calls, form):
    number = some_calls["failed"]
    assert number in shown(as_bob.get("/calls/?text=" + form.format(number)))


def test_days_are_those_of_the_portals_time_zone(as_bob, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    late = RecordingFactory(called_at=datetime(2026, 3, 1, 14, 59, tzinfo=UTC))  # 23:59 in Tokyo
    early = RecordingFactory(called_at=datetime(2026, 3, 1, 15, 0, tzinfo=UTC))  # midnight in Tokyo
    assert shown(as_bob.get("/calls/?since=2026-03-02")) == [early.pk]
    assert shown(as_bob.get("/calls/?until=2026-03-01")) == [late.pk]


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "state=melted",
        "reviewed=maybe",
        "text=a%00b",
        "failure=boredom",
        "text=" + "9" * 300,
        "shortest=long",
        "shortest=-1",
        "call=x",
        "direction=up",
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_and_shows_no_calls(as_bob, some_calls, query):
    response = as_bob.get(f"/calls/?{query}")
    assert response.status_code == 422
    assert shown(response) == []
    assert "A filter cannot be read" in response.content.decode()


def test_filters_that_match_nothing_say_so(as_bob, some_calls):
    assert "No call matches" in as_bob.get("/calls/?text=zebra").content.decode()


def test_the_form_shows_the_filters_of_the_url(as_bob, some_calls):
    page = as_bob.get("/calls/?agent=Nora-7&state=failed").content.decode()
    assert 'value="Nora-7"' in page
    assert re.search(r'value="failed"[^>]* checked', page)


def walk(client, first: str, word: str) -> list[list[int]]:
    """Follow the pager from a page on, and return what each page shows."""
    pages, url = [], first
    while url:
        response = client.get(url)
        pages.append(shown(response))
        link = re.search(rf'href="([^"]+)" rel="{word}"', response.content.decode())
        url = "/calls/" + link[1].replace("&amp;", "&") if link else ""
    return pages


def test_paging_shows_every_call_once_in_both_directions_though_times_are_equal(as_bob, monkeypatch):
    monkeypatch.setattr(paging.page_of, "__defaults__", (3,))
    for n in range(10):
        RecordingFactory(called_at=NOON + timedelta(minutes=n // 4))
    expected = list(Recording.objects.newest_first().values_list("pk", flat=True))
    older = walk(as_bob, "/calls/?reviewed=no", "next")
    assert [*chain(*older)] == expected
    assert [len(page) for page in older] == [3, 3, 3, 1]
    last = Recording.objects.get(pk=expected[-1])
    newer = walk(as_bob, f"/calls/?after={paging.cursor_of((last.called_at, last.pk))}".replace("+", "%2B"), "prev")
    assert [*chain(*reversed(newer))] == expected[:-1]


def test_the_pager_keeps_the_filters(as_bob, monkeypatch):
    monkeypatch.setattr(paging.page_of, "__defaults__", (1,))
    RecordingFactory.create_batch(2)
    assert "?reviewed=no&amp;before=" in as_bob.get("/calls/?reviewed=no&text=").content.decode()


@pytest.mark.parametrize(
    "cursor", ["x", "2026-03-02_5", "2026-03-02T12:00:00+00:00_x", "_", "2026-03-02T12:00:00+00:00_" + "9" * 30]
)
def test_a_cursor_that_cannot_be_read_means_the_first_page(as_bob, cursor):
    call = RecordingFactory()
    assert shown(as_bob.get("/calls/", {"before": cursor})) == [call.pk]


def test_counting_stops_where_it_grows_expensive(as_bob, monkeypatch):
    monkeypatch.setattr(paging, "COUNT_CAP", 3)
    RecordingFactory()
    assert "1 call<" in as_bob.get("/calls/").content.decode()
    RecordingFactory.create_batch(2)
    assert "3 calls" in as_bob.get("/calls/").content.decode()
    RecordingFactory()
    assert "more than 3 calls" in as_bob.get("/calls/").content.decode()


def test_the_list_asks_the_database_no_more_for_fifty_calls_than_for_ten(as_bob):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            as_bob.get("/calls/")
        return len(captured)

    for _ in range(10):
        FindingFactory()
    few = queries()
    for _ in range(40):
        FindingFactory()
    assert queries() == few
    assert few <= 10


def test_the_filters_say_how_many_calls_each_choice_has(as_bob, some_calls, monkeypatch):
    words = text_of(as_bob.get("/calls/?state=completed"))
    assert "Failed 1" in words
    assert "Not reviewed · 2" in words
    assert "Reviewed · 1" in words
    assert "The link could not be fetched · 1" in words
    monkeypatch.setattr("callcov_portal.models.selection.CAP", 1)
    monkeypatch.setattr("callcov_portal.views.rail.CAP", 1)
    monkeypatch.setattr("callcov_portal.views.rail.MANY", Believed())
    assert "Not reviewed · 1+" in text_of(as_bob.get("/calls/"))


def test_of_what_there_is_much_nobody_counts_again_for_a_minute(as_bob, some_calls, monkeypatch):
    monkeypatch.setattr("callcov_portal.models.selection.CAP", 1)
    monkeypatch.setattr("callcov_portal.views.rail.CAP", 1)
    believed = Believed()
    monkeypatch.setattr("callcov_portal.views.rail.MANY", believed)
    as_bob.get("/calls/")
    Recording.objects.update(verdict="pass")
    words = text_of(as_bob.get("/calls/"))
    assert "Not reviewed · 1+" in words
    assert "Pass · 1+" in words  # what is few is counted each time
    believed.until.update(dict.fromkeys(believed.until, 0.0))
    assert "Not reviewed · 0" in text_of(as_bob.get("/calls/"))


def test_a_list_with_very_many_calls_is_counted_once_a_minute(as_bob, monkeypatch):
    believed = Believed()
    monkeypatch.setattr("callcov_portal.views.paging.MANY", believed)
    monkeypatch.setattr("callcov_portal.views.paging.COUNT_CAP", 51)
    RecordingFactory.create_batch(53, agent=(agent := AgentFactory()))
    assert "more than 51 calls" in text_of(as_bob.get("/calls/"))
    Recording.objects.filter(pk__in=Recording.objects.values("pk")[:2]).delete()
    assert "more than 51 calls" in text_of(as_bob.get("/calls/"))
    assert "(51 calls)" in text_of(as_bob.get(f"/calls/?agent={agent.identifier}"))  # counted for itself
    with transaction.atomic():
        Recording.objects.filter(pk__in=Recording.objects.values("pk")[:50]).delete()
        assert "(1 call)" in text_of(as_bob.get("/calls/"))  # nobody believes what is seen to be wrong
        transaction.set_rollback(True)
    believed.until.update(dict.fromkeys(believed.until, 0.0))
    assert "(51 calls)" in text_of(as_bob.get("/calls/"))


def test_what_is_believed_has_an_end():
    believed = Believed()
    for number in range(2 * MOST):
        believed.add(number)
        assert number in believed
    assert len(believed.until) <= MOST


def test_a_text_that_many_contacts_begin_with_says_that_more_is_needed(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.models.lookup.MOST_CONTACTS", 1)
    for name in ("cust_1", "cust_2"):
        RecordingFactory(contact=ContactFactory(identifier=name))
    assert "Type more of the identifier" in text_of(as_bob.get("/calls/?text=cust"))
    assert "Type more of the identifier" not in text_of(as_bob.get("/calls/?text=cust_2"))


@pytest.mark.sqlite
def test_counts_beside_the_filters_come_from_indexes_alone(some_calls):
    for choices in COUNTED.values():
        for choice in choices.values():
            calls = among(Recording.objects.order_by(), choice.column, choice.values)
            plan = calls.values_list("pk")[:1001].explain()
            assert "USING COVERING INDEX" in plan
            assert "SCAN" not in plan


@time_machine.travel("2026-03-15T12:00:00Z", tick=False)
def test_days_that_are_asked_for_often_are_a_click_and_keep_the_other_filters(as_bob):
    page = as_bob.get("/calls/?state=failed&since=2026-03-01&before=x")
    assert link_named(page, "Today") == "/calls/?state=failed&since=2026-03-15"
    assert link_named(page, "7 days") == "/calls/?state=failed&since=2026-03-09"
    assert link_named(page, "Any") == "/calls/?state=failed"
    assert 'since=2026-03-01" aria-current="true">This month' in page.content.decode()


def test_who_added_calls_can_be_chosen_and_a_name_that_is_gone_stays_readable(as_bob):
    page = as_bob.get("/calls/?uploaded_by=ghost").content.decode()
    assert '<option value="ghost" selected>ghost</option>' in page
    assert '<option value="bob">bob</option>' in page


def test_a_team_can_be_chosen_and_its_calls_are_those_of_its_agents(as_bob):
    nora, tom = AgentFactory(team="Sales & Care"), AgentFactory(team="Night")
    calls = [RecordingFactory(agent=agent) for agent in (nora, tom, nora)]
    page = as_bob.get("/calls/?team=Sales+%26+Care")
    assert shown(page) == [calls[2].pk, calls[0].pk]
    assert '<option value="Sales &amp; Care" selected>Sales &amp; Care</option>' in page.content.decode()
    assert '<option value="Night">Night</option>' in page.content.decode()
    assert any(link.endswith("/calls.csv?team=Sales+%26+Care") for link in links_of(page))
    assert shown(as_bob.get("/calls/?team=gone")) == []
    assert shown(as_bob.get(f"/calls/?team=Night&agent={nora.identifier}")) == []


def test_an_old_identifier_finds_the_calls_of_whom_it_was_merged_into(as_bob):
    agent, contact = AgentFactory(), ContactFactory()
    AgentFactory(identifier="old-agent", merged_into=agent)
    ContactFactory(identifier="old-contact", merged_into=contact)
    call, other = RecordingFactory(agent=agent, contact=contact), RecordingFactory()
    for query in ("agent=OLD-agent", "contact=old-contact", f"contact={contact.identifier}"):
        assert shown(as_bob.get(f"/calls/?{query}")) == [call.pk]
    assert shown(as_bob.get(f"/calls/?agent={other.agent.identifier}")) == [other.pk]


def test_htmx_gets_the_part_and_a_clean_address(as_bob, some_calls):
    response = as_bob.get("/calls/?agent=&state=failed&text=", headers=HTMX)
    page = response.content.decode()
    assert page.lstrip().startswith("<section")
    assert "<html" not in page
    assert response["HX-Push-Url"] == "/calls/?state=failed"
    here = {**HTMX, "HX-Current-URL": "http://testserver/calls/?state=failed"}
    assert as_bob.get("/calls/?state=failed", headers=here)["HX-Push-Url"] == "false"
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_boosted_and_restored_pages_are_whole(as_bob, header):
    response = as_bob.get("/calls/", headers={**HTMX, header: "true"})
    assert "<html" in response.content.decode()
    assert "HX-Request" in response["Vary"]


def test_the_list_asks_for_news_only_while_something_is_unfinished(as_bob):
    CompletedFactory()
    assert 'hx-trigger="every' not in as_bob.get("/calls/").content.decode()
    analysis = ProcessingFactory()
    page = as_bob.get("/calls/").content.decode()
    assert f"/calls/rows/?ids={analysis.recording.pk}&amp;seen=" in page
    assert "1 on this page still in work" in page


def news_url(client) -> str:
    page = client.get("/calls/").content.decode()
    found = re.search(r'hx-get="(/calls/rows/[^"]+)"', page)
    assert found
    return found[1].replace("&amp;", "&")


def test_no_news_is_an_empty_answer(as_bob):
    ProcessingFactory()
    url = news_url(as_bob)
    assert as_bob.get(url, headers=HTMX).status_code == 204
    Analysis.objects.update(stage_fraction=0.5)
    response = as_bob.get(url, headers=HTMX)
    assert response.status_code == 200
    assert "Analysing 50 %" in response.content.decode()
    assert 'hx-trigger="every' in response.content.decode()


def test_that_a_call_is_no_longer_compared_is_news_on_its_page(as_bob):
    analysis = AnalysisFactory(needs_comparing=True)
    page = as_bob.get(f"/calls/{analysis.recording.pk}/").content.decode()
    assert "It is compared with the calls that are there" in page
    (url,) = re.findall(r'hx-get="(/calls/\d+/state/[^"]+)"', page)
    assert as_bob.get(url.replace("&amp;", "&"), headers=HTMX).status_code == 204
    Analysis.objects.update(needs_comparing=False)
    assert "It is compared" not in as_bob.get(url.replace("&amp;", "&"), headers=HTMX).content.decode()


def test_the_last_news_ends_the_asking(as_bob):
    analysis = ProcessingFactory()
    url = news_url(as_bob)
    Analysis.objects.update(state=State.COMPLETED)
    Recording.objects.update(state=State.COMPLETED)
    FindingFactory(analysis=analysis)
    news = as_bob.get(url, headers=HTMX).content.decode()
    assert f'<tr role="row" id="call-{analysis.recording.pk}" hx-swap-oob="true">' in news
    assert "1 met" in news
    assert "every" not in news


def test_a_call_that_was_deleted_leaves_the_list(as_bob):
    analysis = ProcessingFactory()
    number, url = analysis.recording.pk, news_url(as_bob)
    Recording.objects.update(current_analysis=None)
    Recording.objects.all().delete()
    assert f'<tr id="call-{number}" hx-swap-oob="delete">' in as_bob.get(url, headers=HTMX).content.decode()


def test_rubbish_for_ids_is_no_error(as_bob):
    response = as_bob.get("/calls/rows/?ids=a,,-1,99999999999999999999,7", headers=HTMX)
    assert response.status_code == 200
    assert "hx-trigger" not in response.content.decode()


def test_known_people_are_offered_while_typing(as_bob):
    AgentFactory(identifier="Nora-7", name="Nora Quist")
    AgentFactory(identifier="bert")
    ContactFactory(identifier="nora's customer")
    page = as_bob.get("/calls/known/agents/?agent=NOR", headers=HTMX).content.decode()
    assert '<option value="Nora-7">Nora Quist</option>' in page
    assert "bert" not in page
    assert "customer" in as_bob.get("/calls/known/contacts/?contact=", headers=HTMX).content.decode()
    assert as_bob.get("/calls/known/agents/?agent=%00").status_code == 200
