"""Sensitive values and the words that are masked."""

import pytest

from benchmarks.engine.masking import Hiding, Word, covered, hidings, needless, value_span, words_heard
from benchmarks.engine.truth import Event

CARD = Event("pii_card", "B", 10, 20, "Okay it's four one one one, one one, thanks a lot", "four one one one, one one")


def heard(*words, start=10.0, speaker="B"):
    """One word a second."""
    return [Word(text, start + at, start + at + 0.9, speaker) for at, text in enumerate(words)]


def span(start, end, kind="card_number", speaker="B"):
    return {"type": kind, "timestamp": start, "end": end, "speaker": speaker}


def hid(event, words, *spans):
    found = hidings([event], words, spans)[event.type]
    return found.masked, found.exact


WORDS = heard("Okay,", "it's", "4-1", "1", "1", "1-1,", "thanks", "a", "lot.")


def test_a_word_before_the_value_that_was_heard_as_another_is_no_part_of_it():
    event = Event("pii_phone", "B", 12.0, 16.0, "My cell's five five five.", "five five five")
    spoken = [Word("Myself", 12.0, 12.5, "B"), Word("555.", 12.6, 15.9, "B")]
    assert value_span(event, spoken) == (12.6, 15.9)


def test_a_value_lies_between_the_words_around_it_however_its_digits_came_out():
    assert value_span(CARD, WORDS) == (12.0, 15.9)
    longer = heard("Okay,", "it's", "4-1", "1", "1", "1-1-1-1-1,", "thanks", "a")
    assert value_span(CARD, longer) == (12.0, 15.9)


def test_the_other_speakers_words_do_not_move_a_value():
    assert value_span(CARD, [*heard("mhm", start=12.2, speaker="A"), *WORDS]) == (12.0, 15.9)


def test_words_given_to_the_wrong_speaker_still_tell_where_the_value_is():
    assert value_span(CARD, [Word(w.text, w.start, w.end, "A") for w in WORDS]) == (12.0, 15.9)


def test_a_value_that_was_not_recognised_lies_at_its_share_of_the_turn():
    begin, end = value_span(CARD, [])
    assert begin == pytest.approx(10 + 3 * 10 / 12)
    assert end == pytest.approx(10 + 9 * 10 / 12)


@pytest.mark.parametrize(
    ("spans", "outcome"),
    [
        ([span(12, 15.9)], (1, 1)),
        ([span(12, 15.6)], (1, 1)),
        ([span(12, 15.4)], (0, 0)),
        ([span(12, 14, "phone_number"), span(13.9, 16, "cvv")], (1, 0)),
        ([span(12, 13), span(14, 15.9)], (0, 0)),
        ([span(30, 40)], (0, 0)),
        ([], (0, 0)),
    ],
)
def test_nine_tenths_of_a_value_must_be_masked_as_whatever_kind(spans, outcome):
    assert hid(CARD, WORDS, *spans) == outcome


def test_where_the_truth_names_no_value_a_span_in_the_turn_will_do():
    event = Event("pii_cvv", "B", 10, 20, "The code is seven three two", "")
    assert hid(event, [], span(19, 22, "cvv")) == (1, 1)
    assert hid(event, [], span(19, 22, "card_number")) == (1, 0)
    assert hid(event, [], span(20, 22, "cvv")) == (0, 0)


def test_what_was_not_masked_is_named_and_other_events_are_left_alone():
    found = hidings([CARD, Event("greeting", "A", 0, 1, "Hello", "")], WORDS, [])
    assert list(found) == ["pii_card"]
    assert found["pii_card"].notes == (f"not masked pii_card at 10.0 s: {CARD.text}",)
    assert found["pii_card"] + Hiding(1, 1, 1) == Hiding(2, 1, 1, found["pii_card"].notes)
    assert (Hiding(4, 3).recall, Hiding().recall) == (0.75, None)


def test_overlapping_spans_cover_a_stretch_once():
    assert covered((0, 10), [span(0, 4), span(2, 5), span(3, 4), span(9, 20)]) == pytest.approx(0.6)
    assert covered((5, 5), []) == 1.0


def test_words_masked_outside_sensitive_turns_are_needless():
    words = [*WORDS, *heard("that", "is", "all", start=30), *heard("yes", "it", start=31, speaker="A")]
    assert needless([CARD], words, [span(12, 15.9), span(30, 31.95)]) == (2, 5)
    assert needless([], WORDS, []) == (0, 9)


def test_words_of_a_transcript_come_in_order_of_time():
    second = {"speaker": "B", "words": [{"text": "no", "start": 1.0, "end": 1.2}]}
    first = {"speaker": "A", "words": [{"text": "yes", "start": 0.5, "end": 0.9}, {"text": "so", "start": 2, "end": 3}]}
    assert [(word.text, word.speaker) for word in words_heard({"segments": [first, second]})] == [
        ("yes", "A"),
        ("no", "B"),
        ("so", "A"),
    ]
