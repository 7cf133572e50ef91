"""Findings with evidence, as our engine lists them: read exactly, whatever shape they come in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.reading.alignment import Line
from callcov_portal.reading.findings import findings
from callcov_portal.reading.ruled import Found, ruled, rules_hash

FULL: dict[str, Any] = {
    "check": "quality.closing",
    "rule": "closes",
    "version": "0123456789ab",
    "title": "The agent closes the call",
    "kind": "required",
    "severity": "high",
    "outcome": "omitted",
    "quote": None,
    "speaker": None,
    "start": None,
    "end": None,
    "confidence": None,
    "explanation": "Nothing like it was heard.",
    "also": [],
    "searched": {
        "start": 90.0,
        "end": 150.0,
        "nearest": {"quote": "bye", "speaker": "A", "start": 148.0, "end": 148.4, "phrase": "goodbye", "likeness": 0.6},
    },
}
PLACE: dict[str, Any] = {"quote": "cancel my contract", "speaker": "B", "start": 3.0, "end": 4.5, "confidence": 0.9}
HEARD = {
    **FULL,
    **PLACE,
    "check": "quality.churn",
    "kind": "signal",
    "outcome": "met",
    "also": [PLACE],
    "searched": None,
}
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(FULL)), inner),
    max_leaves=9,
)


def only(item: object) -> Found:
    (found,) = ruled({"findings": [item]})
    return found


def test_an_omission_brings_the_window_that_was_searched_and_the_nearest_miss() -> None:
    assert only(FULL) == Found(
        check_id="quality.closing",
        title="The agent closes the call",
        outcome="omitted",
        explanation="Nothing like it was heard.",
        rule="closes",
        version="0123456789ab",
        severity="high",
        searched={
            "start": 90.0,
            "end": 150.0,
            "nearest": {
                "quote": "bye",
                "speaker": "agent",
                "start": 148.0,
                "end": 148.4,
                "phrase": "goodbye",
                "likeness": 0.6,
            },
        },
    )


def test_a_signal_that_was_met_was_heard_with_every_place() -> None:
    found = only(HEARD)
    assert (found.outcome, found.quote, found.speaker) == ("heard", "cancel my contract", "contact")
    assert (found.start, found.end, found.confidence) == (3.0, 4.5, 0.9)
    assert found.also == [{**PLACE, "speaker": "contact"}]


@pytest.mark.parametrize(
    ("broken", "field", "read"),
    [
        ({"outcome": "splendid"}, "outcome", "not_assessed"),
        ({"outcome": ["met"]}, "outcome", "not_assessed"),
        ({"severity": "deadly"}, "severity", ""),
        ({"severity": {}}, "severity", ""),
        ({"title": 7}, "title", "Quality closing"),
        ({"quote": ["x"]}, "quote", ""),
        ({"start": -1}, "start", None),
        ({"start": True}, "start", None),
        ({"start": 5.0, "end": 4.0}, "end", None),
        ({"start": 5.0, "end": float("nan")}, "end", None),
        ({"also": "x"}, "also", None),
        ({"also": [{"quote": "no second"}, 7]}, "also", None),
        ({"searched": [1, 2]}, "searched", None),
        ({"searched": {"start": 1}}, "searched", None),
        ({"searched": {"start": 1, "end": 2, "nearest": 3}}, "searched", {"start": 1.0, "end": 2.0, "nearest": None}),
        ({"speaker": "Z"}, "speaker", ""),
        ({"version": "x" * 99}, "version", "x" * 12),
    ],
)
def test_what_is_malformed_is_left_out_and_the_rest_is_kept(broken, field, read) -> None:
    found = only({**FULL, **broken})
    assert getattr(found, field) == read
    assert found.check_id == "quality.closing"


@pytest.mark.parametrize("item", [None, 7, "x", [], {}, {"check": ""}, {"check": 7}])
def test_what_names_no_check_is_no_finding(item) -> None:
    assert ruled({"findings": [item, FULL]}) == [only(FULL)]


@given(ANYTHING)
def test_no_shape_is_too_odd(anything) -> None:
    for results in (anything, {"findings": anything}, {"findings": [anything, {**FULL, "searched": anything}]}):
        for found in findings(results, [], ruled(results)):
            assert found.outcome in {"met", "violated", "omitted", "not_assessed", "heard"}
        assert isinstance(rules_hash({"rules": results}), str)


def test_the_documented_results_only_fill_in_what_the_findings_do_not_cover() -> None:
    results = {
        "compliance": {
            "identity_verification": {"verified": True, "timestamp": 1.0, "flagged": False},
            "mandatory_disclosures": {"read": False, "missing_disclosures": ["call_recording_notice", "cooling_off"]},
            "sensitive_data": {"shared": False, "instances": []},
        },
        "quality": {"closing": {"flagged": True, "timestamp": 1.0}, "greeting": {"flagged": False}},
    }
    given = ruled(
        {
            "findings": [
                FULL,
                {**FULL, "check": "identity_verification", "outcome": "met"},
                {**FULL, "check": "disclosure.call_recording_notice"},
            ]
        }
    )
    found = findings(results, [Line("agent", "Hello.", 0.0, 1.0)], given)
    assert [(each.check_id, each.rule) for each in found] == [
        ("quality.closing", "closes"),
        ("identity_verification", "closes"),
        ("disclosure.call_recording_notice", "closes"),
        ("disclosure.cooling_off", ""),
        ("sensitive_data", ""),
        ("quality.greeting", ""),
    ]


def test_disclosures_without_names_are_covered_by_named_ones() -> None:
    results = {"compliance": {"mandatory_disclosures": {"read": True}}}
    assert len(findings(results, [])) == 1
    assert len(findings(results, [], ruled({"findings": [{**FULL, "check": "disclosure.notice"}]}))) == 1
