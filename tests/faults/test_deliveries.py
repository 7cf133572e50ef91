"""Ten thousand webhook deliveries, replayed, reordered, delayed, truncated and forged, beside the right ones.

No wrong state, no 500; forged ones leave no row; 20 ms of this process's CPU each at the worst.
"""

import json
import random
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Count
from django.test import Client
from django.utils import timezone

from callcov_portal.actions import tokens
from callcov_portal.actions.advancing import advance
from callcov_portal.models import Analysis, Delivery, Recording, State
from callcov_portal.models.delivery import KEPT_PER_ANALYSIS
from tests.factories import ProcessingFactory
from tests.fakes import FakeApi
from tests.faults.costs import forged, hold_to_limits, no_collector, warm_up  # noqa: F401
from tests.soak import many

pytestmark = [pytest.mark.faults, pytest.mark.django_db, pytest.mark.timeout(many(3600, 600))]

DELIVERIES = many(10_000, 500)
ANALYSES = many(1_000, 50)
EVENTS = ("completed", "failed", "processing", "nonsense")


@pytest.mark.usefixtures("no_collector")
def test_no_delivery_leads_to_a_wrong_state(api, client, settings) -> None:
    settings.CALLCOV_API_REQUESTS_PER_MINUTE = 100_000
    warm_up(client)
    first = deliver_all(api, client)
    Recording.objects.all().delete()
    second = deliver_all(api, client)
    assert [status for status, _ in first] == [status for status, _ in second]  # the same storm
    hold_to_limits([cost for _, cost in first], [cost for _, cost in second])


def deliver_all(api: FakeApi, client: Client) -> list[tuple[int, float]]:
    """Deliver a storm, the same each time, and look at what it left; the answers and seconds of CPU of each delivery."""
    dice = random.Random(1)
    analyses = [known(api) for _ in range(ANALYSES)]
    answers: list[tuple[int, float]] = []
    forged_rows = 0
    for token, body, is_forged in storm(analyses, dice):
        rows = Delivery.objects.count() if is_forged else 0
        began = time.thread_time()
        status = client.post(f"/hooks/callcov/{token}", body, content_type="application/json").status_code
        answers.append((status, time.thread_time() - began))
        assert status == (401 if is_forged else 200)
        forged_rows += is_forged and Delivery.objects.count() - rows
        if dice.random() < 0.1:
            finish_some(api, analyses, dice)
    for analysis in analyses:
        api.finish(str(analysis.external_id))
        look_at(analysis)
    assert dict(Analysis.objects.values_list("state").annotate(Count("pk"))) == {State.COMPLETED: ANALYSES}
    answered = Counter(status for status, _ in answers)
    assert (forged_rows, set(answered)) == (0, {200, 401})
    kept = Delivery.objects.values("analysis").annotate(rows=Count("pk"))
    assert max(one["rows"] for one in kept) <= KEPT_PER_ANALYSIS
    assert sum(Delivery.objects.values_list("times", flat=True)) <= answered[200]
    return answers


def known(api: FakeApi) -> Analysis:
    """Return an analysis that the API is working on."""
    analysis = ProcessingFactory(next_attempt_at=timezone.now() + timedelta(minutes=4))
    api.created[str(analysis.external_id)] = snapshot_of(analysis)
    return analysis


def snapshot_of(analysis: Analysis):
    from callcov_portal.client.types import AnalysisSnapshot

    return AnalysisSnapshot(
        id=str(analysis.external_id),
        status="processing",
        created=timezone.now(),
        agent_id=analysis.sent_agent,
        contact_id=analysis.sent_contact,
        webhook_url=tokens.webhook_url(analysis.pk, analysis.submissions),
    )


def storm(analyses: list[Analysis], dice: random.Random):
    """Yield deliveries: (token, body, whether it is forged)."""
    sent: list[tuple[str, bytes]] = []
    for _ in range(DELIVERIES):
        analysis = dice.choice(analyses)
        token = tokens.make(analysis.pk, analysis.submissions)
        kind = dice.choice(("fresh", "fresh", "replayed", "truncated", "late", "forged", "strange"))
        body = told(analysis, dice.choice(EVENTS))
        if kind in {"replayed", "late"} and sent:
            token, body = dice.choice(sent[-20:] if kind == "replayed" else sent)
        elif kind == "truncated":
            body = body[: int(dice.random() * len(body))]  # the dice fall alike, whatever its length
        elif kind == "strange":
            body = dice.randbytes(dice.randrange(2000))
        elif kind == "forged":
            yield forged(analysis, token, dice), body, True
            continue
        sent.append((token, body))
        yield token, body, False


def told(analysis: Analysis, event: str) -> bytes:
    data: dict[str, object] = {
        "id": analysis.external_id,
        "status": event,
        "results": {"compliance": {}},
        "noise": "x" * 500,
    }
    return json.dumps({"event": f"analysis.{event}", "data": data}).encode()


def finish_some(api: FakeApi, analyses: list[Analysis], dice: random.Random) -> None:
    """Let the API end an analysis, and the portal look at some; what the API says is what they must be."""
    done = dice.choice(analyses)
    api.finish(str(done.external_id))
    for analysis in [done, *dice.sample(analyses, 2)]:
        look_at(analysis)
        expected = api.created[str(analysis.external_id)].status
        assert Analysis.objects.get(pk=analysis.pk).state in {expected, State.COMPLETED}


def look_at(analysis: Analysis) -> None:
    """Advance an analysis, due or not."""
    Analysis.objects.filter(pk=analysis.pk, next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
    advance(analysis.pk)
