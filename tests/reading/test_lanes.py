"""Which channel is the agent's."""

import pytest

from callcov_portal.reading.lanes import agent_lane

LOUD, QUIET = bytes([200]), bytes([4])
LEFT_THEN_RIGHT = (LOUD * 50 + QUIET * 50, QUIET * 50 + LOUD * 50)  # two seconds in moments of 20 ms


@pytest.mark.parametrize(
    ("spoken", "lane"),
    [
        ([("agent", 0.0, 1.0), ("contact", 1.0, 2.0)], 0),
        ([("contact", 0.0, 1.0), ("agent", 1.0, 2.0)], 1),
        ([("agent", 1.2, 1.9)], 1),
        ([("contact", 1.2, 1.9), ("unknown", 0.0, 2.0)], 0),
        ([("agent", 0.0, 2.0), ("contact", 0.0, 2.0)], None),  # both at once say nothing
        ([("unknown", 0.0, 1.0)], None),
        ([("agent", 500.0, 600.0)], None),
        ([], None),
    ],
)
def test_it_is_the_one_that_is_loud_while_the_agent_speaks(spoken, lane) -> None:
    assert agent_lane(LEFT_THEN_RIGHT, 0.02, spoken) == lane


def test_where_both_channels_hold_the_same_nobody_can_tell() -> None:
    assert agent_lane((LOUD * 100, LOUD * 100), 0.02, [("agent", 0.0, 1.0)]) is None
