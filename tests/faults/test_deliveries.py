"""Ten thousand webhook deliveries, replayed, reordered, delayed, truncated and forged, beside the right ones.

No wrong state, no 500; forged ones leave no row; 20 ms of this process's CPU each at the worst.
"""

import gc
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import Count
from django.utils import timezone

from callcov_portal.actions import tokens
from callcov_portal.actions.advancing import advance
from callcov_portal.models import Analysis, Delivery, State
from callcov_portal.models.delivery import KEPT_PER_ANALYSIS
from tests.actions.conftest import api  # noqa: F401
from tests.factories import ProcessingFactory
from tests.faults import many, tell

pytestmark = [pytest.mark.faults, pytest.mark.django_db, pytest.mark.timeout(many(3600, 600))]

DELIVERIES = many(10_000, 1_000)
ANALYSES = many(1_000, 100)
WORST = 0.020  # seconds of CPU
EVENTS = ("completed", "failed", "processing", "nonsense")


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What a test makes is not collected in the middle of what it measures."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_no_delivery_leads_to_a_wrong_state(api, client, settings) -> None:  # noqa: F811
    settings.CALLCOV_API_REQUESTS_PER_MINUTE = 100_000
    dice = random.Random(1)
    analyses = [known(api) for _ in range(ANALYSES)]
    warm_up(client)
    spent: list[float] = []
    answered: Counter[int] = Counter()
    forged_rows = 0
    for token, body, is_forged in storm(analyses, dice):
        rows = Delivery.objects.count() if is_forged else 0
        began = time.thread_time()
        status = client.post(f"/hooks/callcov/{token}", body, content_type="application/json").status_code
        spent.append(time.thread_time() - began)
        answered[status] += 1
        assert status == (401 if is_forged else 200)
        forged_rows += is_forged and Delivery.objects.count() - rows
        if dice.random() < 0.1:
            finish_some(api, analyses, dice)
    for analysis in analyses:
        api.finish(analysis.external_id)
        look_at(analysis)
    assert dict(Analysis.objects.values_list("state").annotate(Count("pk"))) == {State.COMPLETED: ANALYSES}
    assert (forged_rows, set(answered)) == (0, {200, 401})
    kept = Delivery.objects.values("analysis").annotate(rows=Count("pk"))
    assert max(one["rows"] for one in kept) <= KEPT_PER_ANALYSIS
    assert sum(Delivery.objects.values_list("times", flat=True)) <= answered[200]
    spent.sort()
    tell(
        f"CPU of {len(spent)} deliveries: median {spent[len(spent) // 2] * 1000:.2f} ms, worst {spent[-1] * 1000:.2f} ms"
    )
    assert spent[-1 - spared(len(spent))] <= WORST


def spared(deliveries: int) -> int:
    """Return how many of the dearest are not held to the limit: none in the long form, which has the machine to itself.

    Beside other tests, one in a thousand meets a page of the database that is written, or another machine on the same
    processor.
    """
    return many(0, max(2, deliveries // 1000))


def warm_up(client) -> None:
    """Let the first delivery of this process be over: it imports what all others need."""
    first = ProcessingFactory()
    client.post(f"/hooks/callcov/{tokens.make(first.pk, 1)}", b"{}", content_type="application/json")
    first.recording.delete()


def known(api) -> Analysis:  # noqa: F811
    """Return an analysis that the API is working on."""
    analysis = ProcessingFactory(next_attempt_at=timezone.now() + timedelta(minutes=4))
    api.created[analysis.external_id] = snapshot_of(analysis)
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
            body = body[: dice.randrange(len(body))]
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


def forged(analysis: Analysis, token: str, dice: random.Random) -> str:
    """Return a token that is not ours, or not of this submission."""
    named, mac = token.rsplit(".", 1)
    flipped = mac[:-1] + ("0" if mac[-1] != "0" else "1")
    return dice.choice((f"{named}.{flipped}", f"{analysis.pk}.7.{mac}", f"{named}.{'0' * 64}", "nobody", named))


def finish_some(api, analyses: list[Analysis], dice: random.Random) -> None:  # noqa: F811
    """Let the API end an analysis, and the portal look at some; what the API says is what they must be."""
    done = dice.choice(analyses)
    api.finish(done.external_id)
    for analysis in [done, *dice.sample(analyses, 2)]:
        look_at(analysis)
        expected = api.created[analysis.external_id].status
        assert Analysis.objects.get(pk=analysis.pk).state in {expected, State.COMPLETED}


def look_at(analysis: Analysis) -> None:
    """Advance an analysis, due or not."""
    Analysis.objects.filter(pk=analysis.pk, next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
    advance(analysis.pk)
