"""The same group on PostgreSQL with a real broker, and a worker killed in the middle."""

import os
import signal
import uuid

import psycopg
import pytest
import redis
from kombu import Connection

from tests.sounds import wav
from tests.whole.portal import Person, wait_for

pytestmark = [pytest.mark.group, pytest.mark.postgres, pytest.mark.timeout(240)]
SERVER = "postgres://postgres@127.0.0.1:5432"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"
REDIS = "redis://127.0.0.1:6379/9"


@pytest.fixture
def database():
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


@pytest.mark.redis
def test_on_postgresql_with_redis_a_killed_worker_loses_nothing(new_group, database, empty_redis) -> None:
    batch_survives(new_group(CALLCOV_DATABASE_URL=database, CALLCOV_BROKER_URL=empty_redis), database)


@pytest.mark.rabbitmq
def test_on_postgresql_with_rabbitmq_a_killed_worker_loses_nothing(new_group, database, empty_rabbitmq) -> None:
    batch_survives(new_group(CALLCOV_DATABASE_URL=database, CALLCOV_BROKER_URL=empty_rabbitmq), database)


def batch_survives(group, database: str) -> None:
    group.env["CALLCOV_SCRIPTED_SECONDS"] = "0.3"
    group.start()
    person = Person(f"http://127.0.0.1:{group.port}")
    for number in range(6):
        assert person.upload(f"call-{number}.wav", wav(0.3, seed=number))["outcome"] == "stored"
    wait_for(lambda: person.states()["completed"] >= 1, 60, group.said)
    for pid, command in group.processes().items():
        if "--hostname worker@" in command:
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: person.states() == {"completed": 6}, 120, lambda: f"{person.states()} {group.said()}")
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM engine_job").fetchone() == (6,)
