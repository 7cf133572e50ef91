"""Workers, servers, broker and database killed or cut at random in the middle of a batch.

Every recording is analysed, the API has accepted as many submissions as there are recordings, and nothing is doubled.
"""

from collections.abc import Callable
from functools import partial

import psycopg
import pytest
import requests

from tests.faults.chaos import (
    Fault,
    cut_postgres,
    faults_of,
    lock_sqlite,
    raining,
    wipe_folder,
    wipe_rabbitmq,
    wipe_redis,
)
from tests.running import RealGroup
from tests.soak import many
from tests.sounds import wav
from tests.whole.portal import Person, wait_for

pytestmark = [pytest.mark.group, pytest.mark.faults, pytest.mark.timeout(many(7200, 900))]

RECORDINGS = many(1000, 40)
FAULTS = many(100, 12)
EVERY = many(4, 2)  # seconds
PATIENCE = many(3600, 600)  # seconds after the last fault

DOUBLES = (
    "SELECT count(*) FROM (SELECT recording_id FROM portal_analysis GROUP BY recording_id HAVING count(*) > 1) AS twice"
)
ACCEPTED = "SELECT count(*) FROM engine_job"


def upload_all(person: Person, number: int) -> None:
    """Upload so many recordings, each again until the portal has said what became of it."""
    for seed in range(number):
        content = wav(0.2, seed=seed)
        wait_for(lambda content=content, seed=seed: person.upload(f"call-{seed}.wav", content), 120)


class Stubborn(Person):
    """Tries again where a server was killed under it."""

    def upload(self, name: str, content: bytes, agent: str = "rachel", contact: str = "cust-1") -> dict[str, str]:
        try:
            fate = super().upload(name, content, agent, contact)
        except AssertionError as error:  # answered, but not with what became of it: the database was away
            raise requests.RequestException(str(error)) from error
        if "Try again" in fate["words"]:  # the reader of its file was killed along with the server
            raise requests.RequestException(fate["words"])
        assert fate["outcome"] in {"stored", "duplicate"}, fate
        return fate


def survives(group: RealGroup, database: Fault, broker: Fault, count: Callable[[str], int]) -> None:
    """Let faults rain on a batch while it is uploaded and analysed."""
    group.start()
    person = Stubborn(group.address)
    with raining(faults_of(group, database, broker), EVERY, FAULTS) as fallen:
        upload_all(person, RECORDINGS)
    said = lambda: f"{dict(fallen)} {person.states()} {group.said()}"
    assert fallen.total() == FAULTS, said()
    wait_for(lambda: person.states() == {"completed": RECORDINGS}, PATIENCE, said)
    assert count(ACCEPTED) == RECORDINGS, said()
    assert count(DOUBLES) == 0, said()
    assert "database is locked" not in group.said()


def counted_in_sqlite(group: RealGroup, sql: str) -> int:
    with group.rows() as rows:
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(rows.execute(sql).fetchone()[0])


def counted_in_postgres(address: str, sql: str) -> int:
    with psycopg.connect(address) as connection:
        row = connection.execute(sql).fetchone()
        return int(row[0]) if row else -1


def test_on_sqlite_with_messages_as_files(group) -> None:
    survives(
        group,
        partial(lock_sqlite, group.database),
        partial(wipe_folder, group.data / "bell"),
        partial(counted_in_sqlite, group),
    )


@pytest.mark.postgres
@pytest.mark.redis
def test_on_postgresql_with_redis(group, postgres, empty_redis) -> None:
    group.env |= {"CALLCOV_DATABASE_URL": postgres, "CALLCOV_BROKER_URL": empty_redis}
    survives(
        group, partial(cut_postgres, postgres), partial(wipe_redis, empty_redis), partial(counted_in_postgres, postgres)
    )


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_on_postgresql_with_rabbitmq(group, postgres, empty_rabbitmq) -> None:
    group.env |= {"CALLCOV_DATABASE_URL": postgres, "CALLCOV_BROKER_URL": empty_rabbitmq}
    survives(
        group,
        partial(cut_postgres, postgres),
        partial(wipe_rabbitmq, empty_rabbitmq),
        partial(counted_in_postgres, postgres),
    )
