"""Times and lengths in a cell: read in every usual form, refused where they could mean two."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.reading.moments import Unclear, moment_of, seconds_of

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 3, 2, 14, 30, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2026-03-02 14:30", ""),
        ("2026-03-02T14:30:00", ""),
        ("2026-03-02T13:30:00Z", ""),
        ("2026-03-02T08:30:00-05:00", ""),
        ("20260302T1430", ""),
        ("2026/03/02 14:30:00", ""),
        ("02.03.2026 14:30", ""),
        ("2.3.26, 14:30", ""),
        ("Mar 2, 2026 2:30 PM", ""),
        ("2 March 2026 14:30", ""),
        ("2-Mar-2026 02:30:00 p.m.", ""),
        ("1772458200", ""),
        ("1772458200000", ""),
        ("2026-03-02", "14:30"),
        ("2026-03-02 00:00:00", "2:30 pm"),
        ("2.3.2026", "14:30:00"),
    ],
)
def test_usual_forms_are_read_in_the_portals_zone_unless_they_name_another(text, clock):
    assert moment_of(text, clock, BERLIN, day_first=None) == AT


@pytest.mark.parametrize(("day_first", "month"), [(True, 3), (False, 2)])
def test_whether_the_day_comes_first_is_said_once_for_all(day_first, month):
    assert moment_of("2/3/2026 14:30", "", UTC, day_first=day_first).month == month


def test_what_could_be_two_days_is_refused_and_what_cannot_is_read():
    with pytest.raises(Unclear, match="could be two days"):
        moment_of("2/3/2026", "", UTC, day_first=None)
    assert moment_of("3/22/2026", "", UTC, day_first=None) == datetime(2026, 3, 22, tzinfo=UTC)
    assert moment_of("22/3/2026", "", UTC, day_first=False) == datetime(2026, 3, 22, tzinfo=UTC)
    assert moment_of("2/2/2026", "", UTC, day_first=None) == datetime(2026, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["yesterday", "31.02.2026", "2026-13-01", "46083.604", "2026-03-02 25:00", "1/2/123", "x"],
)
def test_what_is_no_time_says_what_to_write(text):
    with pytest.raises(Unclear, match=r"no (time|day|time of day).*Write it like"):
        moment_of(text, "", UTC, day_first=True)


@given(st.text(max_size=30), st.text(max_size=10), st.sampled_from([None, True, False]))
def test_any_text_is_a_time_or_refused(text, clock, day_first):
    with suppress(Unclear):
        assert moment_of(text, clock, BERLIN, day_first=day_first).tzinfo


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("125", 125), ("125.5", 125.5), ("12,5", 12.5), ("2:05", 125), ("1:02:05", 3725), ("00:02:05", 125)]
    + [(text, None) for text in ("", "0", "-3", "long", "9999999", "1e9", "nan")],
)
def test_a_length_is_seconds_or_not_known(text, seconds):
    assert seconds_of(text) == seconds
