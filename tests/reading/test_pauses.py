"""Silences, holds and interruptions of a result."""

import pytest

from callcov_portal.reading.pauses import MOST, Pause, pauses

OURS = {
    "quality": {
        "silence": {"count": 1, "instances": [{"start": 20.0, "end": 26.5, "duration_seconds": 6.5}]},
        "hold": {"count": 1, "instances": [{"start": 30.0, "end": 60.0, "reason": "sound"}]},
        "interruptions": {
            "count": 1,
            "instances": [{"timestamp": 5.0, "end": 5.6, "speaker": "B", "overlap_seconds": 0.6}],
        },
    }
}


def test_they_come_in_order_of_time_and_an_interruption_says_whose_it_is() -> None:
    assert pauses(OURS) == [
        Pause("interruptions", 5.0, 5.6, "contact"),
        Pause("silence", 20.0, 26.5),
        Pause("hold", 30.0, 60.0),
    ]


@pytest.mark.parametrize(
    "instances",
    [None, "odd", {}, [None], ["x"], [{"start": "soon"}], [{"start": -1}], [{"start": float("nan")}], [{"end": 3.0}]],
)
def test_what_has_no_place_is_left_out(instances) -> None:
    assert pauses({"quality": {"silence": {"instances": instances}}}) == []


@pytest.mark.parametrize("results", [None, [], {}, {"quality": None}, {"quality": {"hold": []}}])
def test_results_of_another_shape_have_none(results) -> None:
    assert pauses(results) == []


def test_an_end_before_the_start_is_the_start_and_there_are_not_too_many() -> None:
    assert pauses({"quality": {"hold": {"instances": [{"start": 3.0, "end": 1.0}]}}}) == [Pause("hold", 3.0, 3.0)]
    many = [{"start": float(at), "end": at + 0.5} for at in range(MOST + 10)]
    assert len(pauses({"quality": {"silence": {"instances": many}}})) == MOST
