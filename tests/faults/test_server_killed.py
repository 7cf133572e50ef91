"""The database server itself killed with SIGKILL in the middle of a batch, again and again."""

from functools import partial

import pytest

from tests.faults.chaos import raining
from tests.faults.servers import PostgresServer
from tests.faults.test_killed import ACCEPTED, DOUBLES, Stubborn, counted_in_postgres, upload_all
from tests.soak import many
from tests.whole.portal import wait_for

RECORDINGS = many(200, 20)
CRASHES = many(10, 2)
EVERY = many(5, 2)  # seconds

pytestmark = [pytest.mark.group, pytest.mark.faults, pytest.mark.postgres_server, pytest.mark.timeout(many(3600, 600))]


@pytest.fixture
def server():
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.end()


def test_a_killed_postgresql_server_loses_and_doubles_nothing(group, server) -> None:
    group.env |= {"CALLCOV_DATABASE_URL": server.url}
    group.start()
    person = Stubborn(group.address)
    with raining({"server killed": server.crash}, every=EVERY, most=CRASHES) as fallen:
        upload_all(person, RECORDINGS)
    assert fallen.total() == CRASHES, group.said()
    said = lambda: f"{person.states()} {group.said()}"
    wait_for(lambda: person.states() == {"completed": RECORDINGS}, many(1800, 300), said)
    count = partial(counted_in_postgres, server.url)
    assert (count(ACCEPTED), count(DOUBLES)) == (RECORDINGS, 0), said()
