"""Words and speakers compared."""

import pytest

from benchmarks.engine.words import Fit, fit, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Okay, it's four one one one.", "okay it is 4 1 1 1"),
        ("okay it is 4-1-11", "okay it is 4 1 1 1"),
        ("Only one.", "only 1"),
        ("oh seven seven zero zero, nine", "0 7 7 0 0 9"),
        ("07700 9", "0 7 7 0 0 9"),
        ("It costs £218.40", "it costs £ 2 1 8 4 0"),
        ("one hundred percent", "1 0 0 %"),
        ("fourteenth of March nineteen eighty two", "1 4 th of march 1 9 8 2"),
        ("The colour, um, can't be grey!", "the color can not be gray"),
        ("", ""),
    ],
)
def test_words_are_compared_without_regard_to_how_they_are_written(text, words):
    assert words_of(text) == words.split()


def test_every_word_that_is_wrong_missing_or_added_is_an_error():
    found = fit([("A", "a good day to you")], [("A", "a bad day you all")])
    assert (found.errors, found.words) == (3, 5)
    assert found.error_rate == 0.6


def test_speakers_are_judged_on_the_words_that_were_recognised():
    truth = [("A", "hello there"), ("B", "good morning sir")]
    found = fit(truth, [("A", "hello there good"), ("B", "mourning sir")])
    assert (found.errors, found.placed, found.right) == (1, 4, 3)
    assert found.speakers == 0.75


def test_a_number_may_be_cut_into_segments():
    assert fit([("A", "twenty seven, please")], [("A", "twenty"), ("A", "seven please")]).errors == 0
    assert fit([("A", "27, please"), ("B", "no")], [("", "twenty"), ("", "seven please no")]).errors == 0


def test_counts_add_up_and_nothing_is_no_figure():
    assert Fit(1, 10, 9, 8) + Fit(2, 20, 18, 18) == Fit(3, 30, 27, 26)
    assert (Fit().error_rate, Fit().speakers) == (None, None)
    assert fit([], [("A", "hello")]).errors == 1
