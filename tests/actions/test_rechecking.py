"""Checking calls again from the words that are stored, and asking what would change."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal import rules
from callcov_portal.actions import comparing, rechecking, trying
from callcov_portal.actions import rules as actions
from callcov_portal.models import Analysis, Finding, LogEntry, Segment, User
from callcov_portal.reading.differing import Change
from tests.factories import (
    AnalysisFactory,
    CompletedFactory,
    DocumentFactory,
    FindingFactory,
    RecordingFactory,
    SegmentFactory,
)
from tests.rulesets import GREETING, SIGNALS, WELCOME
from tests.working import again

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def house_rules(alice) -> rules.RuleSet:
    """The greeting is "thank you for calling"."""
    return actions.activate(actions.save_version(GREETING, "", alice).hash, alice)


def talk(*lines: str, **recording: object) -> Analysis:
    """Return a completed call in which the agent says these lines."""
    analysis = CompletedFactory(recording=RecordingFactory(**recording), language="en")
    for position, text in enumerate(lines):
        SegmentFactory(analysis=analysis, position=position, text=text, start=5.0 * position, end=5.0 * position + 3)
    return analysis


def test_the_calls_that_would_change_are_named_with_each_check(alice) -> None:
    thanks = talk("Thank you for calling.", agent__identifier="thanks")
    talk("Good morning.", agent__identifier="neither")
    welcome = talk("A warm welcome to you.", "Please calm down.", agent__identifier="welcome")
    compared = comparing.what_if(rules.load(WELCOME))
    changed = {call.number: (call.agent, [(c.before, c.after) for c in call.changes]) for call in compared.changed}
    assert changed == {
        thanks.recording_id: ("thanks", [("met", "omitted")]),
        welcome.recording_id: ("welcome", [("omitted", "met")]),
    }
    assert [call.number for call in compared.changed] == [welcome.recording_id, thanks.recording_id]
    assert (compared.looked_at, compared.left_out) == (3, 0)
    assert {(way.title, way.before, way.after, way.calls) for way in compared.by_check} == {
        ("The agent greets", "met", "omitted", 1),
        ("The agent greets", "omitted", "met", 1),
    }


def test_the_same_rules_change_nothing_whatever_findings_are_stored() -> None:
    analysis = talk("Thank you for calling.")
    FindingFactory(analysis=analysis, check_id="quality.greeting", outcome="violated", rule="greets")
    assert comparing.what_if(rules.load(GREETING)).changed == []


def test_checks_that_come_and_go_and_how_often_are_told() -> None:
    talk("Calm down.", "Now please calm down.")
    (call,) = comparing.what_if(rules.load(SIGNALS)).changed
    assert [(change.check_id, change.before, change.after) for change in call.changes] == [
        ("quality.greeting", "omitted", ""),
        ("prohibited_phrases", "2 × violated", ""),
    ]


def test_only_checks_that_differ_are_run(house_rules) -> None:
    now, then = comparing.where_they_differ(house_rules, rules.load(WELCOME))
    assert [rule.id for rule in now.rules] == [rule.id for rule in then.rules] == ["greets"]
    german = rules.load(GREETING.replace("[en]", "[de]"))
    assert comparing.where_they_differ(house_rules, german) == (house_rules, german)


def test_asking_what_would_change_writes_nothing_and_reads_call_by_call(house_rules) -> None:
    def queries(calls: int) -> int:
        for _ in range(calls):
            talk("Thank you for calling.")
        with CaptureQueriesContext(connection) as captured:
            comparing.what_if(rules.load(WELCOME))
        assert not [q for q in captured if not q["sql"].startswith("SELECT")]
        return len(captured)

    first = queries(1)
    assert queries(4) == first + 4


def test_only_the_newest_completed_analyses_count() -> None:
    old = talk("A warm welcome to you.")
    CompletedFactory(recording=old.recording)
    AnalysisFactory()
    for _ in range(3):
        talk("A warm welcome to you.")
    compared = comparing.what_if(rules.load(WELCOME), last=3)
    assert (compared.looked_at, len(compared.changed)) == (3, 3)
    assert old.recording_id not in {call.number for call in compared.changed}


def test_what_is_too_long_or_comes_too_late_is_left_out_and_said_so(monkeypatch) -> None:
    talk("Thank you for calling.")
    talk("Thank you", "for", "calling.")
    monkeypatch.setattr(comparing, "MOST_SEGMENTS", 2)
    compared = comparing.what_if(rules.load(WELCOME))
    assert (compared.looked_at, compared.left_out) == (1, 1)
    monkeypatch.setattr(comparing, "MOST_SECONDS", 0.0)
    compared = comparing.what_if(rules.load(WELCOME))
    assert (compared.looked_at, compared.left_out) == (0, 2)


def test_a_call_checked_again_has_the_findings_of_the_rules_in_force(alice) -> None:
    analysis = talk("A warm welcome to you.")
    stays = FindingFactory(analysis=analysis, position=3, check_id="sensitive_data", outcome="met")
    FindingFactory(analysis=analysis, position=5, check_id="quality.greeting", rule="greets", outcome="met")
    DocumentFactory(analysis=analysis, raw={"results": {"findings": []}})
    actions.activate(actions.save_version(WELCOME, "", alice).hash, alice)
    changes = rechecking.check_again(analysis, alice)
    assert [(c.check_id, c.before, c.after) for c in changes] == [("prohibited_phrases", "", "met")]
    found = list(Finding.objects.filter(analysis=analysis))
    assert found[0] == stays
    assert [(f.position, f.check_id, f.outcome, f.origin, f.rule) for f in found[1:]] == [
        (4, "quality.greeting", "met", "found", "greets"),
        (5, "prohibited_phrases", "met", "found", "says_calm_down"),
    ]
    assert again(analysis).rules == rules.load(WELCOME).hash
    assert again(analysis).document.raw == {"results": {"findings": []}}
    entry = LogEntry.objects.get(act="checked again")
    assert (entry.recording_number, entry.user) == (analysis.recording_id, alice)
    assert "Warm rules" in entry.text
    assert "Prohibited phrases: not checked → met" in entry.text


def test_a_second_time_changes_nothing_and_is_not_logged(alice) -> None:
    analysis = talk("Thank you for calling.", "Please calm down.")
    rechecking.check_again(analysis, alice)
    before = list(Finding.objects.order_by("position").values_list("position", "check_id", "outcome", "quote"))
    assert rechecking.check_again(again(analysis), alice) == []
    after = list(Finding.objects.order_by("position").values_list("position", "check_id", "outcome", "quote"))
    assert before == after
    assert LogEntry.objects.filter(act="checked again").count() == 1


def test_what_is_not_completed_or_was_deleted_cannot_be_checked_again(alice) -> None:
    with pytest.raises(rechecking.NotPossible, match="Only a completed analysis"):
        rechecking.check_again(AnalysisFactory(), alice)
    gone = talk("Thank you for calling.")
    Analysis.objects.filter(pk=gone.pk).delete()
    with pytest.raises(rechecking.NotPossible, match="deleted"):
        rechecking.check_again(gone, alice)
    assert not Finding.objects.exists()


def test_the_rules_are_run_before_the_transaction(alice, monkeypatch) -> None:
    depth, seen = len(connection.savepoint_ids), []
    monkeypatch.setattr(rechecking, "found_by", lambda *_args: seen.append(len(connection.savepoint_ids)) or [])
    rechecking.check_again(talk("Hello."), alice)
    assert seen == [depth]


def test_the_last_calls_are_checked_again_each_by_itself(alice, monkeypatch) -> None:
    first, second = talk("Thank you for calling."), talk("Good morning.")
    long = talk("One.", "two.", "three.")
    monkeypatch.setattr(comparing, "MOST_SEGMENTS", 2)
    done = rechecking.check_last_again(alice)
    assert (done.looked_at, done.left_out, len(done.changed)) == (2, 1, 2)
    outcomes = dict(Finding.objects.filter(check_id="quality.greeting").values_list("analysis", "outcome"))
    assert outcomes == {first.pk: "met", second.pk: "omitted"}
    assert not Finding.objects.filter(analysis=long).exists()
    assert LogEntry.objects.get(act="checked the last calls again").text == "2 calls, 2 changed, 1 left out"


def test_rules_are_tried_on_a_pasted_talk() -> None:
    tried = trying.try_on_text(rules.load(GREETING), "Agent: Hello and thank you for calling.\nContact: Calm down.")
    assert [(each.finding.check_id, each.finding.outcome) for each in tried] == [
        ("quality.greeting", "met"),
        ("prohibited_phrases", "met"),
    ]
    assert (tried[0].phrase, tried[0].likeness) == ("thank you for calling", 1.0)
    assert (tried[1].phrase, tried[1].likeness) == ("", None)


def test_a_test_shows_the_window_searched_and_the_nearest_miss() -> None:
    (tried,) = trying.try_on_text(trying.alone(rules.load(GREETING), "greets"), "Agent: Thank you all for coming.")
    assert tried.finding.outcome == "omitted"
    searched = tried.finding.searched or {}
    assert searched["nearest"]["quote"] == "Thank you all for"
    assert 0.5 < searched["nearest"]["likeness"] < 0.84


def test_rules_are_tried_on_the_stored_words_of_a_call_with_sensitive_data_hidden() -> None:
    analysis = talk("Thank you for calling.", "My security code is four five six.")
    text = GREETING.replace("calm down", "security code is four five six")
    greeting, accused = trying.try_on_call(rules.load(text), analysis)
    assert (greeting.finding.outcome, greeting.finding.start) == ("met", 0.0)
    assert accused.finding.outcome == "violated"
    assert "four" not in accused.finding.quote
    assert Segment.objects.count() == 2
    assert not Finding.objects.exists()


def test_a_call_that_changes_meanwhile_is_left_out_and_the_rest_are_checked(alice, monkeypatch) -> None:
    swapped, other = talk("A warm welcome to you."), talk("Thank you for calling.")
    check = rechecking.check_again

    def swap_before_it_is_written(analysis: Analysis, user: User) -> list[Change]:
        if analysis.pk == swapped.pk:
            Analysis.objects.filter(pk=analysis.pk).update(speakers_swapped=True)
        return check(analysis, user)

    monkeypatch.setattr(rechecking, "check_again", swap_before_it_is_written)
    done = rechecking.check_last_again(alice)
    assert (done.looked_at, done.left_out) == (1, 1)
    assert Finding.objects.filter(analysis=other).exists()
    assert not Finding.objects.filter(analysis=swapped).exists()
