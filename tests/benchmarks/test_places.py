"""Planted events and what was found of them."""

import pytest

from benchmarks.engine.places import Tally, tallies
from benchmarks.engine.truth import Event


def event(kind, start=10.0, end=14.0, speaker="A"):
    return Event(kind, speaker, start, end, f"words of {kind}", "")


def finding(check, start, end=None, outcome="met", also=()):
    where = {"start": start, "end": start + 1 if end is None and start is not None else end, "quote": "a quote"}
    return {"check": check, "outcome": outcome, **where, "also": list(also)}


def tally_of(kind, events, *, findings=(), overlaps=True, **quality):
    return tallies(events, {"findings": list(findings), "quality": quality}, overlaps=overlaps)[kind]


def counts(tally):
    return tally.planted, tally.found, tally.false


@pytest.mark.parametrize(("start", "end", "found"), [(8.0, 9.0, 1), (8.0, 8.9, 0), (15.0, 16.0, 1), (15.1, 16.0, 0)])
def test_a_finding_may_lie_a_second_beside_its_turn(start, end, found):
    got = tally_of("greeting", [event("greeting")], findings=[finding("quality.greeting", start, end)])
    assert counts(got) == (1, found, 1 - found)


def test_every_place_of_a_finding_counts_and_several_in_one_event_count_once():
    also = [{"start": 12.0, "end": 13.0, "quote": ""}, {"start": 40.0, "end": 41.0, "quote": "elsewhere"}]
    got = tally_of("complaint", [event("complaint")], findings=[finding("quality.complaint", 10.5, also=also)])
    assert counts(got) == (1, 1, 1)
    assert (got.recall, got.precision) == (1.0, 0.5)
    assert got.notes == ("false complaint at 40.0 s: elsewhere",)


def test_what_was_found_under_another_check_is_not_found():
    got = tally_of("greeting", [event("greeting")], findings=[finding("quality.closing", 11)])
    assert counts(got) == (1, 0, 0)
    assert got.notes == ("missed greeting at 10.0 s: words of greeting",)


@pytest.mark.parametrize("outcome", ["omitted", "not_assessed"])
def test_an_omission_is_no_place(outcome):
    findings = [finding("quality.closing", 11, outcome=outcome), finding("quality.closing", None, outcome="violated")]
    assert counts(tally_of("closing", [event("closing")], findings=findings)) == (1, 0, 0)


def test_a_violation_is_a_place_and_all_prohibited_phrases_are_one_kind():
    events = [event("prohibited_guarantee"), event("prohibited_blame", 50, 55)]
    findings = [
        finding("prohibited_phrases", 11, outcome="violated"),
        finding("prohibited_phrases", 51, outcome="violated"),
    ]
    assert counts(tally_of("prohibited", events, findings=findings)) == (2, 2, 0)


def test_the_offer_of_further_help_belongs_to_the_closing():
    events = [event("closing_offer", 100, 103), event("closing", 105, 109)]
    assert counts(tally_of("closing", events, findings=[finding("quality.closing", 106)])) == (2, 1, 0)


def test_an_event_without_any_results_is_missed():
    assert counts(tallies([event("greeting")], {}, overlaps=False)["greeting"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("start", "end", "found"), [(10, 30, 1), (20, 40, 1), (20.1, 40.1, 0), (10, 51, 0), (20, 25, 0)]
)
def test_a_hold_overlaps_by_half_of_both(start, end, found):
    got = tally_of("hold", [event("hold", 10, 30, "")], hold={"instances": [{"start": start, "end": end}]})
    assert counts(got) == (1, found, 1 - found)


@pytest.mark.parametrize(("at", "speaker", "found"), [(11.0, "A", 1), (9.0, "A", 1), (11.1, "A", 0), (10.0, "B", 0)])
def test_an_interruption_is_near_and_by_the_same_speaker(at, speaker, found):
    instance = {"timestamp": at, "speaker": speaker, "overlap_seconds": 0.5}
    got = tally_of("interruption", [event("interruption")], interruptions={"instances": [instance]})
    assert counts(got) == (1, found, 1 - found)


def test_interruptions_are_not_asked_for_where_overlaps_cannot_be_heard():
    events, results = [event("interruption")], {"quality": {"interruptions": {"instances": None}}}
    assert "interruption" not in tallies(events, results, overlaps=False)
    assert counts(tallies(events, results, overlaps=True)["interruption"]) == (1, 0, 0)


def test_words_of_tone_are_counted_where_there_are_any():
    tone = {"instances": [{"timestamp": 11.0, "end": 12.0, "speaker": "A", "tone": "negative"}]}
    assert counts(tally_of("negative", [event("negative")], tone=tone)) == (1, 1, 0)
    assert counts(tally_of("positive", [event("positive")], tone=tone)) == (1, 0, 0)
    assert "negative" not in tallies([event("negative")], {}, overlaps=True)


def test_nothing_planted_has_no_recall_and_nothing_found_no_precision():
    assert (Tally(0, 0, 2).recall, Tally(0, 0, 2).precision) == (None, 0.0)
    assert Tally(3, 0, 0).precision is None
    assert Tally(1, 1, 0, ("a",)) + Tally(2, 1, 1, ("b",)) == Tally(3, 2, 1, ("a", "b"))
