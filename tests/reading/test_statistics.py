"""Intervals and ties: against published figures, and against counting by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.reading.statistics import Interval, Share, change, places, wilson


@pytest.mark.parametrize(
    ("met", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_the_published_examples(met, n, low, high):
    found = wilson(met, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((48, 80), (56, 70), 1),  # Newcombe 1998, 873-890, table II (a): 0.0524 to 0.3339
        ((56, 70), (48, 80), -1),
        ((5, 10), (9, 10), 0),  # (d) 9/10 - 3/10 lies apart; this does not
        ((3, 10), (9, 10), 1),
        ((0, 0), (9, 10), 0),
        ((10, 10), (10, 10), 0),
    ],
)
def test_a_change_is_told_only_where_it_cannot_be_chance(before, after, expected):
    assert change(Share(*before), Share(*after)) == expected


SHARES = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(SHARES)
def test_an_interval_lies_in_0_to_1_and_holds_the_share(drawn):
    met, n = drawn
    found = wilson(met, n)
    assert 0 <= found.low <= met / n <= found.high <= 1


@given(st.lists(SHARES, min_size=1, max_size=12))
def test_places_are_those_that_comparing_each_with_each_leaves_open(drawn):
    intervals = [wilson(*each) for each in drawn]
    for one, place in zip(intervals, places(intervals), strict=True):
        better = sum(other.low > one.high for other in intervals)
        worse = sum(other.high < one.low for other in intervals)
        assert (place.best, place.last) == (1 + better, len(intervals) - worse)


def test_who_overlaps_the_leader_is_tied_with_them():
    found = places([Interval(0.8, 0.9), Interval(0.7, 0.85), Interval(0.2, 0.4)])
    assert [(place.best, place.last, place.is_tied) for place in found] == [(1, 2, True), (1, 2, True), (3, 3, False)]
