"""Stretches of whole weeks."""

from datetime import date

import pytest

from callcov_portal.reading import weeks

WEDNESDAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("parameters", "first", "until"),
    [
        ({}, date(2026, 8, 31), date(2026, 11, 29)),
        ({"weeks": "4"}, date(2026, 11, 2), date(2026, 11, 29)),
        ({"weeks": "-1"}, date(2026, 8, 31), date(2026, 11, 29)),
        ({"weeks": "all"}, None, date(2026, 11, 29)),
        ({"week": "2026-03-04"}, date(2026, 3, 2), date(2026, 3, 8)),
        ({"week": "0001-01-01"}, date(2026, 8, 31), date(2026, 11, 29)),
        ({"week": "9999-12-31"}, date(2026, 8, 31), date(2026, 11, 29)),
        ({"week": "<b>"}, date(2026, 8, 31), date(2026, 11, 29)),
    ],
)
def test_the_url_names_whole_weeks_and_what_cannot_be_read_is_the_usual(parameters, first, until):
    period = weeks.read(parameters, WEDNESDAY)
    assert (period.first, period.until) == (first, until)


def test_the_period_before_is_as_long_and_ends_where_this_one_begins():
    period = weeks.last_weeks(4, WEDNESDAY)
    assert period.before is not None
    assert (period.before.first, period.before.until) == (date(2026, 10, 5), date(2026, 11, 1))
    assert weeks.read({"weeks": "all"}, WEDNESDAY).before is None


@pytest.mark.parametrize("parameters", [{"weeks": "26"}, {"weeks": "all"}, {"week": "2026-03-02"}])
def test_the_query_of_a_period_reads_back_as_the_same(parameters):
    period = weeks.read(parameters, WEDNESDAY)
    named, _, value = period.query.partition("=")
    assert weeks.read({named: value}, WEDNESDAY) == period
