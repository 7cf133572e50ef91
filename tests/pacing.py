"""A day of many workers in a few seconds: real threads and rows, a clock that jumps, and an API that counts by its own."""

import heapq
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count, islice
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.client.errors import RateLimited, Unavailable
from callcov_portal.models import Analysis, Recording
from tests.factories import AgentFactory
from tests.fakes import FakeApi
from tests.sounds import wav

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
NUMBERS = count()


class Clock:
    """Time that stands still while a thread works and jumps when all of them sleep; one works at a time."""

    def __init__(self, traveller: Any) -> None:
        self.traveller, self.now, self.numbers = traveller, 0.0, count()
        self.sleepers: list[tuple[float, int, threading.Event]] = []
        self.errors: list[BaseException] = []
        self.set(0.0)

    def set(self, seconds: float) -> None:
        self.now = seconds
        self.traveller.move_to(MONDAY + timedelta(seconds=seconds), tick=False)

    def sleep(self, seconds: float) -> None:
        """Let the others go on, until it is so much later."""
        awake = threading.Event()
        heapq.heappush(self.sleepers, (self.now + max(seconds, 0.0), next(self.numbers), awake))
        self.wake_next()
        awake.wait()

    def wake_next(self) -> None:
        if self.sleepers:
            when, _, awake = heapq.heappop(self.sleepers)
            self.set(max(when, self.now))
            awake.set()

    def run(self, *acts: Callable[[], None]) -> None:
        """Have each act done by a thread of its own until all of them have ended; raises what one of them raised."""

        def do(act: Callable[[], None], turn: threading.Event) -> None:
            turn.wait()
            try:
                act()
            except BaseException as error:
                self.errors.append(error)
            finally:
                connections.close_all()
                self.wake_next()

        threads = []
        for act in acts:
            turn = threading.Event()
            heapq.heappush(self.sleepers, (self.now, next(self.numbers), turn))
            threads.append(threading.Thread(target=do, args=(act, turn)))
            threads[-1].start()
        self.wake_next()
        for thread in threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


@dataclass
class CountingApi(FakeApi):
    """An API that lets so many through in any sixty seconds of its own clock, far away and with a slow line.

    `uploading` and `working`: from how many seconds to how many an upload and an analysis take.
    """

    clock: Any = None
    submissions: int = 20
    requests: int = 100
    uploading: tuple[float, float] = (0.1, 1.0)
    working: tuple[float, float] = (20.0, 90.0)
    arrived: dict[str, deque[float]] = field(default_factory=lambda: {"create": deque(), "any": deque()})
    accepted: list[tuple[float, str]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    ends: list[tuple[float, str]] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(5))

    def on_the_way(self) -> None:
        self.clock.sleep(self.chance.uniform(0.01, 0.3))

    def admit(self, kind: str) -> None:
        """Count what has arrived; one too many is refused. Nobody speaks to an API in a transaction (R16)."""
        assert not connection.in_atomic_block
        self.on_the_way()
        self.asked[kind] += 1
        limits = {"any": self.requests, **({"create": self.submissions} if kind == "create" else {})}
        for bucket in limits:
            while self.arrived[bucket] and self.arrived[bucket][0] <= self.clock.now - 60:
                self.arrived[bucket].popleft()
        if any(len(self.arrived[bucket]) >= limit for bucket, limit in limits.items()):
            self.refused.append(self.clock.now)
            self.on_the_way()
            raise RateLimited("Slow down.", status=429) if kind == "create" else Unavailable("Slow down.", status=429)
        for bucket in limits:
            self.arrived[bucket].append(self.clock.now)

    def create_from_file(self, **given: Any) -> Any:
        self.admit("create")
        self.clock.sleep(self.chance.uniform(*self.uploading))
        snapshot = super().create_from_file(**given)
        self.accepted.append((self.clock.now, given["idempotency_key"]))
        heapq.heappush(self.ends, (self.clock.now + self.chance.uniform(*self.working), snapshot.id))
        self.on_the_way()
        return snapshot

    def get(self, id: str) -> Any:  # noqa: A002
        self.admit("get")
        self.on_the_way()
        return super().get(id)

    def list(self, **filters: Any) -> Any:
        self.admit("list")
        self.on_the_way()
        return super().list(**filters)

    def end_what_is_over(self) -> Iterator[str]:
        """Complete what has been worked on long enough; yield the ids."""
        while self.ends and self.ends[0][0] <= self.clock.now:
            done = heapq.heappop(self.ends)[1]
            self.finish(done)
            yield done


@dataclass
class Workers:
    """Some workers with a broker between them and the beat, over a simulated stretch of time."""

    clock: Clock
    until: float
    threads: int = 4
    latency: float = 0.1
    bell: deque[tuple[float, Any, tuple[Any, ...]]] = field(default_factory=deque)
    rung: Counter[str] = field(default_factory=Counter)

    def send(self, task: Any, *arguments: Any) -> None:
        self.rung[task.name.rpartition(".")[2]] += 1
        self.bell.append((self.clock.now + self.latency, task, arguments))

    def work(self) -> None:
        while self.clock.now < self.until:
            if self.bell and self.bell[0][0] <= self.clock.now:
                _, task, arguments = self.bell.popleft()
                task(*arguments)
            else:
                self.clock.sleep(0.3)

    def beat(self) -> None:
        while self.clock.now < self.until:
            self.send(tasks.sweep)
            self.clock.sleep(5.0)

    def run(self, monkeypatch: Any, *others: Callable[[], None]) -> None:
        monkeypatch.setattr(tasks, "send", self.send)
        self.clock.run(*[self.work] * self.threads, self.beat, *others)


def queue_up(number: int, **fields: Any) -> list[Analysis]:
    """Write down so many analyses that wait, all of the same second of sound."""
    name = default_storage.save("2026/03/one.wav", File(BytesIO(wav())))
    agent, now = AgentFactory(), timezone.now()
    recordings = Recording.objects.bulk_create(
        Recording(
            agent=agent,
            called_at=now,
            file=name,
            sha256=f"f{n:063x}",
            format="wav",
            duration_seconds=1.0,
            state="queued",
        )
        for n in islice(NUMBERS, number)
    )
    analyses = Analysis.objects.bulk_create(
        Analysis(recording=recording, next_attempt_at=now, **fields) for recording in recordings
    )
    only = Analysis.objects.filter(recording=OuterRef("pk")).values("pk")
    Recording.objects.filter(pk__in=[recording.pk for recording in recordings]).update(current_analysis=Subquery(only))
    return analyses
