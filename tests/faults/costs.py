"""What a webhook delivery costs, by this process's CPU, and the limits that each is held to."""

import gc
import random
from collections.abc import Iterator, Sequence
from statistics import median

import pytest
from django.test import Client

from callcov_portal.actions import tokens
from callcov_portal.models import Analysis
from tests.factories import ProcessingFactory
from tests.soak import tell

WORST = 0.020  # seconds of CPU
MEDIAN = 0.005


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What a test makes is not collected in the middle of what it measures."""
    gc.disable()
    yield
    gc.enable()


def warm_up(client: Client) -> None:
    """Let the first delivery of this process be over: it imports what all others need."""
    first = ProcessingFactory()
    client.post(f"/hooks/callcov/{tokens.make(first.pk, 1)}", b"{}", content_type="application/json")
    first.recording.delete()


def hold_to_limits(first: Sequence[float], second: Sequence[float]) -> None:
    """Hold each delivery to its limit: by the cheaper of two times that the same was delivered, in seconds of CPU.

    A host that gives our processor to another machine lets that count as CPU of ours: a loop of 0.9 ms of arithmetic took
    up to 15 ms here, without a switch to another process. It hardly meets the same delivery twice; what is dear by itself
    is so both times.
    """
    costs = [min(pair) for pair in zip(first, second, strict=True)]
    usual, worst = median(costs), max(costs)
    tell(f"CPU of {len(costs)} deliveries: median {usual * 1000:.2f} ms, worst {worst * 1000:.2f} ms")
    assert usual <= MEDIAN
    assert worst <= WORST


def forged(analysis: Analysis, token: str, dice: random.Random) -> str:
    """Return a token that is not ours, or not of this submission."""
    named, mac = token.rsplit(".", 1)
    flipped = mac[:-1] + ("0" if mac[-1] != "0" else "1")
    return dice.choice((f"{named}.{flipped}", f"{analysis.pk}.7.{mac}", f"{named}.{'0' * 64}", "nobody", named))
