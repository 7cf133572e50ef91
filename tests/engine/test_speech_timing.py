"""Words are set where they were said, also long numbers and words beside a seam."""

import pytest

from callcov_portal.engine.speech.stretches import Heard, glued, tidy
from callcov_portal.engine.speech.timing import placed, stretched


def heard(*words):
    """Words from (text, start, end)."""
    return [Heard(text, start, end, 0.9) for text, start, end in words]


def times(words):
    return [(word.text.strip(), round(word.start, 2), round(word.end, 2)) for word in words]


def test_a_number_gets_the_time_that_its_digits_take():
    words = heard((" is", 1.0, 1.3), (" It's", 5.2, 5.4), (" 0113-496-0728", 5.4, 5.9))
    assert times(stretched(words)) == [("is", 1.0, 1.3), ("It's", 2.18, 2.38), ("0113-496-0728", 2.38, 5.9)]


def test_a_number_never_begins_before_what_was_said_before_it():
    words = heard((" is", 4.0, 4.8), (" It's", 5.2, 5.4), (" 0113-496-0728", 5.4, 5.9))
    assert times(stretched(words)) == [("is", 4.0, 4.8), ("It's", 4.8, 5.0), ("0113-496-0728", 5.0, 5.9)]


def test_numbers_of_plausible_length_and_words_stay():
    words = heard((" It's", 1, 1.2), (" 4111", 1.2, 2.4), (" unbelievable", 2.4, 2.5), (" 42", 2.5, 2.6))
    assert stretched(words) == words


def test_a_number_at_the_very_beginning_begins_with_the_sound():
    assert times(stretched(heard((" 4111111111111111", 0.5, 1.0)))) == [("4111111111111111", 0.0, 1.0)]


def test_words_are_set_back_into_their_stretches():
    spans = [(10.0, 12.0), (20.0, 23.0)]
    words = heard((" one", 0.0, 1.0), (" two", 1.2, 2.4), (" three", 1.9, 2.9), (" four", 4.0, 9.0))
    assert times(placed(words, spans)) == [
        ("one", 10.0, 11.0),
        ("two", 11.2, 12.0),
        ("three", 20.0, 20.9),
        ("four", 22.0, 23.0),
    ]


def test_pieces_are_glued_and_keep_the_space_before_them():
    assert [word.text for word in glued(heard((" 01", 0, 1), ("13", 1, 2), ("-496", 2, 3), (" and", 3, 4)), "en")] == [
        " 0113-496",
        " and",
    ]


@pytest.mark.parametrize(("gap", "moved"), [(0.1, True), (6.0, False)])
def test_only_a_word_that_adjoins_the_sentence_before_is_moved_over_a_pause(gap, moved):
    begin = 2.0 + gap
    words = tidy(heard((" Bye.", 1, 2), (" Hi,", begin, begin + 0.4), (" are", 20, 21), (" you", 21, 22)), "en")
    assert (words[1].end == 20) is moved


def test_a_number_that_begins_or_ends_a_stretch_lasts_as_long_as_somebody_speaks():
    words = [Heard(" 256.", 1.2, 1.7, 0.9), Heard(" Ta.", 2.0, 2.4, 0.9), Heard(" 4-1", 2.5, 3.0, 0.9)]
    told = placed(words, [(10.0, 11.7), (20.0, 22.0)])
    assert [(word.start, word.end) for word in told] == [(10.0, 11.7), (20.3, 20.7), (20.8, 22.0)]


def test_a_lone_digit_and_a_word_keep_their_times():
    words = [Heard(" 1", 0.5, 0.7, 0.9), Heard(" yes.", 1.0, 1.2, 0.9)]
    assert [(word.start, word.end) for word in placed(words, [(5.0, 7.0)])] == [(5.5, 5.7), (6.0, 6.2)]


def test_a_number_glued_over_a_pause_is_parted_where_nothing_else_was_heard():
    """What was said last, after the other one's question, would not be muted otherwise."""
    words = [Heard(" expiring", 0.0, 0.6, 0.9), Heard(" 0829256.", 0.6, 2.2, 0.8)]

    told = placed(words, [(100.0, 102.2), (105.6, 106.8)])

    assert [(word.text, word.start, word.end) for word in told] == [
        (" expiring", 100.0, 100.6),
        (" 0829", 100.6, 102.2),
        (" 256.", 105.6, 106.8),
    ]
    assert told[1].confidence == told[2].confidence == 0.8


@pytest.mark.parametrize("after", [(105.6, 105.8), (105.6, 130.0)], ids=["a cough", "a long murmur"])
def test_a_number_stays_whole_where_no_share_of_it_could_have_been_said(after):
    words = [Heard(" 0829256.", 0.6, 2.2, 0.8)]

    assert [word.text for word in placed(words, [(100.0, 102.2), after])] == [" 0829256."]


def test_a_word_is_never_parted():
    words = [Heard(" expiring.", 0.6, 2.2, 0.8)]

    assert [word.text for word in placed(words, [(100.0, 102.2), (105.6, 106.8)])] == [" expiring."]
