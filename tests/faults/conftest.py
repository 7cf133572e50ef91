"""Databases and brokers of one's own, and running groups over them."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from kombu import Connection

from tests.running import RealGroup, prepared

SERVER = "postgres://postgres@127.0.0.1:5432"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"
REDIS = "redis://127.0.0.1:6379/9"
NO_LIMITS = {
    "CALLCOV_API_SUBMISSIONS_PER_MINUTE": "100000",
    "CALLCOV_API_REQUESTS_PER_MINUTE": "100000",
    "CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE": "100000",
    "CALLCOV_ENGINE_REQUESTS_PER_MINUTE": "100000",
}


@pytest.fixture
def group(tmp_path) -> Iterator[RealGroup]:
    """A group with limits out of the way, not yet started, ended with the test."""
    with prepared(tmp_path / "data", NO_LIMITS) as real:
        yield real


@pytest.fixture
def postgres() -> Iterator[str]:
    """Return the address of a PostgreSQL database of our own."""
    name = f"callcov_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield f"{SERVER}/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def empty_redis() -> str:
    redis.Redis.from_url(REDIS).flushdb()
    return REDIS


@pytest.fixture
def empty_rabbitmq() -> str:
    with Connection(RABBITMQ) as connection:
        for queue in ("portal", "engine"):
            connection.default_channel.queue_delete(queue)  # type: ignore[attr-defined]
    return RABBITMQ


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, int], Path]]:
    """Return what makes a folder that holds so many megabytes and not one byte more; gone with the test."""
    with ExitStack() as mounted:

        def mount(place: Path, megabytes: int) -> Path:
            place.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "none", place], check=True)
            mounted.callback(lambda: subprocess.run(["umount", "--lazy", place], check=True))
            return place

        yield mount
