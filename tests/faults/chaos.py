"""Faults that befall a running group, one after the other, at random but the same for a seed."""

import contextlib
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import redis
from kombu import Connection

from tests.running import RealGroup

PARTS = {
    "worker": "--hostname worker@",
    "engine worker": "--hostname engine-worker",
    "web": "callcov_portal.wsgi:application",
    "engine": "callcov_portal.engine.wsgi:application",
}
LOCKED = 2.0  # seconds for which somebody else holds the database

Fault = Callable[[], object]


def kill(group: RealGroup, sign: str) -> None:
    """SIGKILL every process of one part."""
    for pid, command in group.processes().items():
        if sign in command:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def lock_sqlite(path: Path) -> None:
    """Hold the database as a long writer does."""
    with contextlib.closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(LOCKED)
        connection.execute("ROLLBACK")


def cut_postgres(address: str) -> None:
    """Cut every connection to the database but our own."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def wipe_folder(folder: Path) -> None:
    """Throw away every message of the broker that is a folder."""
    for path in folder.glob("**/*.msg"):
        path.unlink(missing_ok=True)


def wipe_redis(address: str) -> None:
    """Throw away every message, and cut every connection."""
    server = redis.Redis.from_url(address)
    server.flushdb()
    number = server.connection_pool.connection_kwargs["db"]
    for client in server.client_list():
        if client["db"] == str(number) and client["id"] != str(server.client_id()):
            with suppress(redis.ResponseError):
                server.client_kill_filter(_id=client["id"])


def wipe_rabbitmq(address: str) -> None:
    """Throw away every message, with the queues; workers that consume them are cut off."""
    with Connection(address) as connection:
        for queue in ("portal", "engine"):
            connection.default_channel.queue_delete(queue)  # type: ignore[attr-defined]


def faults_of(group: RealGroup, database: Fault, broker: Fault) -> dict[str, Fault]:
    """Return every fault by its name."""
    kills = {f"{name} killed": lambda sign=sign: kill(group, sign) for name, sign in PARTS.items()}
    return {**kills, "database cut": database, "broker wiped": broker}


@contextmanager
def raining(faults: dict[str, Fault], every: float, most: int, seed: int = 1) -> Iterator[Counter[str]]:
    """Let `most` faults fall in the background, one each `every` seconds on average; give what has fallen.

    At the end no more fall than have fallen; the one that is falling ends.
    """
    fallen: Counter[str] = Counter()
    over = threading.Event()
    dice = random.Random(seed)

    def rain() -> None:
        names = [name for _ in range(most // len(faults) + 1) for name in dice.sample(list(faults), len(faults))]
        for name in names[:most]:
            if over.wait(every * dice.uniform(0.5, 1.5)):
                return
            faults[name]()
            fallen[name] += 1

    thread = threading.Thread(target=rain, daemon=True)
    thread.start()
    try:
        yield fallen
        thread.join()
    finally:
        over.set()
        thread.join(30)
