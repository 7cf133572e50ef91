"""Whose findings are kept: the API's, if it used our rules, else beside the API's what our rules find."""

from dataclasses import replace

import pytest
from django.utils import timezone

from callcov_portal import rules
from callcov_portal.actions import judging
from callcov_portal.actions import rules as actions
from callcov_portal.actions.applying import Applied, apply_snapshot
from callcov_portal.client.types import SnapshotSegment, SnapshotWord
from callcov_portal.models import Analysis, Finding, RuleVersion
from tests.fakes import COMPLIANCE
from tests.reading.test_ruled import FULL, HEARD, PLACE
from tests.rulesets import GREETING, SIGNALS, WELCOME
from tests.working import again, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def processing(api, queued) -> Analysis:
    from callcov_portal.actions.advancing import advance

    advance(queued.pk)
    return again(queued)


@pytest.fixture
def house_rules(alice) -> rules.RuleSet:
    return actions.activate(actions.save_version(GREETING, "", alice).hash, alice)


def finish(api, analysis, **changes) -> list[Finding]:
    """Complete the analysis and return its findings."""
    api.finish(analysis.external_id, **changes)
    assert apply_snapshot(analysis, api.created[analysis.external_id]) is Applied.APPLIED
    return list(Finding.objects.filter(analysis=analysis))


def engine_results(digest: str) -> dict:
    return {"compliance": COMPLIANCE, "rules": {"name": "x", "hash": digest}, "findings": [FULL, HEARD]}


def test_the_rules_in_force_are_sent_to_our_engine(api, queued, house_rules) -> None:
    from callcov_portal.actions.advancing import advance

    advance(queued.pk)
    extra = api.sent[0]["extra"]
    assert (extra["rules"], extra["rules_sha256"]) == (GREETING, house_rules.hash)
    assert again(queued).rules == house_rules.hash


def test_the_built_in_rules_are_sent_as_well_and_kept_for_ever(api, processing) -> None:
    assert api.sent[0]["extra"]["rules"] == rules.builtin().text
    assert RuleVersion.objects.get(pk=processing.rules).text == rules.builtin().text


def test_another_api_is_sent_no_field_that_it_does_not_document(api, queued, settings, house_rules) -> None:
    from callcov_portal.actions.advancing import advance

    settings.CALLCOV_API_TAKES_RULES = False
    advance(queued.pk)
    assert set(api.sent[0]["extra"]) == {"call_timestamp"}
    assert again(queued).rules == ""


def test_what_is_sent_is_what_was_in_force_when_sending_began(api, queued, house_rules, alice, monkeypatch) -> None:
    from callcov_portal.actions import submitting
    from callcov_portal.actions.advancing import advance

    begin = submitting.begin

    def begin_and_change(analysis: Analysis) -> bool:
        begun = begin(analysis)
        actions.activate(actions.save_version(WELCOME, "", alice).hash, alice)
        return begun

    monkeypatch.setattr(submitting, "begin", begin_and_change)
    advance(queued.pk)
    assert api.sent[0]["extra"]["rules"] == GREETING


def test_findings_by_the_rules_we_sent_are_given(api, processing) -> None:
    found = finish(api, processing, results=engine_results(processing.rules))
    assert [(f.check_id, f.outcome, f.origin, f.rule) for f in found][:2] == [
        ("quality.closing", "omitted", "given", "closes"),
        ("quality.churn", "heard", "given", "closes"),
    ]
    assert {f.origin for f in found} == {"given"}
    assert (found[0].version, found[0].severity) == ("0123456789ab", "high")
    assert found[0].searched == {**FULL["searched"], "nearest": {**FULL["searched"]["nearest"], "speaker": "agent"}}
    assert found[1].also == [{**PLACE, "speaker": "contact"}]
    assert len([f for f in found if f.check_id == "sensitive_data"]) == 1


def test_findings_by_the_rules_in_force_are_given_also_where_nobody_sent_them(api, processing, house_rules) -> None:
    Analysis.objects.update(rules="")
    found = finish(api, again(processing), results=engine_results(house_rules.hash))
    assert {f.origin for f in found} == {"given"}
    assert again(processing).rules == house_rules.hash


@pytest.mark.parametrize("results", [{"compliance": COMPLIANCE}, engine_results("e" * 64), {"rules": 7}, {}])
def test_of_an_api_that_used_other_rules_or_none_ours_are_run_on_the_transcript(api, processing, house_rules, results):
    found = finish(api, processing, results=results)
    ours = [f for f in found if f.origin == "found"]
    assert [(f.check_id, f.outcome, f.rule) for f in ours] == [
        ("quality.greeting", "met", "greets"),
        ("prohibited_phrases", "violated", "says_calm_down"),
    ]
    assert (ours[0].quote, ours[0].speaker, ours[0].start) == ("Thank you for calling,", "agent", 0.5)
    assert ours[0].version == house_rules.rules[0].version
    assert {f.check_id for f in found if f.origin == "given"} >= (
        {"identity_verification"} if "compliance" in results else set()
    )
    assert again(processing).rules == house_rules.hash
    assert "quality.churn" not in {f.check_id for f in found}


def test_given_and_found_stand_beside_each_other(api, processing, house_rules) -> None:
    found = finish(api, processing, results={"compliance": COMPLIANCE})
    both = [(f.origin, f.quote) for f in found if f.check_id == "prohibited_phrases"]
    assert both == [("given", "calm down"), ("found", "calm down.")]


def test_a_contact_s_wish_is_heard_and_nobody_s_fault(api, processing, alice) -> None:
    actions.activate(actions.save_version(SIGNALS, "", alice).hash, alice)
    wish = SnapshotSegment("B", "I want to cancel my contract.", 1.0, 3.0, None)
    (found,) = finish(api, processing, results={}, segments=(wish,))
    assert (found.outcome, found.speaker, found.origin) == ("heard", "contact", "found")


def test_word_times_and_confidence_are_used(api, processing, house_rules) -> None:
    said = "Well thank you for calling"
    words = tuple(SnapshotWord(text, at, at + 0.5, 0.5) for at, text in enumerate(said.split()))
    segment = SnapshotSegment("A", said, 0.0, 9.0, None, words)
    found = finish(api, processing, results={}, segments=(segment,))
    greeting = next(f for f in found if f.rule == "greets")
    assert (greeting.start, greeting.end, greeting.confidence) == (1.0, 4.5, 0.5)


def test_another_language_is_not_assessed_and_an_odd_one_is_given_the_benefit_of_the_doubt(
    api, processing, house_rules
):
    found = finish(api, processing, results={}, language="de-DE")
    assert {f.outcome for f in found} == {"not_assessed"}
    assert judging.code_of("EN_gb") == "en"
    assert judging.code_of("English (auto)") == ""
    assert judging.code_of("") == ""


def test_a_third_speaker_is_nobody_s_agent(api, processing, house_rules) -> None:
    voices = [SnapshotSegment(label, "Please calm down.", at, at + 1, None) for at, label in enumerate("BAC")]
    found = finish(api, processing, results={}, segments=tuple(voices))
    assert [f.start for f in found if f.rule == "says_calm_down"] == [pytest.approx(1.4, abs=0.2)]


def test_sensitive_data_is_hidden_in_our_quotes(api, processing, alice) -> None:
    text = SIGNALS.replace("cancel my contract", "security code is four five six")
    actions.activate(actions.save_version(text, "", alice).hash, alice)
    said = SnapshotSegment("B", "The security code is four five six.", 0.0, 4.0, None)
    (found,) = finish(api, processing, results={}, segments=(said,))
    assert "four" not in found.quote
    assert found.quote


def test_a_version_that_cannot_be_read_any_more_stops_no_analysis(api, queued) -> None:
    from callcov_portal.actions.advancing import advance

    RuleVersion.objects.create(hash="0" * 64, name="Old", text="rules: 7", activated_at=timezone.now())
    advance(queued.pk)
    sent = again(queued)
    assert sent.rules == rules.builtin().hash
    assert finish(api, sent, results={})


def test_no_words_are_no_fault(api, processing, house_rules) -> None:
    found = finish(api, processing, results={}, segments=())
    assert [(f.check_id, f.outcome) for f in found] == [
        ("quality.greeting", "not_assessed"),
        ("prohibited_phrases", "not_assessed"),
    ]


def test_news_of_a_second_worker_doubles_nothing(api, processing, house_rules) -> None:
    finish(api, processing, results={"compliance": COMPLIANCE})
    count = Finding.objects.count()
    make_due(processing)
    assert apply_snapshot(processing, replace(api.created[processing.external_id])) is Applied.STALE
    assert Finding.objects.count() == count
