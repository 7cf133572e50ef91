"""When to try again: leases, back-off and graces, in one place."""

import random
from datetime import datetime, timedelta

from django.conf import settings

LEASE = timedelta(seconds=30)  # how long a claimed row stays with a worker that says nothing
RENEW_EVERY = 8.0  # seconds between renewals, well below the lease
FIRST_LOOK = timedelta(seconds=30)
FIRST_LOOK_BESIDE_WEBHOOKS = timedelta(minutes=3)
LONGEST_LOOK = timedelta(minutes=5)
LONGEST_WAIT = timedelta(minutes=10)
MOST_TRIES = 12  # unexpected errors before a person is asked
MOST_WAITS = 6  # where back-off stops growing while the API is away: nobody is to blame, nothing is given up
MOST_LINK_TRIES = 8  # about eight minutes
MOST_SINGLE_LOOKS = 5  # worked on at once; above, one list request stands for asking about each
MOST_SUBMISSIONS = 5  # POSTs that were proven not to have arrived
MOST_LOOKS = 8  # times the API's list may leave us unsure


def grace() -> timedelta:
    """Return how long two looks that find nothing must lie apart before it counts as proof."""
    return timedelta(seconds=15 if settings.CALLCOV_EMBEDDED else 60)


def back_off(attempts: int, longest: timedelta = LONGEST_WAIT) -> timedelta:
    """Return the wait after the n-th try in vain: 2 s doubled each time, capped, ±20 % so that rows spread."""
    wait = min(longest.total_seconds(), 2.0 * 2 ** min(attempts, 12))
    return timedelta(seconds=wait * random.uniform(0.8, 1.2))  # noqa: S311


def before_sending_again(submissions: int) -> timedelta:
    """Return the wait before what was proven absent is sent again: none at first, then 1, 4 and 10 minutes.

    So that a quarter of an hour in which the API takes nothing does not use up the submissions of a whole batch.
    """
    return back_off(1 + 2 * submissions) if submissions > 1 else timedelta()


def next_look(accepted_at: datetime | None, now: datetime, *, webhooks_come: bool = False) -> datetime:
    """Return when to ask for news again: after 30 s, each wait 1.6 times the last (with jitter), at most 5 min.

    While webhooks come as they should, for the first time after 3 minutes.

    Derived from how long we wait already, so that no counter is needed: waits that grow 1.6-fold are 0.6
    of the time since the start.
    """
    waited = (now - accepted_at) if accepted_at else timedelta()
    first = FIRST_LOOK_BESIDE_WEBHOOKS if webhooks_come else FIRST_LOOK
    wait = min(max(first, waited * 0.6), LONGEST_LOOK)
    return now + wait * random.uniform(0.8, 1.2)  # noqa: S311


def give_up_after() -> timedelta:
    """Return how long an analysis may go without an end before it counts as expired."""
    return timedelta(hours=settings.CALLCOV_ANALYSIS_TIMEOUT)
