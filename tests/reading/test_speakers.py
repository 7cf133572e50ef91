"""Who is who."""

import pytest

from callcov_portal.reading.speakers import who_is_who


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["A", "B"], {"A": "agent", "B": "contact"}),
        (["B", "A"], {"B": "contact", "A": "agent"}),
        (["Agent", "Customer"], {"Agent": "agent", "Customer": "contact"}),
        (["Customer", "Agent"], {"Customer": "contact", "Agent": "agent"}),
        (["speaker_0", "speaker_1"], {"speaker_0": "agent", "speaker_1": "contact"}),
        (["x", "Agent"], {"x": "contact", "Agent": "agent"}),
        (["1", "2", "3"], {"1": "agent", "2": "contact", "3": "unknown"}),
        (["", "A"], {"": "unknown", "A": "agent"}),
        (["A", "A", "A"], {"A": "agent"}),
        ([], {}),
    ],
)
def test_labels_are_read_as_agent_and_contact(labels, expected) -> None:
    assert who_is_who(labels) == expected
