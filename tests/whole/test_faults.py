"""Faults that a running portal meets: nothing is lost, and every cause is said."""

import pytest

from tests.sounds import wav
from tests.whole.portal import Person, engine_jobs, wait_for

pytestmark = [pytest.mark.group, pytest.mark.timeout(200)]


def test_an_api_that_is_down_for_a_while_costs_a_delay_and_a_banner(new_group) -> None:
    portal = new_group()
    portal.start("--only", "web,worker,beat")
    person = Person(portal.address)
    for number in range(3):
        assert person.upload(f"call-{number}.wav", wav(0.3, seed=number))["outcome"] == "stored"
    wait_for(lambda: "refused" in person.get("/status/").text or "cannot be reached" in person.get("/status/").text, 30)
    wait_for(lambda: person.states() == {"queued": 3}, 30, portal.said)  # one may just be trying
    engine = new_group()
    engine.start("--only", "engine,engine-worker")
    wait_for(lambda: person.states() == {"completed": 3}, 120, portal.said)
    assert engine_jobs(portal) == 3


def test_without_any_webhook_the_poller_brings_every_result(new_group) -> None:
    group = new_group()
    group.start("--only", "web,worker,beat,engine")
    # An engine worker that takes the portal to be elsewhere, so that its call-backs are refused.
    deaf = new_group(CALLCOV_PORT="9")
    deaf.start("--only", "engine-worker")
    person = Person(group.address)
    person.upload("call.wav", wav(0.5))
    wait_for(lambda: person.states() == {"completed": 1}, 90, group.said)
    with group.rows() as rows:
        assert rows.execute("SELECT count(*) FROM portal_delivery").fetchone() == (0,)
