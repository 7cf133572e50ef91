"""Demo data: counted like all others, marked, never taken up by a worker, and gone without a trace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from callcov_portal import demodata
from callcov_portal.actions import recordings, recounting, seeding, tallying, unseeding
from callcov_portal.models import (
    Agent,
    AgentWeek,
    Analysis,
    CallCheck,
    CheckWeek,
    Contact,
    Document,
    Finding,
    Recording,
    Segment,
    Spent,
    State,
    Unindexed,
    User,
)
from callcov_portal.quality.actions import note_verdicts
from callcov_portal.quality.management.commands import seed_demo
from callcov_portal.quality.models import Review
from tests.factories import AgentFactory, CompletedFactory, FindingFactory

pytestmark = pytest.mark.django_db


def plan(calls: int = 300, **more) -> demodata.Plan:
    return demodata.Plan(calls, 12, 4, 1, datetime(2026, 3, 2, tzinfo=UTC), timezone.get_default_timezone(), **more)


def seeded(calls: int = 300, **more) -> None:
    assert list(seeding.seed(plan(calls, **more), note_verdicts))[-1] == calls


def everything() -> list[list[dict]]:
    models: tuple[Any, ...] = (Recording, Analysis, Finding, CallCheck, AgentWeek, CheckWeek, Agent, Contact, User)
    return [list(map(dict, model._default_manager.order_by("pk").values())) for model in models]


def test_the_sums_equal_a_recount_and_counting_again_changes_nothing(monkeypatch):
    monkeypatch.setattr(seeding, "AT_ONCE", 70)
    seeded()
    assert recounting.recount() == recounting.Recount(300, [], 0)
    before = everything()
    for number in Recording.objects.values_list("pk", flat=True):
        tallying.retally(number)
    assert everything() == before


def test_without_words_too():
    seeded(40, has_words=False)
    assert not Segment.objects.exists()
    assert not Document.objects.exists()
    before = everything()
    for number in Recording.objects.values_list("pk", flat=True):
        tallying.retally(number)
    assert everything() == before
    assert recounting.recount().is_equal


def test_the_words_are_marked_for_the_search_where_there_are_some():
    seeded(40)
    analysed = Recording.objects.filter(state=State.COMPLETED).values_list("pk", flat=True)
    assert set(Unindexed.objects.values_list("recording", flat=True)) == set(analysed)


def test_what_is_written_is_what_was_invented():
    seeded(60)
    invented = list(demodata.calls(plan(60)))
    for call, row in zip(invented, Recording.objects.order_by("pk").select_related("current_analysis"), strict=True):
        analysis = row.current_analysis
        assert (row.called_at, row.state, row.failure) == (call.began, call.state, call.failure)
        assert (analysis.state, analysis.failure, row.duration_seconds) == (call.state, call.failure, call.seconds)
        assert list(analysis.segments.values_list("text", flat=True)) == [line.text for line in call.lines]
        found = list(analysis.findings.values_list("check_id", "outcome", "quote", "also", "searched"))
        assert found == [(one.check_id, one.outcome, one.quote, one.also, one.searched) for one in call.findings]
        assert (row.met, row.is_violated) == (
            sum(one.outcome == "met" for one in call.findings),
            any(one.outcome == "violated" for one in call.findings),
        )
        assert Document.objects.filter(analysis=analysis).exists() == (call.state == "completed")


def test_verdicts_stand_as_reviews_and_as_marks():
    seeded(200)
    judged = Recording.objects.exclude(verdict="")
    assert judged.count() == Review.objects.count() > 3
    review = Review.objects.select_related("analysis__recording").first()
    marks = review.analysis.recording
    assert (marks.verdict, marks.reviewed_by_id, marks.reviewed_at) == (
        review.verdict,
        review.reviewer_id,
        review.created_at,
    )
    assert not review.reviewer.is_active
    assert not review.reviewer.has_usable_password()


def test_no_worker_takes_a_demo_call_up():
    seeded(300)
    assert Analysis.objects.filter(state__in=["queued", "processing"]).exists()
    assert not Analysis.objects.due(timezone.now() + timedelta(days=400)).exists()
    assert not Analysis.objects.filter(api_url="the embedded engine").exists()


def test_a_demo_call_says_that_it_is_one(as_alice):
    seeded(3)
    call = Recording.objects.first()
    assert "Demo</span>" in as_alice.get("/calls/").content.decode()
    page = as_alice.get(call.get_absolute_url()).content.decode()
    assert "Demo</span>" in page
    assert "invented call: there is no recording" in page


def test_a_second_run_adds_as_many_calls_of_the_same_people():
    seeded(50)
    people = Agent.objects.count(), Contact.objects.count()
    seeded(50)
    assert Recording.objects.count() == 100
    assert (Agent.objects.count(), Contact.objects.count()) == people
    assert recounting.recount() == recounting.Recount(100, [], 0)


def test_a_call_added_later_gets_a_number_of_its_own(alice):
    seeded(30)
    real = CompletedFactory().recording
    assert real.pk > max(Recording.objects.filter(is_demo=True).values_list("pk", flat=True))
    seeded(30)
    assert Recording.objects.count() == 61
    recordings.delete(real, alice)
    assert recounting.recount().is_equal


def test_removing_takes_demo_data_alone_and_leaves_the_sums_right(monkeypatch, alice):
    monkeypatch.setattr(unseeding, "AT_ONCE", 40)
    real = CompletedFactory()
    FindingFactory(analysis=real, check_id="prohibited_phrases", outcome="violated")
    before = everything()
    seeded(150)
    assert list(unseeding.remove()) == [40, 80, 120, 150]
    assert everything()[:3] == before[:3]
    assert everything()[6:] == before[6:]
    assert list(CallCheck.objects.values_list("recording", flat=True)) == [real.recording_id]
    assert list(AgentWeek.objects.values_list("agent", "calls")) == [(real.recording.agent_id, 1)]
    assert recounting.recount() == recounting.Recount(1, [], 0)
    assert not Review.objects.exists()
    assert not Spent.objects.exists()
    assert list(unseeding.remove()) == []


def test_people_with_other_calls_stay_and_are_real_from_then_on(alice):
    seeded(20)
    agent = Recording.objects.first().agent
    real = CompletedFactory(recording__agent=agent).recording
    list(unseeding.remove())
    assert list(Agent.objects.values_list("pk", "is_demo")) == [(agent.pk, False)]
    assert real.agent == agent
    assert recounting.recount() == recounting.Recount(1, [], 0)


def test_what_was_really_sent_of_a_demo_call_stays_billed():
    seeded(5)
    call = Recording.objects.filter(state="completed").first()
    sent = timezone.now()
    Analysis.objects.create(recording=call, api_url="the embedded engine", sent_at=sent)
    list(unseeding.remove())
    assert Spent.objects.get().sent_at == sent


def test_the_command_seeds_and_removes(capsys):
    call_command("seed_demo", "--calls", "30", "--agents", "5", "--months", "2", "--seed", "9")
    assert "30 demo calls in" in capsys.readouterr().out
    assert Recording.objects.filter(is_demo=True).count() == 30
    call_command("seed_demo", "--remove")
    assert "30 demo calls in" in capsys.readouterr().out
    assert not Recording.objects.exists()
    assert not Agent.objects.exists()
    assert not User.objects.exists()


def test_the_command_refuses_a_portal_in_use_unless_told():
    AgentFactory()
    CompletedFactory()
    with pytest.raises(CommandError, match="real calls"):
        call_command("seed_demo", "--calls", "5")
    call_command("seed_demo", "--calls", "5", "--yes")
    assert Recording.objects.count() == 6


@pytest.mark.parametrize("wrong", [("--calls", "0"), ("--agents", "0"), ("--months", "999"), ("--with-audio", "-1")])
def test_the_command_refuses_numbers_that_make_no_sense(wrong):
    with pytest.raises(CommandError, match="must be from"):
        call_command("seed_demo", *wrong)


@pytest.mark.sqlite
def test_the_command_refuses_more_than_the_disk_holds(monkeypatch):
    monkeypatch.setattr(seeding, "BYTES_A_CALL", 10**15)
    with pytest.raises(CommandError, match="MB left"):
        call_command("seed_demo", "--calls", "5")
    assert seed_demo.refuse_if_no_room(replace(plan(5), has_words=False)) is None


@pytest.mark.audio
def test_some_calls_get_a_real_recording_that_goes_with_them(as_alice, django_capture_on_commit_callbacks):
    call_command("seed_demo", "--calls", "12", "--with-audio", "2")
    with_sound = Recording.objects.exclude(file="")
    assert with_sound.count() == 2
    call = with_sound.first()
    answer = as_alice.get(f"/calls/{call.pk}/audio/")
    assert answer.status_code == 200
    assert len(answer.getvalue()) == call.size_bytes
    assert recounting.recount().is_equal
    storage, name = call.file.storage, call.stored_name
    with django_capture_on_commit_callbacks(execute=True):
        list(unseeding.remove())
    assert not storage.exists(name)
