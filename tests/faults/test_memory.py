"""What a worker keeps in memory after thousands of analyses: nothing of them."""

import gc
import resource
import threading
from pathlib import Path

import pytest

from callcov_portal.actions import gateway, turns
from callcov_portal.models import Analysis, Recording, State
from tests.pacing import Clock, CountingApi, Workers, queue_up
from tests.soak import many, tell

pytestmark = [
    pytest.mark.faults,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(many(3600, 300)),
]

ROUND = many(100, 40)
ROUNDS = many(28, 2)  # after the first two, in which caches fill
MOST_GROWTH = many(1, 3)  # MB a round: of few rounds the allocator's steps are larger than what is looked for
PAGE = resource.getpagesize()


class ForgetfulApi(CountingApi):
    """Keeps nothing of what is over: it is our memory that is measured, and not that of the double."""

    def get(self, id: str):  # noqa: A002
        snapshot = super().get(id)
        if snapshot.status == "completed":
            del self.created[id]
        return snapshot

    def forget(self) -> None:
        for kept in (self.created, self.sent, self.accepted, self.calls, self.asked):
            kept.clear()


def test_a_worker_keeps_nothing_of_the_analyses_that_are_over(time_machine, monkeypatch, settings) -> None:
    settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE, settings.CALLCOV_API_REQUESTS_PER_MINUTE = 6_000, 60_000
    clock = Clock(time_machine)
    api = ForgetfulApi(clock=clock, submissions=6_000, requests=60_000, working=(1.0, 5.0))
    monkeypatch.setattr(turns, "sleep", clock.sleep)
    monkeypatch.setattr(turns, "STANDING", threading.BoundedSemaphore(1))
    monkeypatch.setattr(gateway, "api", lambda: api)
    measured = []
    for _ in range(ROUNDS + 2):
        analyse_a_round(clock, api, monkeypatch)
        gc.collect()
        measured.append(megabytes())
    growth = (measured[-1] - measured[1]) / ROUNDS
    tell(f"MB after each {ROUND} analyses: {' '.join(f'{one:.1f}' for one in measured)}")
    assert growth <= MOST_GROWTH, measured


def analyse_a_round(clock: Clock, api: ForgetfulApi, monkeypatch) -> None:
    """Have some analysed from first to last, then let their rows go."""
    queue_up(ROUND)
    until = clock.now + 90

    def finish() -> None:
        while clock.now < until:
            for _ in api.end_what_is_over():
                pass
            clock.sleep(1.0)

    Workers(clock, until=until).run(monkeypatch, finish)
    assert Analysis.objects.filter(state=State.COMPLETED).count() == ROUND
    Recording.objects.update(current_analysis=None)
    Recording.objects.all().delete()
    api.forget()


def megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1024**2
