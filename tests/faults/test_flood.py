"""Webhooks at full speed: forged ones cost no query and leave nothing, valid ones leave at most twenty rows."""

import random
import time

import pytest
from django.test import Client

from callcov_portal.actions import tokens
from callcov_portal.models import Analysis, Delivery
from callcov_portal.models.delivery import KEPT_PER_ANALYSIS
from tests.factories import ProcessingFactory
from tests.faults.costs import forged, hold_to_limits, no_collector, warm_up  # noqa: F401
from tests.soak import many

pytestmark = [pytest.mark.faults, pytest.mark.django_db, pytest.mark.timeout(many(3600, 300))]

FORGED = many(20_000, 1_500)
REPEATED = many(5_000, 200)
KINDS = ("application/json", "text/plain", "multipart/form-data; boundary=x", "\x00", "")


def hostile(dice: random.Random, good: str) -> str:
    """Return an address that is none of ours, whatever it looks like."""
    while True:
        at = dice.randrange(len(good))
        word = good[:at] + dice.choice("0123456789abcdef.%2e-_~é\x01") + good[at + dice.randrange(3) :]
        if tokens.read(word) is None and "/" not in word and word:
            return word


@pytest.mark.once  # it asks no database
@pytest.mark.usefixtures("no_collector")
def test_forged_deliveries_at_full_speed_leave_no_row_no_error_and_no_query(client, django_assert_num_queries) -> None:
    client.raise_request_exception = False
    ours, other = ProcessingFactory(), ProcessingFactory()
    with django_assert_num_queries(0):
        first, second = forge(client, ours, other), forge(client, ours, other)
    statuses = {status for status, _ in first}
    assert statuses <= {400, 401, 404}
    assert 401 in statuses
    assert not Delivery.objects.exists()
    assert [status for status, _ in first] == [status for status, _ in second]
    hold_to_limits([cost for _, cost in first], [cost for _, cost in second])


def forge(client: Client, ours: Analysis, other: Analysis) -> list[tuple[int, float]]:
    """Deliver what is forged, the same each time; the answers and seconds of CPU of each."""
    dice, good, answers = random.Random(17), tokens.make(ours.pk, 1), []
    for _ in range(FORGED):
        token = dice.choice((hostile(dice, good), forged(ours, good, dice), good.replace(str(ours.pk), str(other.pk))))
        body = dice.randbytes(dice.randrange(500))
        began = time.thread_time()
        answer = client.generic("POST", f"/hooks/callcov/{token}", body, content_type=dice.choice(KINDS))
        answers.append((answer.status_code, time.thread_time() - began))
    return answers


@pytest.mark.usefixtures("no_collector")
def test_valid_deliveries_at_full_speed_leave_at_most_twenty_rows(client) -> None:
    warm_up(client)
    hold_to_limits(repeat(client), repeat(client))


def repeat(client: Client) -> list[float]:
    """Deliver to an analysis of its own what is sent over and over; the seconds of CPU of each."""
    dice, ours, spent = random.Random(18), ProcessingFactory(), []
    address = f"/hooks/callcov/{tokens.make(ours.pk, 1)}"
    for number in range(REPEATED):
        body = b"%d" % (number if dice.random() < 0.5 else 7)
        began = time.thread_time()
        assert client.post(address, body, content_type="application/json").status_code == 200
        spent.append(time.thread_time() - began)
    assert Delivery.objects.filter(analysis=ours).count() == KEPT_PER_ANALYSIS
    return spent
