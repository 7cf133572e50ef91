"""The time of the call in a file's name."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from callcov_portal.reading.filenames import called_at_in

ZONE = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2026-03-02_14-30-05.wav", (2026, 3, 2, 14, 30, 5)),
        ("20260302-143005_rachel.mp3", (2026, 3, 2, 14, 30, 5)),
        ("rachel 2026.03.02T14.30.wav", (2026, 3, 2, 14, 30, 0)),
        ("rec_2026-03-02 14h30.wav", (2026, 3, 2, 14, 30, 0)),
    ],
)
def test_a_date_with_a_time_is_read_in_the_portal_s_zone(name, expected) -> None:
    assert called_at_in(name, ZONE) == datetime(*expected, tzinfo=ZONE)


@pytest.mark.parametrize(
    "name", ["call.wav", "2026-03-02.wav", "20260230-101010.wav", "120260302-1430051.wav", "2026-13-02_14-30.wav", ""]
)
def test_anything_else_is_no_time(name) -> None:
    assert called_at_in(name, ZONE) is None
