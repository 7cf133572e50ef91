"""Webhooks at full speed: forged ones cost no query and leave nothing, valid ones leave at most twenty rows."""

import random
import time
from collections.abc import Iterator

import pytest

from callcov_portal.actions import tokens
from callcov_portal.models import Delivery
from callcov_portal.models.delivery import KEPT_PER_ANALYSIS
from tests.factories import ProcessingFactory
from tests.faults import many, tell
from tests.faults.test_deliveries import WORST, forged, no_collector, spared, warm_up  # noqa: F401

pytestmark = [pytest.mark.faults, pytest.mark.django_db, pytest.mark.timeout(many(3600, 300))]

FORGED = many(20_000, 3_000)
REPEATED = many(5_000, 300)
KINDS = ("application/json", "text/plain", "multipart/form-data; boundary=x", "\x00", "")
WARM = 100  # by then every kind of answer was given once, with what it imports and the template that it reads
MEDIAN = 0.005  # seconds of CPU


@pytest.fixture
def cpu(client, db, no_collector) -> Iterator[list[float]]:  # noqa: F811
    """Seconds of CPU of each delivery; at the end they are held to their limits."""
    warm_up(client)
    spent: list[float] = []
    yield spent
    del spent[:WARM]
    spent.sort()
    figures = spent[len(spent) // 2], spent[-1]
    tell(f"CPU of {len(spent)} deliveries: median {figures[0] * 1000:.2f} ms, worst {figures[1] * 1000:.2f} ms")
    assert figures[0] <= MEDIAN, figures
    assert spent[-1 - spared(len(spent))] <= WORST, figures


def hostile(dice: random.Random, good: str) -> str:
    """Return an address that is none of ours, whatever it looks like."""
    while True:
        at = dice.randrange(len(good))
        word = good[:at] + dice.choice("0123456789abcdef.%2e-_~é\x01") + good[at + dice.randrange(3) :]
        if tokens.read(word) is None and "/" not in word and word:
            return word


@pytest.mark.once  # it asks no database
def test_forged_deliveries_at_full_speed_leave_no_row_no_error_and_no_query(
    client, cpu, django_assert_num_queries
) -> None:
    client.raise_request_exception = False
    dice, ours, other = random.Random(17), ProcessingFactory(), ProcessingFactory()
    good = tokens.make(ours.pk, 1)
    statuses = set()
    with django_assert_num_queries(0):
        for _ in range(FORGED):
            token = dice.choice(
                (hostile(dice, good), forged(ours, good, dice), good.replace(str(ours.pk), str(other.pk)))
            )
            body = dice.randbytes(dice.randrange(500))
            began = time.thread_time()
            answer = client.generic("POST", f"/hooks/callcov/{token}", body, content_type=dice.choice(KINDS))
            cpu.append(time.thread_time() - began)
            statuses.add(answer.status_code)
    assert statuses <= {400, 401, 404}
    assert 401 in statuses
    assert not Delivery.objects.exists()


def test_valid_deliveries_at_full_speed_leave_at_most_twenty_rows(client, cpu) -> None:
    dice, ours = random.Random(18), ProcessingFactory()
    address = f"/hooks/callcov/{tokens.make(ours.pk, 1)}"
    for number in range(REPEATED):
        body = b"%d" % (number if dice.random() < 0.5 else 7)
        began = time.thread_time()
        assert client.post(address, body, content_type="application/json").status_code == 200
        cpu.append(time.thread_time() - began)
    assert Delivery.objects.count() == KEPT_PER_ANALYSIS
