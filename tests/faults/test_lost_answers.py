"""An API that accepts and then loses 30 % of its answers to submissions: nothing is paid twice."""

from collections import Counter

import pytest

from tests.faults.double import Double
from tests.running import RealGroup
from tests.soak import SOAK, many
from tests.sounds import wav
from tests.whole.portal import PASSWORD, Person, wait_for

pytestmark = [pytest.mark.group, pytest.mark.faults, pytest.mark.timeout(many(7200, 900))]

RECORDINGS = many(1000, 30)
LOST = 0.3
KEY = "ck_of_nobody_else"


@pytest.mark.parametrize("echoes", [True, False], ids=["the list shows whose they are", "the list does not"])
def test_of_lost_answers_none_is_paid_twice(group, echoes) -> None:
    with Double(LOST, echoes=echoes) as double:
        group.env |= {"CALLCOV_API_URL": double.url, "CALLCOV_API_KEY": KEY}
        group.start("--only", "web,worker,beat")
        person = Person(group.address)
        for seed in range(RECORDINGS):
            # A third of them are of the same two people, whom nothing but the echo tells apart.
            contact = f"cust-{seed if seed % 3 else 0}"
            assert person.upload(f"call-{seed}.wav", wav(0.2, seed=seed), contact=contact)["outcome"] == "stored"
        unsure = 0 if echoes else len(range(0, RECORDINGS, 3))
        said = lambda: f"{person.states()} {group.said()}"
        wait_for(lambda: is_settled(person.states(), unsure), many(3600, 600), said)
        states, times = person.states(), double.times_accepted()
    log = group.said()
    assert not [secret for secret in secrets(group, double) if secret in log], "a secret in the log"
    assert double.dropped >= RECORDINGS * LOST / 2, "too few were lost to prove anything"
    assert set(times.values()) == {1}, "paid twice"
    assert len(times) == RECORDINGS, "lost"
    assert states["completed"] >= RECORDINGS - unsure
    assert {failure for (failure,) in failures(group)} <= {"unsure"}, "only what nobody can tell waits for a person"


def is_settled(states: Counter[str], unsure: int) -> bool:
    """Whether all is done but what nobody can tell: that is asked about for half an hour, then left to a person."""
    left = states["failed"] + (0 if SOAK else states["sending"])
    return states["completed"] + left == RECORDINGS and left <= unsure


def secrets(group: RealGroup, double: Double) -> list[str]:
    """Return what may stand in no line of the log: key, password, the key that signs, and what webhooks are known by."""
    hooks = [entry["fields"]["webhook_url"].rpartition(".")[2] for entry in double.accepted.values()]
    signing = (group.data / "secret_key").read_text().strip()
    return [KEY, PASSWORD, signing, *hooks]


def failures(group: RealGroup) -> list[tuple[str]]:
    with group.rows() as rows:
        return list(rows.execute("SELECT failure FROM portal_analysis WHERE state = 'failed'"))
