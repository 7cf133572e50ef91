"""Silence, holds and interruptions, measured on the times of the words."""

from dataclasses import replace

import pytest

from callcov_portal.engine.checks import assess
from tests.engine.test_checks import call, quality


def test_a_hold_is_known_by_what_sounds_meanwhile():
    said = call(("A", 0, 4, "Let me look at that."), ("B", 30, 33, "Are you there?"), duration=40)
    sounding = replace(said, sounds=((4.2, 29.8),))

    found = assess(sounding)["quality"]["hold"]

    assert found["count"] == 1
    assert found["instances"] == [{"start": 4, "end": 30, "duration_seconds": 26, "reason": "sound"}]
    assert assess(said)["quality"]["hold"]["count"] == 0
    assert assess(said)["quality"]["silence"]["count"] == 2
    assert assess(sounding)["quality"]["silence"]["count"] == 1


@pytest.mark.parametrize(
    "turns",
    [
        [("A", 0, 4, "Please hold the line for a moment."), ("B", 20, 22, "Hello?")],
        [("A", 0, 4, "Let me have a look at your file."), ("A", 20, 22, "Thank you for holding.")],
    ],
)
def test_a_hold_is_known_by_its_announcement(turns):
    found = quality(*turns)["hold"]

    assert [each["reason"] for each in found["instances"]] == ["announced"]
    assert found["total_seconds"] == 16


def test_a_short_pause_after_an_announcement_is_no_hold():
    assert quality(("A", 0, 4, "Please hold the line."), ("A", 8, 10, "Here I am again."))["hold"]["count"] == 0


def test_a_short_noise_in_a_long_silence_makes_no_hold():
    said = call(("A", 0, 4, "Let me look at that."), ("B", 30, 33, "Are you there?"))
    assert assess(replace(said, sounds=((10.0, 13.0),)))["quality"]["hold"]["count"] == 0


def test_one_speakers_words_are_no_silence_of_the_others():
    found = quality(("A", 0, 30, "one " * 40), ("B", 2, 3, "yes"), duration=30)["silence"]
    assert found["count"] == 0


def test_silence_is_seen_inside_a_segment_too():
    said = call(("A", 0, 20, "so then"))
    segment = said.segments[0]
    words = (replace(segment.words[0], end=1.0), replace(segment.words[1], start=19.0))
    found = assess(replace(said, segments=(replace(segment, words=words),)))["quality"]["silence"]
    assert [(each["start"], each["end"]) for each in found["instances"]] == [(1, 19)]


@pytest.mark.parametrize("agreeing", ["Yes, yeah, okay, right.", "Mhm. Uh huh.", "Oh, great, thank you."])
def test_who_only_agrees_does_not_interrupt(agreeing):
    turns = (("A", 0, 6, "let me explain how this works for you"), ("B", 3, 5, agreeing))
    assert quality(*turns)["interruptions"]["count"] == 0


def test_an_interruption_of_an_earlier_segment_is_found():
    turns = (("A", 0, 9, "let me explain it all"), ("B", 2, 2.5, "mhm"), ("B", 7, 11, "no wait please listen"))
    found = quality(*turns)["interruptions"]["instances"]
    assert [(each["timestamp"], each["speaker"], each["overlap_seconds"]) for each in found] == [(7, "B", 2)]
