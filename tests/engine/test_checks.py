"""Results come from what was said, with their evidence; what cannot be known is not made up."""

import json
from pathlib import Path

import pytest

from callcov_portal import rules
from callcov_portal.engine.checks import assess
from callcov_portal.engine.speech.scripted import played, read_script
from callcov_portal.engine.speech.transcript import Transcript
from callcov_portal.reading.ruled import ruled

CALLS = Path(__file__).parent.parent / "calls"


def call(*turns, duration=0.0, language="en", channels=2):
    """A transcript from (speaker, start, end, text)."""
    segments = tuple(
        played({"role": "agent" if speaker == "A" else "contact", "start": start, "end": end, "text": text})
        for speaker, start, end, text in turns
    )
    return Transcript(segments, language, duration or max([0.0, *(s.end for s in segments)]), channels)


def compliance(*turns, **more):
    return assess(call(*turns, **more))["compliance"]


def quality(*turns, **more):
    return assess(call(*turns, **more))["quality"]


def example(name, channels=2):
    truth = json.loads((CALLS / f"{name}.truth.json").read_text())
    turns = tuple(played(turn) for turn in read_script(CALLS / f"{name}.truth.json"))
    return assess(Transcript(turns, "en", truth["duration"], channels))


def test_a_compliant_call_is_compliant():
    found = example("call1_payment")["compliance"]
    assert found["identity_verification"]["verified"] is True
    assert found["identity_verification"]["timestamp"] == pytest.approx(3.2, abs=0.5)
    assert found["identity_verification"]["flagged"] is False
    assert found["mandatory_disclosures"]["read"] is True
    assert found["mandatory_disclosures"]["matched_disclosures"] == ["call_recording_notice", "cooling_off_notice"]
    assert found["mandatory_disclosures"]["missing_disclosures"] == []
    assert found["purpose_declaration"]["interaction_number"] == 1
    assert found["prohibited_phrases"] == {"used": False, "instances": []}
    assert [(each["type"], each["title"]) for each in found["sensitive_data"]["instances"]] == [
        ("date_of_birth", "Date of birth"),
        ("card_number", "Card number"),
        ("card_expiry", "Card expiry"),
        ("cvv", "Security code"),
        ("email", "E-mail address"),
    ]
    assert example("call1_payment")["coaching"]["recommendations"] == []


def test_a_promise_is_heard_and_counts_neither_for_nor_against_the_agent():
    given = assess(call(("A", 0.0, 4.0, "I will call you back tomorrow."), ("B", 5.0, 6.0, "Thank you.")))
    [found] = [finding for finding in ruled(given) if finding.check_id == "quality.promise"]
    assert (found.outcome, found.quote) == ("heard", "I will call you back")
    assert given["quality"]["promises"]["count"] == 1


def test_a_bad_call_is_found_out():
    results = example("call2_complaint")
    found = results["compliance"]
    assert found["mandatory_disclosures"]["missing_disclosures"] == ["call_recording_notice"]
    assert found["purpose_declaration"] == {"disclosed": False, "flagged": True}
    said = [(each["rule"], round(each["timestamp"])) for each in found["prohibited_phrases"]["instances"]]
    assert said == [
        ("not_my_problem", 32),
        ("blames_the_contact", 44),
        ("guarantees_an_outcome", 86),
        ("not_my_problem", 127),
    ]
    assert results["quality"]["closing"]["flagged"] is True
    assert results["quality"]["escalation_requests"]["count"] == 1
    because = [each["because"] for each in results["coaching"]["recommendations"]]
    names = [[(cause["check"], cause.get("rule")) for cause in causes] for causes in because]
    assert [("prohibited_phrases", "not_my_problem")] * 2 in names
    displeased = ("quality.dissatisfaction", "is_displeased")
    assert [("quality.complaint", "complains"), displeased, ("quality.empathy", None)] in names
    priorities = [each["priority"] for each in results["coaching"]["recommendations"]]
    assert priorities == sorted(priorities, key=["high", "medium", "low"].index)
    assert all(each["text"] for each in results["coaching"]["recommendations"])


def test_only_what_is_documented_or_computed_is_there():
    results = example("call1_payment")
    documented, ours = (
        {"compliance", "quality", "coaching", "summary"},
        {"findings", "rules", "key_sentences", "speakers"},
    )
    assert set(results) == documented | ours
    assert set(results["compliance"]) == {
        "identity_verification",
        "mandatory_disclosures",
        "purpose_declaration",
        "prohibited_phrases",
        "sensitive_data",
    }
    assert json.loads(json.dumps(results)) == results


def test_identity_after_15_seconds_is_verified_but_flagged():
    found = compliance(("A", 0, 2, "Hello there."), ("A", 20, 24, "So, my name is Rachel."))["identity_verification"]
    assert (found["verified"], found["flagged"]) == (True, True)
    assert found["timestamp"] == pytest.approx(20.5, abs=1)
    assert found["quote"] == "my name is"
    assert (found["speaker"], found["rule"]) == ("A", "agent_identifies")


def test_the_contacts_name_is_not_the_agents():
    found = compliance(("A", 0, 2, "Hello there."), ("B", 3, 5, "Hi, my name is Bob."))["identity_verification"]
    assert found == {"verified": False, "flagged": True}


def test_the_disclosure_counts_only_from_the_agent():
    found = compliance(("A", 0, 2, "Hello."), ("B", 2, 5, "I know that this call is recorded."))[
        "mandatory_disclosures"
    ]
    assert found == {
        "read": False,
        "matched_disclosures": [],
        "missing_disclosures": ["call_recording_notice"],
        "evidence": [],
    }


@pytest.mark.parametrize(("interactions", "flagged"), [(1, False), (4, False), (5, True)])
def test_the_purpose_must_be_stated_in_the_first_four_interactions(interactions, flagged):
    turns = []
    for number in range(interactions):
        text = "How can I help you?" if number == interactions - 1 else "One moment."
        turns += [("A", number * 10, number * 10 + 3, text), ("B", number * 10 + 4, number * 10 + 6, "Well.")]
    found = compliance(*turns)["purpose_declaration"]
    assert (found["disclosed"], found["interaction_number"], found["flagged"]) == (True, interactions, flagged)


@pytest.mark.parametrize("noise", [("mhm", 0.3), ("Okay, right, yes.", 0.3), ("Uh-huh.", 2.2)])
def test_who_only_listens_takes_no_turn(noise):
    text, delay = noise
    turns = []
    for number in range(5):
        said = "The reason for my call is your renewal." if number == 4 else "I have looked at your file."
        turns += [("A", number * 3, number * 3 + 2, said), ("B", number * 3 + delay, number * 3 + delay + 0.5, text)]
    found = compliance(*turns)["purpose_declaration"]
    assert (found["disclosed"], found["interaction_number"], found["flagged"]) == (True, 1, False)


def test_nothing_said_accuses_nobody():
    results = assess(Transcript((), "", 30.0, 1))
    for name, part in results["compliance"].items():
        assert part["assessed"] is False, name
        assert part["reason"] == "Nothing was said."
        assert not part.get("flagged")
    assert results["quality"]["talk_ratio"]["agent"] is None
    assert results["quality"]["silence"]["count"] is None
    assert results["quality"]["greeting"]["given"] is None
    assert results["coaching"]["recommendations"] == []
    assert results["coaching"]["customer_effort_score"] is None
    assert results["coaching"]["customer_effort"]["reason"] == "Nothing was heard of the contact."
    assert (results["summary"], results["key_sentences"]) == ("", [])
    assert {each["outcome"] for each in results["findings"]} == {"not_assessed"}


def test_an_agent_who_was_not_heard_is_not_accused():
    results = assess(call(("B", 0, 3, "Hello? Is anybody there?"), ("B", 9, 12, "I want to make a complaint.")))
    for name in ("identity_verification", "mandatory_disclosures", "purpose_declaration", "prohibited_phrases"):
        part = results["compliance"][name]
        assert part["reason"] == "Nothing was heard of the agent.", name
        assert not part.get("flagged")
    assert results["compliance"]["mandatory_disclosures"]["missing_disclosures"] == []
    assert results["quality"]["greeting"]["flagged"] is False
    assert results["quality"]["complaints"]["count"] == 1
    assert results["coaching"]["recommendations"] == []


def test_what_a_contact_who_was_not_heard_wanted_is_not_known():
    results = assess(call(("A", 0, 5, "Hello, my name is Rachel, this is a message.")))
    assert results["quality"]["complaints"] == {
        "count": None,
        "instances": None,
        "assessed": False,
        "reason": "Nothing was heard of the contact.",
    }
    assert results["compliance"]["identity_verification"]["verified"] is True


def test_a_language_that_no_rule_knows_is_not_assessed():
    found = compliance(("A", 0, 3, "Guten Tag, mein Name ist Jonas."), language="de")
    assert found["identity_verification"]["assessed"] is False
    assert "'de'" in found["identity_verification"]["reason"]
    assert found["mandatory_disclosures"]["missing_disclosures"] == []


def test_a_rule_set_without_a_check_says_so():
    only = rules.load("name: x\nrules:\n  - {id: a, check: greeting, title: t, phrases: [hello]}\n")
    found = assess(call(("A", 0, 3, "Hello.")), only)
    assert found["compliance"]["purpose_declaration"]["reason"] == "The rule set has no rule for this."
    assert found["quality"]["greeting"]["given"] is True
    assert found["quality"]["closing"]["given"] is None


def test_talk_ratio_is_each_ones_share_of_speech():
    found = quality(("A", 0, 6, "one two three"), ("B", 6, 8, "four"), duration=20)["talk_ratio"]
    assert found == {"agent": 0.75, "contact": 0.25, "agent_seconds": 6, "contact_seconds": 2}


def test_silence_has_spans_from_start_to_end():
    found = quality(("A", 4, 6, "hello there"), ("B", 5, 9, "yes"), ("A", 10, 11, "so"), duration=20)["silence"]
    assert [(each["start"], each["end"]) for each in found["instances"]] == [(0, 4), (11, 20)]
    assert (found["count"], found["total_seconds"], found["longest_seconds"], found["share"]) == (2, 13, 9, 0.65)


def test_speech_rate_needs_enough_words():
    found = quality(("A", 0, 6, " ".join(["word"] * 20)), ("B", 6, 8, "yes"))["speech_rate"]
    assert found["agent_words_per_minute"] == 200
    assert found["contact_words_per_minute"] is None
    assert "10 words" in found["contact_reason"]


def test_interruptions_are_known_only_with_a_channel_for_each():
    turns = (("A", 0, 5, "let me explain this"), ("B", 4, 7, "no wait"), ("A", 6.8, 9, "but"), ("B", 8, 8.5, "mhm"))
    found = quality(*turns)["interruptions"]
    assert (found["count"], found["by_agent"], found["by_contact"]) == (1, 0, 1)
    assert found["instances"] == [{"timestamp": 4, "end": 5, "speaker": "B", "overlap_seconds": 1}]
    mono = quality(*turns, channels=1)["interruptions"]
    assert mono["count"] is None
    assert "one channel" in mono["reason"]


def test_the_examples_interruptions_are_found():
    assert example("call1_payment")["quality"]["interruptions"]["count"] == 1
    assert example("call2_complaint")["quality"]["interruptions"]["count"] == 3
