"""What the engine adds beside the documented results: findings, tone, effort, coaching, key sentences."""

import json
import re

import pytest

from callcov_portal import rules
from callcov_portal.engine.checks import assess
from tests.engine.test_checks import call, example, quality


def findings(*turns, **more):
    return assess(call(*turns, **more))["findings"]


def one(found, check):
    return next(each for each in found if each["check"] == check)


def test_a_finding_has_all_its_evidence():
    found = one(findings(("A", 0, 5, "Good morning, my name is Rachel.")), "identity_verification")

    assert found == {
        "check": "identity_verification",
        "rule": "agent_identifies",
        "version": rules.builtin().of("identity")[0].version,
        "title": "The agent says who they are",
        "kind": "required",
        "severity": "high",
        "outcome": "met",
        "quote": "my name is",
        "speaker": "A",
        "start": pytest.approx(2.2, abs=0.5),
        "end": pytest.approx(3.8, abs=0.5),
        "confidence": pytest.approx(0.95),
        "explanation": "",
        "also": [],
        "searched": None,
    }


def test_an_omission_says_where_it_was_looked_for_and_what_came_nearest():
    found = one(
        findings(("A", 0, 5, "Thanks, we want to record your reading."), duration=60),
        "disclosure.call_recording_notice",
    )

    assert (found["outcome"], found["quote"], found["start"]) == ("omitted", None, None)
    assert (found["searched"]["start"], found["searched"]["end"]) == (0, 60)
    nearest = found["searched"]["nearest"]
    assert "record" in nearest["quote"]
    assert 0.5 < nearest["likeness"] < 0.84


def test_what_was_said_in_the_wrong_place_is_the_nearest_miss():
    turns = (("B", 0, 50, "I have a long story to tell."), ("A", 100, 105, "Good morning to you."))
    found = one(findings(*turns, duration=110), "quality.greeting")

    assert found["outcome"] == "omitted"
    assert found["searched"]["end"] == 30
    assert found["searched"]["nearest"]["quote"] == "Good morning"
    assert found["searched"]["nearest"]["likeness"] == 1


def test_said_too_late_is_a_violation_with_its_place():
    found = one(findings(("A", 0, 2, "Hello there."), ("A", 20, 24, "So, my name is Rachel.")), "identity_verification")
    assert (found["outcome"], found["quote"]) == ("violated", "my name is")
    assert "later than 15 s" in found["explanation"]


def test_quotes_hold_nothing_sensitive():
    text = "The card number is 4111 1111 1111 1111 for my records."
    rule = "{id: a, check: other, title: t, together: [{words: [card, records], within: 12}], speaker: contact}"
    said = call(("B", 0, 9, text))

    results = assess(said, rules.load(f"name: x\nrules:\n  - {rule}\n"))

    assert results["findings"][0]["outcome"] == "met"
    assert results["findings"][0]["quote"] == "[card number]"
    assert not re.search(r"1111", json.dumps([results["findings"], results["key_sentences"], results["summary"]]))
    assert results["key_sentences"][0]["text"] == "The card number is [card number] for my records."


def test_the_rule_set_is_named_by_its_hash():
    assert example("call1_payment")["rules"] == {"name": "Built-in rules", "hash": rules.builtin().hash}


def test_words_of_tone_are_counted_for_each_speaker():
    turns = (
        ("B", 0, 5, "This is absolutely terrible, I am furious."),
        ("A", 6, 9, "That is wonderful news, brilliant."),
        ("B", 10, 12, "Yes please, thank you, okay."),
    )
    found = quality(*turns)["tone"]

    assert (found["agent"], found["contact"]) == ({"negative": 0, "positive": 1}, {"negative": 1, "positive": 0})
    assert found["instances"][0]["words"] == ["terrible", "furious"]


def test_tone_is_not_made_up_in_another_language():
    assert quality(("B", 0, 5, "Das ist furchtbar."), language="de")["tone"]["assessed"] is False


def test_the_structure_names_the_parts_in_order():
    found = example("call1_payment")["quality"]["call_structure"]
    names = [part["part"] for part in found["parts"]]
    assert found["first_speaker"] == "A"
    assert names[0] == "greeting"
    assert names[-1] == "closing"
    assert set(names) >= {"identity", "purpose", "disclosure", "verification", "hold"}


def test_an_easy_call_costs_the_contact_less_than_a_hard_one():
    easy, hard = (example(name)["coaching"] for name in ("call1_payment", "call2_complaint"))
    assert easy["customer_effort_score"] < 1
    assert 3 < hard["customer_effort_score"] <= 5
    points = sum(part["points"] for part in hard["customer_effort"]["components"])
    assert hard["customer_effort_score"] == pytest.approx(min(5, points), abs=0.06)


def test_the_effort_never_leaves_its_scale():
    turns = [
        (
            "B",
            at * 10.0,
            at * 10 + 8.0,
            "This is the third time I called, terrible, get me a manager, I want to make a complaint.",
        )
        for at in range(90)
    ]
    score = assess(call(*turns))["coaching"]["customer_effort_score"]
    assert score == 5


def test_every_recommendation_names_what_caused_it():
    results = example("call2_complaint")
    checks = {each["check"] for each in results["findings"]}
    for each in results["coaching"]["recommendations"]:
        assert each["text"]
        assert each["because"]
        for cause in each["because"]:
            measure = cause["check"].removeprefix("quality.")
            assert cause["check"] in checks or measure in results["quality"], cause


def test_measures_cause_recommendations():
    turns = [
        ("B", 0, 6, "let me tell you what happened"),
        ("A", 4, 8, "no listen to me first"),
        ("B", 8, 14, "please let me finish what I say"),
        ("A", 12, 49, " ".join(["word"] * 150)),
    ]
    found = assess(call(*turns, duration=60))["coaching"]["recommendations"]
    causes = {cause["check"] for each in found for cause in each["because"]}
    assert {"quality.interruptions", "quality.talk_ratio", "quality.speech_rate", "quality.silence"} <= causes


def test_key_sentences_are_what_was_said_with_their_seconds():
    results = example("call2_complaint")
    sentences = results["key_sentences"]

    assert 3 <= len(sentences) <= 5
    assert [each["start"] for each in sentences] == sorted(each["start"] for each in sentences)
    assert any("supervisor" in each["text"] for each in sentences)
    assert results["summary"].splitlines()[0] == "Key sentences"
    assert all(each["text"] in results["summary"] for each in sentences)


def test_a_call_without_a_sentence_has_no_summary():
    assert assess(call(("A", 0, 1, "Hello?")))["summary"] == ""


def test_a_two_hour_call_is_assessed_in_seconds():
    line = "Well I would like to know why the bill for my account number is higher than it was in the last month"
    said = call(*(("AB"[at % 2], at * 4.0, at * 4 + 3.8, f"{line} {at}.") for at in range(1800)))
    results = assess(said)
    assert len(results["key_sentences"]) <= 5
    assert results["quality"]["talk_ratio"]["agent"] == 0.5
