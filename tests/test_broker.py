"""The file broker: messages appear whole or not at all, and each is taken once."""

import multiprocessing
import os
import time
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection, Queue

from callcov_portal import broker

EACH = 500


def connection(folder: Path) -> Connection:
    return Connection("filesystem://", transport_options=broker.transport_options("filesystem://", folder))


def produce(folder: Path, first: int) -> None:
    with connection(folder) as opened:
        producer = opened.Producer()
        for number in range(first, first + EACH):
            producer.publish({"number": number}, routing_key="work", serializer="json")


def consume(folder: Path, results: "multiprocessing.SimpleQueue[list[int]]", deadline: float) -> None:
    taken: list[int] = []
    with connection(folder) as opened:
        channel = opened.channel()
        queue = Queue("work")(channel)
        quiet_since = None
        while time.monotonic() < deadline:
            message = queue.get(no_ack=True)
            if message is not None:
                taken.append(message.payload["number"])
                quiet_since = None
            elif quiet_since is None:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > 1.5:
                break
    results.put(taken)


def test_two_producers_and_two_consumers_lose_and_double_nothing(tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    deadline = time.monotonic() + 60
    processes = [context.Process(target=produce, args=(tmp_path, start)) for start in (0, EACH)]
    processes += [context.Process(target=consume, args=(tmp_path, results, deadline)) for _ in range(2)]
    for process in processes:
        process.start()
    taken = results.get() + results.get()
    for process in processes:
        process.join(10)
        assert process.exitcode == 0
    assert sorted(taken) == list(range(2 * EACH))
    assert list(tmp_path.rglob("*.*")) == []


@pytest.fixture
def channel(tmp_path):
    with connection(tmp_path) as opened:
        yield opened.channel()


def test_a_message_that_is_still_being_written_is_not_taken(channel, tmp_path):
    (tmp_path / "taken" / "1_a.work.msg.part").write_text('{"half')
    with pytest.raises(Empty):
        channel._get("work")


def test_messages_of_a_queue_come_in_order_and_those_of_another_stay(channel):
    channel._put("work", {"number": 1})
    channel._put("homework", {"number": 9})
    channel._put("work", {"number": 2})
    assert [channel._get("work"), channel._get("work")] == [{"number": 1}, {"number": 2}]
    with pytest.raises(Empty):
        channel._get("work")
    assert channel._size("homework") == 1


def test_a_message_that_another_consumer_took_first_is_passed_over(channel, tmp_path, monkeypatch):
    channel._put("work", {"number": 1})
    channel._put("work", {"number": 2})
    names = sorted(os.listdir(tmp_path / "ready"))
    (tmp_path / "ready" / names[0]).unlink()
    monkeypatch.setattr("callcov_portal.broker.os.listdir", lambda _: names)
    assert channel._get("work") == {"number": 2}


def test_a_deleted_queue_is_an_empty_one(channel):
    channel._put("work", {"number": 1})
    channel._delete("work")
    assert channel._size("work") == 0


def test_a_queue_is_bound_to_the_exchange_of_its_name_without_a_file(channel, tmp_path):
    channel._queue_bind("work", "work", "", "work")
    assert [tuple(entry) for entry in channel.get_table("work")] == [("work", "", "work")]
    assert not (tmp_path / "control").exists()


def test_redis_keeps_a_message_hidden_longer_than_any_task_and_rabbitmq_needs_nothing(tmp_path):
    assert broker.transport_options("redis://localhost", tmp_path)["visibility_timeout"] >= 3600
    assert broker.transport_options("amqp://localhost", tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
