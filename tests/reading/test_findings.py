"""Findings out of results: documented ones exactly, unknown ones generically, nothing dropped and nothing invented."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.reading.alignment import Line
from callcov_portal.reading.findings import findings
from callcov_portal.reading.ruled import Found

LINES = [Line("agent", "My name is Rachel.", 0.5, 3.0), Line("contact", "Hello.", 3.5, 4.0)]


def read(key: str, check: object) -> list[Found]:
    return findings({"compliance": {key: check}}, LINES)


def only(key: str, check: object) -> Found:
    (found,) = read(key, check)
    return found


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        ({"verified": True, "flagged": False}, "met"),
        ({"verified": True, "flagged": True}, "violated"),
        ({"verified": False, "flagged": True}, "omitted"),
        ({"verified": None, "flagged": True}, "not_assessed"),
        ({"verified": "yes"}, "not_assessed"),
        ({}, "not_assessed"),
    ],
)
def test_identification(check, outcome) -> None:
    assert only("identity_verification", check).outcome == outcome


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        ({"disclosed": True, "interaction_number": 2, "flagged": False}, "met"),
        ({"disclosed": True, "interaction_number": 6, "flagged": True}, "violated"),
        ({"disclosed": False, "flagged": True}, "omitted"),
        ({"flagged": True}, "not_assessed"),
    ],
)
def test_the_purpose_of_the_call(check, outcome) -> None:
    assert only("purpose_declaration", check).outcome == outcome


def test_every_named_disclosure_is_a_finding_of_its_own() -> None:
    check = {
        "read": False,
        "matched_disclosures": ["call_recording_notice", "call_recording_notice"],
        "missing_disclosures": ["cooling_off_right"],
        "evidence": [{"rule": "call_recording_notice", "quote": "this call is recorded", "start": 4.0, "end": 6.0}],
    }
    met, missing = read("mandatory_disclosures", check)
    assert (met.check_id, met.outcome, met.quote, met.start) == (
        "disclosure.call_recording_notice",
        "met",
        "this call is recorded",
        4.0,
    )
    assert (missing.title, missing.outcome, missing.start) == ("Disclosure: Cooling off right", "omitted", None)


@pytest.mark.parametrize(("read_", "outcome"), [(True, "met"), (False, "omitted"), (None, "not_assessed")])
def test_disclosures_without_names_are_one_finding(read_, outcome) -> None:
    check = {"read": read_, "matched_disclosures": [], "missing_disclosures": []}
    assert only("mandatory_disclosures", check).outcome == outcome


@pytest.mark.parametrize(("key", "flag"), [("prohibited_phrases", "used"), ("sensitive_data", "shared")])
class TestInstances:
    def test_none_is_met(self, key, flag) -> None:
        assert only(key, {flag: False, "instances": []}).outcome == "met"

    def test_each_instance_is_a_violation_whatever_its_shape(self, key, flag) -> None:
        instances = ["calm down", {"phrase": "shut up", "timestamp": 3.6}, {"x": 1}, 7, None]
        found = read(key, {flag: True, "instances": instances})
        assert [f.outcome for f in found] == ["violated"] * 5
        assert [f.quote for f in found] == ["calm down", "shut up", "", "", ""]
        assert found[1].start == 3.6

    def test_used_without_instances_is_one_violation(self, key, flag) -> None:
        assert only(key, {flag: True}).outcome == "violated"

    def test_unsaid_is_not_assessed(self, key, flag) -> None:
        assert only(key, {}).outcome == "not_assessed"


@pytest.mark.parametrize("key", ["identity_verification", "mandatory_disclosures", "sensitive_data"])
def test_what_our_engine_could_not_assess_accuses_nobody(key) -> None:
    check = {"verified": False, "read": False, "shared": False, "assessed": False, "reason": "Not in English."}
    found = only(key, check)
    assert (found.outcome, found.explanation) == ("not_assessed", "Not in English.")


def test_what_our_engine_could_not_assess_beside_the_documented_checks_is_not_met() -> None:
    greeting = {"given": None, "flagged": False, "assessed": False, "reason": "Nothing was said."}
    (found,) = findings({"quality": {"greeting": greeting}}, LINES)
    assert (found.outcome, found.explanation) == ("not_assessed", "Nothing was said.")


def test_a_prohibited_phrase_is_explained_by_its_rule_s_title() -> None:
    found = only("prohibited_phrases", {"used": True, "instances": [{"phrase": "calm down", "title": "Lectures"}]})
    assert (found.quote, found.explanation) == ("calm down", "Lectures")


def test_words_at_a_given_second_are_quoted_and_marked_as_found_by_us() -> None:
    found = only("identity_verification", {"verified": True, "timestamp": 1.0, "flagged": False})
    assert (found.quote, found.quote_origin, found.speaker, found.end) == (
        "My name is Rachel.",
        "found",
        "agent",
        3.0,
    )


def test_words_that_are_given_stay_given() -> None:
    check = {"verified": True, "timestamp": 1.0, "flagged": False, "quote": "I am Rachel", "speaker": "A"}
    found = only("identity_verification", check)
    assert (found.quote, found.quote_origin, found.speaker) == ("I am Rachel", "given", "agent")


@pytest.mark.parametrize("seconds", [-1, 99.0, True, "1", float("nan")])
def test_a_second_that_is_nowhere_in_the_call_quotes_nothing(seconds) -> None:
    found = only("identity_verification", {"verified": True, "timestamp": seconds, "flagged": False})
    assert found.quote == ""


def test_an_omission_quotes_nothing() -> None:
    found = only("identity_verification", {"verified": False, "timestamp": 1.0, "flagged": True})
    assert found.quote == ""


def test_flagged_objects_that_nobody_documented_are_findings_too() -> None:
    results = {
        "compliance": {"mini_miranda": {"flagged": True, "reason": "Not said."}},
        "quality": {
            "greeting": {"flagged": False, "timestamp": 0.6},
            "empathy": {"count": 2},
            "closing": {"given": False, "flagged": True},
        },
        "summary": "A call.",
    }
    assert [(f.check_id, f.outcome, f.explanation) for f in findings(results, LINES)] == [
        ("compliance.mini_miranda", "violated", "Not said."),
        ("quality.greeting", "met", ""),
        ("quality.closing", "omitted", "Nothing like it was heard."),
    ]


@pytest.mark.parametrize("results", [None, {}, [], "x", {"compliance": None}, {"compliance": {"sensitive_data": 1}}])
def test_nothing_to_read_gives_nothing(results) -> None:
    assert findings(results, LINES) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=12,
)
leaves = st.dictionaries(
    st.sampled_from(
        [
            "verified",
            "flagged",
            "timestamp",
            "read",
            "matched_disclosures",
            "missing_disclosures",
            "disclosed",
            "used",
            "instances",
            "shared",
            "evidence",
            "interaction_number",
            "quote",
            "speaker",
            "end",
            "confidence",
        ]
    ),
    json_values,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "identity_verification",
                "mandatory_disclosures",
                "purpose_declaration",
                "prohibited_phrases",
                "sensitive_data",
                "x",
            ]
        ),
        leaves | json_values,
    )
)
def test_no_result_whatever_its_types_breaks_the_reading(compliance) -> None:
    for found in findings({"compliance": compliance, "quality": compliance}, LINES):
        assert found.outcome in {"met", "violated", "omitted", "not_assessed"}
        assert len(found.check_id) <= 80
        assert len(found.title) <= 200
        json.dumps([found.start, found.end, found.confidence], allow_nan=False)
