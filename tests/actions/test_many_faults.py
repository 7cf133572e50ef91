"""Faults of the catalogue (docs/reliability.md) that many workers meet together, in simulated time."""

import ast
import random
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

import callcov_portal
from callcov_portal.actions import deliveries, gateway, pace, refreshing, sweeping, tokens, turns
from callcov_portal.client.errors import Unsure
from callcov_portal.models import Analysis, Delivery, Failure, Signal, State
from tests.factories import AnalysisFactory, ProcessingFactory
from tests.pacing import Clock, CountingApi, Workers, queue_up


@pytest.fixture
def clock(time_machine, monkeypatch) -> Clock:
    clock = Clock(time_machine)
    monkeypatch.setattr(turns, "sleep", clock.sleep)
    return clock


@pytest.fixture
def far_api(clock, monkeypatch, settings) -> CountingApi:
    """An API that allows 600 submissions a minute."""
    settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE, settings.CALLCOV_API_REQUESTS_PER_MINUTE = 600, 2000
    api = CountingApi(clock=clock, submissions=600, requests=2000)
    monkeypatch.setattr(gateway, "api", lambda: api)
    return api


def finish(clock: Clock, api: CountingApi, until: float, tell=lambda _analysis: None):
    """Return what ends analyses as time goes on, and tells of it."""

    def act() -> None:
        while clock.now < until:
            for external_id in api.end_what_is_over():
                tell(Analysis.objects.filter(external_id=external_id).first())
            clock.sleep(1.0)

    return act


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("echoes", [True, False], ids=["its list echoes our address", "it does not"])
def test_r4_of_create_answers_that_are_lost_none_is_sent_twice(clock, far_api, monkeypatch, echoes) -> None:
    far_api.echoes_webhook_url = echoes
    create, chance = far_api.create_from_file, random.Random(7)

    def lossy(**given):
        snapshot = create(**given)
        if chance.random() < 0.3:
            raise Unsure("The connection broke.")
        return snapshot

    monkeypatch.setattr(far_api, "create_from_file", lossy)
    queue_up(40)
    Workers(clock, until=420).run(monkeypatch, finish(clock, far_api, 420))
    keys = [key for _, key in far_api.accepted]
    assert len(keys) == len(set(keys)) == 40
    ended = Analysis.objects.values_list("state", "failure")
    in_doubt = {(State.SENDING, ""), (State.FAILED, Failure.UNSURE)}  # asked about again, then left to a person
    allowed = {(State.COMPLETED, "")} | (set() if echoes else in_doubt)
    assert set(ended) <= allowed


@pytest.mark.django_db(transaction=True)
def test_r6_webhooks_that_come_early_twice_late_and_in_any_order_change_nothing(clock, far_api, monkeypatch) -> None:
    chance = random.Random(3)
    queue_up(30)
    sent: list[Analysis] = []

    def tell(analysis: Analysis | None) -> None:
        if analysis:
            sent.append(analysis)
        for one in chance.sample(sent, min(len(sent), 4)):  # old news again, beside the new
            for status in chance.sample(["completed", "processing", "failed"], 2):
                body = f'{{"id": "{one.external_id}", "status": "{status}"}}'.encode()
                deliveries.accept(tokens.Token(one.pk, 1), body)

    Workers(clock, until=240).run(monkeypatch, finish(clock, far_api, 240, tell))
    assert set(Analysis.objects.values_list("state", flat=True)) == {State.COMPLETED}
    assert len({key for _, key in far_api.accepted}) == len(far_api.accepted) == 30
    assert Delivery.objects.count() > 30


@pytest.mark.django_db(transaction=True)
def test_r13_two_beats_at_once_send_nothing_twice(clock, far_api, monkeypatch) -> None:
    queue_up(40)
    workers = Workers(clock, until=60)
    workers.run(monkeypatch, workers.beat)
    assert len({key for _, key in far_api.accepted}) == len(far_api.accepted) == 40


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [-26, -1, -0.01, 0.01, 1, 26])
@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.PROCESSING])
def test_r15_after_a_jump_of_the_clock_nothing_is_stuck_for_longer_than_a_lease(
    monkeypatch, time_machine, state, hours
) -> None:
    monkeypatch.setattr(refreshing, "look_at_all", lambda: 0)
    monkeypatch.setattr(turns, "sleep", lambda _seconds: None)
    time_machine.move_to("2026-03-02T12:00:00Z")
    make = AnalysisFactory if state == State.QUEUED else ProcessingFactory
    analysis = make(state=state, next_attempt_at=timezone.now() + timedelta(seconds=30))
    for _ in range(20):
        pace.take(pace.SUBMISSION, pace.REQUEST)
    time_machine.shift(timedelta(hours=hours))
    time_machine.shift(timedelta(seconds=30 + 61 + 36))  # the lease, a minute's limit, and what lies between
    turn = turns.stand()
    found = [turn.analysis.pk] if turn else sweeping.sweep()
    assert found == [analysis.pk]


@pytest.mark.django_db
def test_r8_whatever_is_sent_to_the_webhook_address_no_forged_one_leaves_a_row(client) -> None:
    chance = random.Random(11)
    ours = ProcessingFactory()
    good = tokens.webhook_url(ours.pk, 1).rpartition("/")[2]
    for _ in range(600):
        at = chance.randrange(len(good))
        forged = good[:at] + chance.choice("0123456789abcdef.%2e-_~") + good[at + 1 :]
        if forged == good or tokens.read(forged) is not None:
            continue
        body = bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
        kind = chance.choice(["application/json", "text/plain", "multipart/form-data; boundary=x", "\x00", ""])
        answer = client.generic("POST", reverse("webhook", args=["x"])[:-1] + forged, body, content_type=kind)
        assert 400 <= answer.status_code < 500
    assert not Delivery.objects.exists()


def test_r11_nothing_is_timed_by_messages() -> None:
    """What waits stands in the database: a message with a delay would outlive a broker's visibility time-out."""
    for path in Path(callcov_portal.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.keyword) and node.arg in {"countdown", "eta"}), path


@pytest.mark.django_db
def test_r14_a_pause_never_outlasts_a_quarter_of_an_hour_and_never_stays_behind(time_machine) -> None:
    time_machine.move_to("2026-03-02T12:00:00Z")
    for seconds in (-1e9, -1, 0, 0.5, 1e9):
        pace.pause(seconds, "The API says so.")
    time_machine.shift(timedelta(minutes=15, seconds=1))
    pace.take(pace.REQUEST)
    assert Signal.objects.filter(name=pace.PAUSE).exists()
