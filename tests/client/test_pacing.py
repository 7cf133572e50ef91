"""Waiting as the API says, but never longer than a quarter of an hour and never backwards."""

import pytest
from requests.structures import CaseInsensitiveDict

from callcov_portal.client.pacing import rate_limit, retry_after
from callcov_portal.client.types import RateLimit

NOW = 1_642_248_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("1.5", 1.5),
        ("1000000000", 900),
        ("9" * 3000, 900),
        ("Sat, 15 Jan 2022 12:00:30 GMT", 30),
        ("Sat, 15 Jan 2022 12:00:30 -0000", 30),
        ("Saturday, 15-Jan-22 12:00:30 GMT", 30),
        ("Sat, 15 Jan 2022 11:00:00 GMT", 0),
        ("Sat, 15 Jan 2122 12:00:00 GMT", 900),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("٧", None),
        ("9" * 5000, None),
        ("Sat, 99 Jan 2022 12:00:00 GMT", None),
        ("Sat, 15 Jan 99999 12:00:00 GMT", None),
        ("\x00", None),
    ],
)
def test_retry_after_in_every_form(text, seconds):
    assert retry_after({"Retry-After": text}, NOW) == seconds


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        (str(int(NOW) + 40), 40),
        (str(int(NOW) - 40), 0),
        ("99999999999", 900),
        ("1e99", None),
        ("x", None),
        ("9" * 13, None),
        (None, None),
    ],
)
def test_without_retry_after_the_reset_counts(reset, seconds):
    assert retry_after({"Retry-After": "garbage", "X-RateLimit-Reset": reset}, NOW) == seconds


def test_the_clock_is_used_when_no_time_is_given(monkeypatch):
    monkeypatch.setattr("time.time", lambda: NOW)
    assert retry_after({"X-RateLimit-Reset": str(NOW + 3)}) == 3


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        (
            {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "95", "X-RateLimit-Reset": "1642248060"},
            RateLimit(100, 95, 1642248060.0),
        ),
        ({"x-ratelimit-remaining": "0"}, RateLimit(None, 0, None)),
        ({"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "nan"}, None),
        ({}, None),
    ],
)
def test_the_rate_headers_are_read_as_far_as_they_can_be(headers, rate):
    assert rate_limit(CaseInsensitiveDict(headers)) == rate
