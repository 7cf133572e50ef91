"""The doorbells: who is rung for, and that a dead broker is nobody's trouble."""

import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from callcov_portal.celery import app
from callcov_portal.engine import auth, callbacks, holding, housekeeping, pipeline, tasks
from callcov_portal.engine.models import Callback, State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung(monkeypatch):
    """What was rung for: (task, primary key)."""
    bells: list = []
    monkeypatch.setattr(tasks.work, "apply_async", lambda arguments, **_: bells.append(("work", *arguments)))
    monkeypatch.setattr(tasks.call_back, "apply_async", lambda arguments, **_: bells.append(("call_back", *arguments)))
    return bells


def later():
    return timezone.now() + timedelta(seconds=20)


def test_the_sweep_rings_for_all_that_is_due_and_for_nothing_else(make_job, rung):
    heard, fetched = make_job(upload=True), make_job()
    make_job(next_attempt_at=later())
    make_job(state=State.COMPLETED)
    told, waiting = make_job(state=State.FAILED), make_job(state=State.FAILED)
    Callback.objects.create(job=told)
    Callback.objects.create(job=waiting, next_attempt_at=later())

    tasks.sweep()

    assert rung == [("work", str(heard.pk)), ("work", str(fetched.pk)), ("call_back", str(told.pk))]


def test_many_links_do_not_keep_recordings_from_being_rung_for(make_job, rung):
    for _ in range(30):
        make_job()
    upload = make_job(upload=True)

    tasks.sweep()

    assert len(rung) == 11
    assert ("work", str(upload.pk)) in rung


def test_the_sweep_tidies_up(monkeypatch):
    rounds = []
    monkeypatch.setattr(housekeeping, "tidy_now_and_then", lambda: rounds.append(1))

    tasks.sweep()

    assert rounds == [1]


def test_after_a_step_its_call_back_and_the_next_job_are_rung_for(make_job, rung, monkeypatch):
    monkeypatch.setattr(pipeline, "advance", lambda pk: True)
    done, following = uuid.uuid4(), make_job(upload=True)

    tasks.work(str(done))

    assert rung == [("call_back", str(done)), ("work", str(following.pk))]


def test_a_step_that_was_not_done_rings_for_nothing(make_job, rung, monkeypatch):
    monkeypatch.setattr(pipeline, "advance", lambda pk: False)
    make_job(upload=True)

    tasks.work(str(uuid.uuid4()))

    assert rung == []


@pytest.mark.parametrize("made", [True, False])
def test_after_a_call_back_the_next_one_is_rung_for(make_job, rung, monkeypatch, made):
    monkeypatch.setattr(callbacks, "deliver", lambda pk: made)
    following = make_job(state=State.FAILED)
    Callback.objects.create(job=following)

    tasks.call_back(str(uuid.uuid4()))

    assert rung == ([("call_back", str(following.pk))] if made else [])


def test_a_bell_rings_only_after_the_commit(rung):
    pk = uuid.uuid4()
    with transaction.atomic():
        tasks.ring(tasks.work, pk)
        assert rung == []

    assert rung == [("work", str(pk))]


def test_a_dead_broker_is_logged_and_nobodys_trouble(monkeypatch, caplog):
    def dead(*_args, **_kwargs):
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(tasks.work, "apply_async", dead)

    tasks.ring(tasks.work, uuid.uuid4())

    assert "no broker" in caplog.text


def test_the_engines_tasks_go_to_the_engines_queue():
    for task in (tasks.work, tasks.call_back, tasks.sweep):
        assert app.amqp.router.route({}, task.name)["queue"].name == "engine"


def test_a_worker_that_shuts_down_begins_nothing_new(make_job):
    tasks.stop()

    assert holding.stopping.is_set()
    assert not pipeline.advance(make_job(upload=True).pk)


def test_the_key_can_be_shown():
    live, trial, beside = StringIO(), StringIO(), StringIO()

    call_command("engine_key", stdout=live, stderr=beside)
    call_command("engine_key", "--test", stdout=trial, stderr=beside)

    assert live.getvalue() == auth.secret(livemode=True) + "\n"
    assert "/api/v1" in beside.getvalue()
    assert live.getvalue().startswith("sk_live_")
    assert trial.getvalue().startswith("sk_test_")


def test_the_key_of_an_engine_that_is_off_says_so(settings):
    settings.CALLCOV_EMBEDDED = False
    beside = StringIO()
    call_command("engine_key", stdout=StringIO(), stderr=beside)
    assert "The embedded engine is off" in beside.getvalue()
