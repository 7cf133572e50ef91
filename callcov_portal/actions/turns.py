"""Whose turn it is to be sent: of all that wait, the most urgent, at the moment at which the limits have room for it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone

from callcov_portal.actions import advancing, fetching, pace
from callcov_portal.models import Analysis

LONGEST_STAND = timedelta(seconds=8)  # longer than from one sweep to the next, so that no room passes unused
STANDING = threading.BoundedSemaphore(1)  # in each process; the others of its threads have work to do
MOST_TRIES = 3

sleep = time.sleep


class Turn(NamedTuple):
    """An analysis that was claimed for a place in the limits."""

    analysis: Analysis
    place: pace.Place


def stand() -> Turn | None:
    """Wait for the next place in the limits, and claim for it what is most urgent then.

    None if nothing waits, if no place comes free soon, or while another thread of this process stands already.
    """
    with alone() as is_alone:
        if not is_alone or not waiting(for_a_copy=False):
            return None
        try:
            place = pace.take(pace.SUBMISSION, pace.REQUEST, within=LONGEST_STAND)
        except pace.TooSoon:
            return None
        sleep(max((place.at - timezone.now()).total_seconds(), 0.0))
        return chosen_for(place)


@contextmanager
def alone() -> Iterator[bool]:
    """Say whether nobody else of this process stands."""
    is_alone = STANDING.acquire(blocking=False)
    try:
        yield is_alone
    finally:
        if is_alone:
            STANDING.release()


def chosen_for(place: pace.Place) -> Turn | None:
    """Claim the most urgent for a place whose moment has come; if there is none, the place is given back."""
    for _ in range(MOST_TRIES):  # another worker may be quicker
        if pace.pauses_after(timezone.now(), pace.SUBMISSION):  # set while we stood
            break
        analysis = next_one(for_a_copy=False)
        if analysis is None:
            break
        if advancing.claimed(analysis):
            return Turn(analysis, place)
    pace.give_back(place)
    return None


def send(turn: Turn) -> None:
    """Send what was claimed. Never raises, as `advancing.advance`."""
    advancing.work_on(turn.analysis, turn.place)


def fetch() -> bool:
    """Fetch the copy of the most urgent link; False if none waits, or this process fetches as many as it may."""
    if fetching.is_busy():
        return False
    analysis = next_one(for_a_copy=True)
    return analysis is not None and advancing.advance(analysis.pk)


def next_one(*, for_a_copy: bool) -> Analysis | None:
    """Return what is most urgent."""
    rows = Analysis.objects.waiting(timezone.now(), for_a_copy=for_a_copy)
    return rows.select_related("recording__agent", "recording__contact").first()


def waiting(*, for_a_copy: bool) -> bool:
    """Say whether anything is due to be sent, or to be fetched first."""
    return Analysis.objects.waiting(timezone.now(), for_a_copy=for_a_copy).exists()
