"""The page Rules."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callcov_portal import rules
from callcov_portal.actions import rules as actions
from callcov_portal.models import Finding, LogEntry, RuleVersion
from tests.factories import AnalysisFactory, CompletedFactory, FindingFactory, SegmentFactory
from tests.rulesets import GREETING, WELCOME
from tests.views.pages import links_of, text_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
ACTS = ("/rules/edit/", "/rules/try/", "/rules/what-if/", "/rules/put-in-force/", "/rules/check-again/")


@pytest.fixture
def saved(alice) -> RuleVersion:
    return actions.save_version(GREETING, "Ours.", alice)


@pytest.fixture
def call(alice):
    """A call with a greeting of another kind."""
    analysis = CompletedFactory(language="en")
    SegmentFactory(analysis=analysis, text="A warm welcome to you.", start=1.0, end=3.0)
    return analysis.recording


def test_everybody_reads_the_rules_in_force_and_the_versions(as_bob, saved) -> None:
    page = as_bob.get("/rules/")
    words = text_of(page)
    assert "In force: Built-in rules" in words
    assert "The agent says who they are Must be said Agent, by 15 s" in words.replace("▲ ", "")
    assert "my name is" in words
    assert "House rules" in words
    assert "Ours." in words
    assert f"/rules/versions/{saved.hash}/" in links_of(page)
    assert b"/rules/put-in-force/" not in page.content
    assert b"/rules/check-again/" not in page.content
    assert "/rules/edit/" not in links_of(page)


def test_a_rule_is_read_with_all_that_it_says(as_bob, alice) -> None:
    text = """\
name: Full
languages: [en]
rules:
  - id: full_rule
    check: other
    title: Everything at once
    severity: low
    advice: Say it.
    speaker: any
    languages: [en, de]
    expect: optional
    position: {first_seconds: 30, last_seconds: 20, first_interactions: 3, first_segments: 4, last_segments: 5}
    deadline: {interactions: 2}
    phrases: [one phrase here]
    together:
      - {words: [record*|monitor*, call|line], within: 8}
    unless: [not that phrase]
"""
    version = actions.save_version(text, "", alice)
    words = text_of(as_bob.get(f"/rules/versions/{version.hash}/"))
    assert "Anyone, first 30 s, last 20 s, first 3 turns, first 4 segments, last 5 segments, by turn 2" in words
    for part in (
        "Good when said",
        "one phrase here",
        "record*|monitor* & call|line within 8 words",
        "not that phrase",
        "Say it.",
        "en, de",
        "2 forms",
        "low",
        rules.load(text).rules[0].version,
    ):
        assert part in words


@pytest.mark.parametrize("address", ACTS)
def test_reviewers_change_nothing(as_bob, saved, address) -> None:
    for response in (as_bob.get(address), as_bob.post(address, {"version": saved.hash, "text": WELCOME})):
        assert response.status_code == 403
        assert "Only a lead changes the rules" in text_of(response)
    assert RuleVersion.objects.count() == 1
    assert actions.in_force() is rules.builtin()


@pytest.mark.parametrize("address", ["/rules/", "/rules/edit/", "/rules/try/"])
def test_strangers_are_asked_to_sign_in(as_charlie, address) -> None:
    assert as_charlie.get(address).headers["Location"].startswith("/login/")


def test_a_lead_saves_a_version_and_puts_it_in_force(as_alice, alice) -> None:
    as_a_browser_sends_it = GREETING.replace("\n", "\r\n")
    response = as_alice.post("/rules/edit/", {"text": as_a_browser_sends_it, "note": "Greet."}, follow=True)
    version = RuleVersion.objects.get()
    assert response.redirect_chain == [(f"/rules/versions/{version.hash}/", 302)]
    assert (version.text, version.note, version.created_by) == (GREETING, "Greet.", alice)
    words = text_of(response)
    assert "It is not in force yet." in words
    assert "-name: Built-in rules" in words
    assert "+name: House rules" in words
    response = as_alice.post("/rules/put-in-force/", {"version": version.hash}, follow=True)
    assert "is in force. Calls that are done stay as they are." in text_of(response)
    assert actions.in_force().text == GREETING
    assert "What differs" not in text_of(as_alice.get(f"/rules/versions/{version.hash}/"))


def test_the_editor_begins_with_the_rules_in_force_or_another_version(as_alice, saved) -> None:
    assert b"name: Built-in rules" in as_alice.get("/rules/edit/").content
    page = as_alice.get(f"/rules/edit/?from={saved.hash}")
    assert b"name: House rules" in page.content
    assert "greets alone" in text_of(page)
    assert as_alice.get("/rules/edit/?from=nothing").status_code == 404


def test_saving_what_is_in_force_says_so(as_alice) -> None:
    response = as_alice.post("/rules/edit/", {"text": rules.builtin().text}, follow=True)
    assert "These are the rules that are in force already." in text_of(response)


@pytest.mark.parametrize("address", ["/rules/edit/", "/rules/try/", "/rules/what-if/"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_mistake_comes_back_with_its_line_beside_the_text(as_alice, address, headers) -> None:
    wrong = GREETING.replace("severity: high", "severity: deadly")
    page = as_alice.post(address, {"text": wrong, "talk": "Hello."}, headers=headers)
    assert page.status_code == 422
    words = text_of(page)
    assert "Line 7: 'deadly' is not possible here" in words
    assert "7 severity: deadly" in words
    assert b'data-wrong-line="7"' in page.content
    assert (b"<textarea" in page.content) == (not headers)
    assert (b"hx-swap-oob" in page.content) == bool(headers)
    assert not RuleVersion.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Paste a few lines of a talk, or name a call."),
        ({"talk": "  \n "}, "Paste a few lines of a talk, or name a call."),
        ({"call": "#999"}, "There is no analysed call #999."),
        ({"call": "x"}, "There is no analysed call x."),
        ({"call": "9" * 20}, "There is no analysed call"),
        ({"talk": "x" * 20_001}, "at most 20000 characters"),
    ],
)
def test_a_test_without_a_talk_is_refused_with_the_reason(as_alice, data, words) -> None:
    AnalysisFactory(recording__pk=7)
    for headers in ({}, HTMX):
        page = as_alice.post("/rules/try/", {"text": GREETING, **data}, headers=headers)
        assert page.status_code == 422
        assert words in text_of(page)


def test_a_call_that_is_not_analysed_yet_is_none_to_test_on(as_alice) -> None:
    number = AnalysisFactory().recording_id
    assert as_alice.post("/rules/try/", {"text": GREETING, "call": str(number)}).status_code == 422


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_rules_as_typed_are_tried_on_a_pasted_talk(as_alice, headers) -> None:
    talk = "Agent: Thank you for calling.\nContact: Hello.\nAgent: Calm down."
    page = as_alice.post("/rules/try/", {"text": GREETING, "talk": talk}, headers=headers)
    words = text_of(page)
    assert page.status_code == 200
    assert "On the talk 2 findings" in words
    assert "✓ Met The agent greets" in words
    assert "heard as thank you for calling , 100 % alike" in words
    assert "✗ Violated Lectures the contact" in words
    assert (b"<textarea" in page.content) == (not headers)
    assert not RuleVersion.objects.exists()


def test_one_rule_is_tried_alone_on_a_call_with_the_nearest_miss(as_alice, call) -> None:
    text = GREETING.replace("thank you for calling", "a warm farewell to you")
    page = as_alice.post("/rules/try/", {"text": text, "call": f" #{call.pk} ", "rule": "greets"}, headers=HTMX)
    words = text_of(page)
    assert f"On call #{call.pk} 1 finding" in words
    assert "○ Omitted The agent greets" in words
    assert "Lectures" not in words
    assert "Searched ▶ 0:00 to 0:30" in words
    assert "Nearest ▶ 0:01" in words
    assert "% like" in words


def test_what_would_change_is_said_by_check_and_by_call(as_alice, call, saved) -> None:
    actions.activate(saved.hash, saved.created_by)
    page = as_alice.post("/rules/what-if/", {"text": WELCOME}, headers=HTMX)
    words = text_of(page)
    assert "1 of 1 calls would change" in words
    assert "The agent greets omitted met 1" in words
    assert "The agent greets: omitted → met" in words
    assert call.get_absolute_url() in links_of(page)
    without_htmx = as_alice.post("/rules/what-if/", {"text": GREETING})
    assert "None: every check of every call comes out as it does now." in text_of(without_htmx)
    assert b"<textarea" in without_htmx.content
    assert not Finding.objects.exists()


def test_without_calls_nothing_would_change(as_alice) -> None:
    assert "There is no analysed call yet." in text_of(as_alice.post("/rules/what-if/", {"text": GREETING}))


@pytest.mark.parametrize("address", ["/rules/try/", "/rules/what-if/"])
def test_a_reload_of_a_test_leads_to_the_editor(as_alice, address) -> None:
    assert as_alice.get(address).headers["Location"] == "/rules/edit/"


def test_an_unknown_version_is_not_found_and_not_put_in_force(as_alice) -> None:
    assert as_alice.get("/rules/versions/abc/").status_code == 404
    response = as_alice.post("/rules/put-in-force/", {"version": "abc"}, follow=True)
    assert "There is no such version of the rules." in text_of(response)
    assert actions.in_force() is rules.builtin()


def test_a_version_that_cannot_be_read_is_shown_as_its_text_with_a_warning(as_bob, as_alice, alice) -> None:
    old = RuleVersion.objects.create(hash="0" * 64, name="Old", text="name: Old\nrules: 7", activated_at=timezone.now())
    words = text_of(as_bob.get("/rules/"))
    assert "cannot be read by this program (Line 2:" in words
    assert "The built-in rules are used instead." in words
    page = text_of(as_bob.get(f"/rules/versions/{old.hash}/"))
    assert "This program cannot read that version. Line 2:" in page
    assert "rules: 7" in page
    as_alice.post("/rules/put-in-force/", {"version": rules.builtin().hash})
    assert "cannot be read" not in text_of(as_bob.get("/rules/"))


def test_the_last_calls_are_checked_again(as_alice, call) -> None:
    response = as_alice.post("/rules/check-again/", follow=True)
    assert "1 calls checked again" in text_of(response)
    assert "1 changed" in text_of(response)
    assert Finding.objects.filter(analysis=call.current_analysis, origin="found").exists()


def test_a_lead_checks_one_call_again_from_its_page(as_alice, call, saved) -> None:
    actions.activate(saved.hash, saved.created_by)
    page = as_alice.get(call.get_absolute_url())
    assert f"/calls/{call.pk}/check-again/".encode() in page.content
    response = as_alice.post(f"/calls/{call.pk}/check-again/", {"analysis": str(call.current_analysis_id)}, follow=True)
    assert response.redirect_chain == [(call.get_absolute_url(), 302)]
    assert "Checked again." in text_of(response)
    assert "The agent greets: not checked → omitted" in text_of(response)
    assert LogEntry.objects.get(act="checked again").recording_number == call.pk


def test_an_older_analysis_is_checked_again_and_shown(as_alice, call) -> None:
    older = CompletedFactory(recording=call, current=False)
    SegmentFactory(analysis=older)
    response = as_alice.post(f"/calls/{call.pk}/check-again/", {"analysis": str(older.pk)})
    assert response.headers["Location"] == f"{call.get_absolute_url()}?analysis={older.pk}"
    assert set(Finding.objects.values_list("analysis", flat=True)) == {older.pk}


def test_what_cannot_be_checked_again_says_why(as_alice, as_bob, call) -> None:
    waiting = AnalysisFactory(recording=call)
    response = as_alice.post(f"/calls/{call.pk}/check-again/", {"analysis": str(waiting.pk)}, follow=True)
    assert "Only a completed analysis can be checked again." in text_of(response)
    assert as_alice.post(f"/calls/{call.pk}/check-again/", {"analysis": "x"}).status_code == 404
    assert as_bob.post(f"/calls/{call.pk}/check-again/", {"analysis": str(waiting.pk)}).status_code == 403
    assert b"check-again" not in as_bob.get(call.get_absolute_url()).content


def test_the_page_costs_the_same_however_many_versions_there_are(as_alice, alice) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_alice.get("/rules/")
        return len(captured)

    before = queries()
    for number in range(5):
        actions.save_version(GREETING.replace("House", f"House {number}"), "", alice)
    assert queries() == before <= 6


def test_hostile_names_and_notes_are_text(as_alice, alice) -> None:
    evil = "<script>alert(1)</script>"
    version = actions.save_version(
        GREETING.replace("House rules", evil).replace("calm down", f"calm {evil}"), evil, alice
    )
    for address in ("/rules/", f"/rules/versions/{version.hash}/", f"/rules/edit/?from={version.hash}"):
        page = as_alice.get(address).content
        assert evil.encode() not in page
    page = as_alice.post("/rules/try/", {"text": version.text, "talk": f"calm {evil}"})
    assert evil.encode() not in page.content


def test_the_calls_of_a_heard_signal_are_found_by_the_filter(as_bob, call) -> None:
    FindingFactory(analysis=call.current_analysis, check_id="quality.churn", title="Wants to leave", outcome="heard")
    page = as_bob.get("/calls/?outcome=heard")
    assert f"#{call.pk}" in text_of(page)
    assert "●1" in text_of(page)
    assert "0 met, 0 violated, 0 omitted, 1 heard" in page.content.decode()
    assert f"#{call.pk}" not in text_of(as_bob.get("/calls/?outcome=met"))
