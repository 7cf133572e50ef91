"""How times, sizes, states and counts are written."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils.html import escape

from callcov_portal.models import Analysis, Outcome, State
from callcov_portal.templatetags import portal


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0, "0:00"), (59.9, "0:59"), (65, "1:05"), (3599, "59:59"), (3600, "1:00:00"), (-1, "0:00")],
)
def test_seconds_are_minutes_and_seconds(seconds, words):
    assert portal.clock(seconds) == words


def test_a_moment_is_local_with_the_exact_time_on_hover(settings):
    settings.TIME_ZONE = "Europe/Warsaw"
    moment = datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC)
    with time_machine.travel("2026-06-01T00:00:00Z", tick=False):
        words = str(portal.when(moment))
    assert ">2 Mar, 13:00<" in words
    assert 'datetime="2026-03-02T13:00:07+01:00"' in words
    assert "Monday, 2 March 2026, 13:00:07 CET" in words
    with time_machine.travel("2027-06-01T00:00:00Z", tick=False):
        assert ">2 Mar 2026, 13:00<" in str(portal.when(moment))
    assert portal.when(None) == ""


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, ""),
        (0, "1 kB"),
        (283_000, "283 kB"),
        (283_001, "284 kB"),
        (5_000_000, "5.0 MB"),
        (7_125_000_000, "7.12 GB"),
    ],
)
def test_sizes_are_of_a_thousand(size, words):
    assert portal.in_bytes(size) == words


@pytest.mark.parametrize(("fraction", "whole"), [(None, 0), (0.426, 43), (1.5, 100), (-1, 0)])
def test_fractions_are_whole_per_cents(fraction, whole):
    assert portal.percent(fraction) == whole


@pytest.mark.parametrize(("span", "whole"), [(timedelta(seconds=61), 2), (timedelta(minutes=15), 15)])
def test_minutes_are_rounded_up(span, whole):
    assert portal.minutes(span) == whole


@pytest.mark.parametrize("state", State)
def test_a_state_is_a_glyph_and_a_word(state):
    analysis = Analysis(state=state, failure="refused" if state == State.FAILED else "", stage_fraction=0.25)
    words = str(portal.chip(analysis))
    assert state.label in words
    assert 'aria-hidden="true"' in words
    assert ("25 %" in words) == (state == State.PROCESSING)
    assert (escape("The API refused it") in words) == (state == State.FAILED)


def test_the_share_that_is_done_is_said_of_the_stage_it_belongs_to():
    analysis = Analysis(state=State.PROCESSING, stage="decoding", stage_fraction=1.0)
    assert "Decoding 100 %" in portal.chip(analysis)
    assert "Analysing" not in portal.chip(analysis)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_own_glyph(outcome):
    assert len({portal.outcome_glyph(one) for one in Outcome}) == len(Outcome)
    assert portal.outcome_glyph(outcome)


def test_a_number_for_machines_has_a_point():
    assert portal.unlocalized(1234.5) == "1234.50"
    assert portal.unlocalized("") == ""


def test_an_unknown_verdict_is_shown_as_it_is():
    assert portal.verdict_word("splendid") == "splendid"
