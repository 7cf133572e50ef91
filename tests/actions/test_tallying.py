"""What is counted of a call, and the sums by week, equal a recount after whatever was done."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal.actions import analyses, recordings, recounting, summing, tallying
from callcov_portal.models import AgentWeek, CallCheck, CallTally, Check, CheckWeek, Outcome, Recording, Signal, State
from callcov_portal.models.analysis import Analysis
from tests.factories import (
    AgentFactory,
    CompletedFactory,
    DocumentFactory,
    FindingFactory,
    ProcessingFactory,
    RecordingFactory,
    SegmentFactory,
)

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)  # of the factories' first calls
OUTCOMES = [Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD, Outcome.NOT_ASSESSED]


def analysed(*findings: tuple[str, str], **recording) -> Recording:
    """A call of which the checks came out so."""
    analysis = CompletedFactory(recording=RecordingFactory(**recording))
    for check_id, outcome in findings:
        FindingFactory(analysis=analysis, check_id=check_id, title=check_id, outcome=outcome)
    return Recording.objects.get(pk=analysis.recording_id)


def week_of_agent(agent, week: date = MONDAY) -> tuple[int, ...]:
    row = AgentWeek.objects.get(agent=agent, week=week)
    return tuple(getattr(row, name) for name in summing.CALL_COUNTS)


def check_week(agent, check_id: str, week: date = MONDAY) -> tuple[int, ...]:
    row = CheckWeek.objects.get(agent=agent, week=week, check_ref__check_id=check_id)
    return tuple(getattr(row, name) for name in summing.CHECK_COUNTS)


def test_a_check_counts_once_for_each_call_by_its_worst_finding():
    call = analysed(("greeting", "met"), ("prohibited", "met"), ("prohibited", "violated"), ("complaint", "heard"))
    assert week_of_agent(call.agent) == (1, 125_500, 1, 1, 1, 0)
    assert check_week(call.agent, "prohibited") == (0, 1, 0, 0)
    assert check_week(call.agent, "greeting") == (1, 0, 0, 0)
    assert check_week(call.agent, "complaint") == (0, 0, 0, 1)
    assert (call.met, call.violated, call.omitted, call.heard) == (2, 1, 0, 1)
    assert (call.is_violated, call.is_omitted, call.is_heard) == (True, False, True)
    assert recounting.recount().is_equal


def test_what_was_not_assessed_is_in_no_sum():
    call = analysed(("greeting", "not_assessed"))
    assert week_of_agent(call.agent) == (1, 125_500, 1, 0, 0, 0)
    assert not CheckWeek.objects.exists()


def test_weeks_begin_on_monday_in_the_portals_time_zone():
    sunday_night_in_utc = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    with timezone.override("Pacific/Auckland"):
        assert tallying.week_of(sunday_night_in_utc) == MONDAY
    with timezone.override("UTC"):
        assert tallying.week_of(sunday_night_in_utc) == MONDAY - timedelta(days=7)


def test_counting_twice_changes_nothing(django_assert_max_num_queries):
    call = analysed(("greeting", "met"), ("closing", "omitted"))
    before = list(AgentWeek.objects.values()), list(CheckWeek.objects.values()), list(CallCheck.objects.values())
    with django_assert_max_num_queries(11):
        tallying.retally(call.pk)
    assert before == (
        list(AgentWeek.objects.values()),
        list(CheckWeek.objects.values()),
        list(CallCheck.objects.values()),
    )


def test_a_call_that_moves_to_another_agent_and_week_takes_its_counts_along(alice):
    call, other = analysed(("greeting", "omitted")), AgentFactory(identifier="maria")
    later = call.called_at + timedelta(days=7)
    recordings.edit_details(call, recordings.CallDetails(agent="maria", called_at=later), alice)
    assert week_of_agent(call.agent_id if call.agent_id == other.pk else other, MONDAY + timedelta(days=7))[0] == 1
    assert check_week(other, "greeting", MONDAY + timedelta(days=7)) == (0, 0, 1, 0)
    assert sum(AgentWeek.objects.values_list("calls", flat=True)) == 1
    assert CallCheck.objects.get().called_at == later
    assert recounting.recount().is_equal


def test_a_call_that_is_deleted_takes_its_counts_along(alice):
    call = analysed(("greeting", "met"))
    recordings.delete(call, alice)
    assert not CallTally.objects.exists()
    assert set(AgentWeek.objects.values_list("calls", "analysed", "milliseconds")) == {(0, 0, 0)}
    assert recounting.recount() == recounting.Recount(0, [], 0)


def test_while_a_call_is_analysed_again_it_counts_as_not_analysed(alice):
    call = analysed(("greeting", "met"))
    analyses.analyse_again(call, alice)
    assert week_of_agent(call.agent) == (1, 125_500, 0, 0, 0, 0)
    call.refresh_from_db()
    assert (call.state, call.met) == (State.QUEUED, 0)
    assert recounting.recount().is_equal


def test_every_move_of_the_current_analysis_shows_on_the_call_and_no_move_of_another():
    analysis = ProcessingFactory()
    old = ProcessingFactory(recording=analysis.recording, current=False)
    assert Analysis.objects.move(analysis.pk, State.FAILED, "lost")
    shown = Recording.objects.get()
    assert (shown.state, shown.failure) == ("failed", "lost")
    assert Analysis.objects.move(old.pk, State.COMPLETED)
    shown.refresh_from_db()
    assert (shown.state, shown.failure) == ("failed", "lost")
    assert not Analysis.objects.move(analysis.pk, State.QUEUED)
    shown.refresh_from_db()
    assert shown.state == "failed"


def test_the_list_shows_how_much_the_agent_talks_and_how_the_contact_sounds():
    analysis = CompletedFactory()
    for at, speaker in enumerate(("agent", "contact", "agent", "contact")):
        SegmentFactory(
            analysis=analysis, position=at, speaker=speaker, start=at * 10, end=at * 10 + (6 if at % 2 else 2)
        )
    DocumentFactory(analysis=analysis, raw={"results": {"quality": {"tone": {"contact": {"negative": 1}}}}})
    tallying.retally(analysis.recording_id)
    call = Recording.objects.get()
    assert (call.talk_ratio, call.negative_ratio) == (0.25, 0.5)


@pytest.mark.parametrize(
    "raw", [{}, {"results": None}, {"results": {"quality": {"tone": {"contact": {"negative": "x"}}}}}]
)
def test_a_document_without_tone_gives_none(raw):
    analysis = CompletedFactory()
    SegmentFactory(analysis=analysis, speaker="contact")
    DocumentFactory(analysis=analysis, raw=raw)
    tallying.retally(analysis.recording_id)
    assert Recording.objects.get().negative_ratio is None


def test_a_check_goes_by_its_own_name_once_it_was_met_anywhere():
    analysis = CompletedFactory()
    FindingFactory(analysis=analysis, check_id="prohibited", title="Threatens", outcome=Outcome.VIOLATED)
    assert Check.objects.get().title == "Threatens"
    FindingFactory(check_id="prohibited", title="Prohibited phrases", outcome=Outcome.MET)
    assert Check.objects.get().title == "Prohibited phrases"
    FindingFactory(check_id="prohibited", title="Insults", outcome=Outcome.VIOLATED)
    assert Check.objects.get().title == "Prohibited phrases"


def test_calls_from_before_there_were_counts_are_counted_bit_by_bit():
    calls = [analysed(("greeting", "met")) for _ in range(5)]
    CallTally.objects.all().delete()
    CallCheck.objects.all().delete()
    AgentWeek.objects.all().delete()
    CheckWeek.objects.all().delete()
    Recording.objects.update(met=0)
    assert [recounting.catch_up(2) for _ in range(4)] == [2, 2, 1, 0]
    assert recounting.recount() == recounting.Recount(5, [], 0)
    assert set(Recording.objects.values_list("met", flat=True)) == {1}
    assert week_of_agent(calls[0].agent)[0] == 1


def test_with_nothing_left_from_before_one_query_says_so(django_assert_num_queries):
    recounting.catch_up()
    assert Signal.objects.get(name=recounting.TALLIED).text == recounting.ALL
    with django_assert_num_queries(1):
        assert recounting.catch_up() == 0


def test_the_command_tells_what_is_counted_wrongly_and_mends_it(capsys):
    call = analysed(("greeting", "met"))
    CheckWeek.objects.update(met=5)
    CallCheck.objects.update(outcome=Outcome.OMITTED)
    with pytest.raises(CommandError, match=rf"Of 1 calls 1 are counted wrongly \(#{call.pk}\), and 2 sums"):
        call_command("recount")
    call_command("recount", "--mend")
    assert "1 calls counted again: every sum by week is equal." in capsys.readouterr().out
    assert check_week(call.agent, "greeting") == (1, 0, 0, 0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["find", "edit", "again", "delete"]), st.integers(0, 3), st.integers(0, 4)), max_size=12
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_is_done_to_calls_the_sums_equal_a_recount(alice, steps):
    with transaction.atomic():
        agents = [AgentFactory(), AgentFactory()]
        numbers = [analysed(("a", "met"), agent=agents[at % 2]).pk for at in range(4)]
        for act, which, what in steps:
            if call := Recording.objects.filter(pk=numbers[which]).first():
                do(act, call, what, agents, alice)
        assert recounting.recount() == recounting.Recount(Recording.objects.count(), [], 0)
        transaction.set_rollback(True)


def do(act: str, call: Recording, what: int, agents, alice) -> None:
    """Do one thing to a call, if it can be done."""
    if act == "find":
        FindingFactory(analysis=call.current_analysis, check_id="ab"[what % 2], outcome=OUTCOMES[what])
    elif act == "edit":
        called_at = call.called_at + timedelta(days=what)
        recordings.edit_details(call, recordings.CallDetails(agents[what % 2].identifier, called_at=called_at), alice)
    elif act == "again" and call.current_analysis.is_finished:
        analyses.analyse_again(call, alice)
    elif act == "delete":
        recordings.delete(call, alice)
