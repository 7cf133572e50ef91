"""Asking for news, one by one and all at once."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import collecting, deliveries, judging, refreshing, schedule, sweeping, tokens
from callcov_portal.actions.advancing import advance
from callcov_portal.actions.applying import Applied
from callcov_portal.client.errors import Misconfigured, Unavailable
from callcov_portal.client.types import AnalysisSnapshot, ListPage
from callcov_portal.models import Analysis, Failure, Finding, Segment, Signal, State
from tests.factories import CompletedFactory, ProcessingFactory
from tests.working import again, forget_the_limits, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def processing(api, queued) -> Analysis:
    """Accepted by the API a while ago, due to be asked about."""
    advance(queued.pk)
    Analysis.objects.update(accepted_at=timezone.now() - timedelta(minutes=1))
    make_due(queued)
    return again(queued)


def test_a_completed_analysis_brings_its_transcript_and_findings(api, processing) -> None:
    api.finish(processing.external_id)
    advance(processing.pk)
    after = again(processing)
    assert (after.state, after.next_attempt_at, after.language) == (State.COMPLETED, None, "en")
    assert [s.speaker for s in Segment.objects.filter(analysis=after)] == ["agent", "contact", "agent"]
    outcomes = dict(Finding.objects.filter(analysis=after, origin="given").values_list("check_id", "outcome"))
    assert outcomes == {
        "identity_verification": "met",
        "disclosure.call_recording_notice": "met",
        "disclosure.cooling_off": "omitted",
        "purpose_declaration": "met",
        "prohibited_phrases": "violated",
        "sensitive_data": "met",
        "quality.greeting": "violated",
    }
    assert after.document.raw["results"]["quality"]["greeting"]["flagged"] is True


def test_a_result_takes_as_many_statements_however_long_the_call_is(api, processing) -> None:
    api.finish(processing.external_id)
    snapshot = api.created[processing.external_id]
    api.created[processing.external_id] = replace(snapshot, segments=snapshot.segments * 30)
    with CaptureQueriesContext(connection) as statements:
        advance(processing.pk)
    assert Segment.objects.count() == 90
    assert len(statements) <= 45  # of which a third begin, save and end transactions


def test_the_same_news_again_changes_nothing(api, processing) -> None:
    api.finish(processing.external_id)
    refreshing.refresh(processing)
    finished_at = again(processing).finished_at
    assert refreshing.refresh(processing) is Applied.STALE
    assert again(processing).finished_at == finished_at
    assert Segment.objects.count() == 3


def test_old_news_never_takes_a_finished_analysis_back(api, processing) -> None:
    api.finish(processing.external_id)
    refreshing.refresh(processing)
    api.created[processing.external_id] = refreshing_snapshot(api, processing, "processing")
    assert refreshing.refresh(processing) is Applied.STALE
    assert again(processing).state == State.COMPLETED


def refreshing_snapshot(api, analysis, status):
    return replace(api.created[analysis.external_id], status=status)


def test_a_failed_analysis_keeps_the_api_s_reason(api, processing) -> None:
    api.fail(processing.external_id, "Decoding failed.")
    advance(processing.pk)
    after = again(processing)
    assert (after.failure, after.detail) == (Failure.ANALYSIS_FAILED, "Decoding failed.")


def test_an_api_that_does_not_know_it_any_more_makes_it_lost(api, processing) -> None:
    api.created.clear()
    advance(processing.pk)
    assert again(processing).failure == Failure.LOST


@pytest.mark.parametrize("trouble", [Unavailable("No answer."), Misconfigured("Bad key.", status=401)])
def test_an_api_that_is_away_costs_nothing_but_time(api, processing, trouble) -> None:
    for _ in range(15):
        api.trouble = [trouble]
        make_due(processing)
        Signal.objects.all().delete()
        advance(processing.pk)
    after = again(processing)
    assert (after.state, after.detail) == (State.PROCESSING, str(trouble))
    assert after.next_attempt_at > timezone.now()


def test_an_analysis_that_never_ends_expires(api, processing, settings) -> None:
    settings.CALLCOV_ANALYSIS_TIMEOUT = 1
    Analysis.objects.update(accepted_at=timezone.now() - timedelta(minutes=61))
    advance(processing.pk)
    assert again(processing).failure == Failure.EXPIRED


def test_an_analysis_expires_even_while_the_api_is_away(api, processing) -> None:
    Analysis.objects.update(accepted_at=timezone.now() - timedelta(hours=73), attempts=schedule.MOST_WAITS)
    api.trouble = [Unavailable("No answer.")]
    advance(processing.pk)
    assert again(processing).failure == Failure.EXPIRED


def test_after_days_of_being_off_one_question_in_vain_ends_nothing(api, processing) -> None:
    Analysis.objects.update(accepted_at=timezone.now() - timedelta(hours=100))
    api.finish(processing.external_id)
    api.trouble = [Unavailable("No answer.")]
    advance(processing.pk)
    forget_the_limits()
    make_due(processing)
    advance(processing.pk)
    assert again(processing).state == State.COMPLETED


def test_looks_grow_rarer_up_to_five_minutes(api, processing) -> None:
    waits = []
    for minutes in (0, 2, 60):
        Analysis.objects.update(accepted_at=timezone.now() - timedelta(minutes=minutes))
        make_due(processing)
        advance(processing.pk)
        waits.append((again(processing).next_attempt_at - timezone.now()).total_seconds())
    assert 23 < waits[0] < 37
    assert 57 < waits[1] < 87
    assert 235 < waits[2] < 361


def test_what_was_sent_to_another_api_is_not_looked_for_in_this_one(api, processing) -> None:
    Analysis.objects.update(api_url="https://api.example.com/api/v1")
    calls = len(api.calls)
    advance(processing.pk)
    after = again(processing)
    assert (after.state, len(api.calls)) == (State.PROCESSING, calls)
    assert "https://api.example.com/api/v1" in after.detail


class TestLookingAtAll:
    def test_progress_is_taken_from_one_list_request(self, api, processing) -> None:
        api.created[processing.external_id] = with_progress(api, processing)
        refreshing.look_at_all()
        after = again(processing)
        assert (after.stage, after.stage_fraction) == ("recognising", 0.42)
        assert api.calls.count("list") == 1
        assert api.calls.count("get") == 0

    def test_what_keeps_the_api_from_it_is_shown_until_it_goes_on(self, api, processing, time_machine) -> None:
        time_machine.move_to(timezone.now(), tick=False)
        going_on = with_progress(api, processing)
        stuck = replace(going_on, error_message="The speech model x could not be loaded.")
        api.created[processing.external_id] = stuck
        refreshing.look_at_all()
        after = again(processing)
        assert (after.state, after.detail) == (State.PROCESSING, "The speech model x could not be loaded.")
        api.created[processing.external_id] = going_on
        time_machine.shift(60)
        refreshing.look_at_all()
        assert again(processing).detail == ""

    def test_what_is_not_in_the_list_any_more_becomes_due(self, api, processing) -> None:
        Analysis.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=4))
        api.finish(processing.external_id)
        assert refreshing.look_at_all() == 1
        assert again(processing).next_attempt_at <= timezone.now()

    def test_a_list_with_more_pages_proves_nothing_about_what_is_missing(self, api, processing, monkeypatch) -> None:
        api.finish(processing.external_id)
        monkeypatch.setattr(api, "list", lambda **_kw: ListPage((), more=True))
        assert refreshing.look_at_all() == 0

    def test_it_asks_nothing_while_nothing_is_worked_on(self, api, db) -> None:
        refreshing.look_at_all()
        assert api.calls == []

    def test_it_does_not_ask_again_at_once(self, api, processing) -> None:
        refreshing.look_at_all()
        refreshing.look_at_all()
        assert api.calls.count("list") == 1

    def test_an_api_in_trouble_is_not_asked_every_few_seconds(self, api, processing, time_machine) -> None:
        time_machine.move_to(timezone.now(), tick=False)
        api.trouble = [Unavailable("No answer.")]
        with pytest.raises(Unavailable):
            refreshing.look_at_all()
        time_machine.shift(20)
        refreshing.look_at_all()
        assert api.calls.count("list") == 1
        time_machine.shift(41)
        refreshing.look_at_all()
        assert api.calls.count("list") == 2


def with_progress(api, analysis):
    return replace(api.created[analysis.external_id], stage="recognising", fraction=0.42)


def test_a_result_that_our_code_cannot_take_expires_in_the_end(api, processing, monkeypatch) -> None:
    api.finish(processing.external_id)
    monkeypatch.setattr(judging, "findings", lambda *_args: 1 / 0)
    advance(processing.pk)
    assert again(processing).state == State.PROCESSING
    Analysis.objects.update(accepted_at=timezone.now() - timedelta(hours=73))
    make_due(processing)
    advance(processing.pk)
    assert again(processing).failure == Failure.EXPIRED


def test_a_long_call_is_read_before_the_transaction(api, processing, monkeypatch) -> None:
    depth = len(connection.savepoint_ids)
    seen = []
    monkeypatch.setattr(judging, "findings", lambda *_args: seen.append(len(connection.savepoint_ids)) or [])
    api.finish(processing.external_id)
    advance(processing.pk)
    assert (seen, again(processing).state) == ([depth], State.COMPLETED)


def test_numbers_beyond_reason_are_taken_as_none(api, processing) -> None:
    api.finish(
        processing.external_id,
        results={"compliance": {"identity_verification": {"verified": True, "timestamp": 10**400}}},
    )
    advance(processing.pk)
    assert again(processing).state == State.COMPLETED


class TestManyAtOnce:
    @pytest.fixture
    def many(self, api) -> list[Analysis]:
        rows = ProcessingFactory.create_batch(
            schedule.MOST_SINGLE_LOOKS + 5, accepted_at=timezone.now() - timedelta(minutes=3)
        )
        for row in rows:
            api.created[str(row.external_id)] = AnalysisSnapshot(id=str(row.external_id), status="processing")
        return rows

    def test_what_the_list_tells_is_not_asked_about_one_by_one(self, api, many) -> None:
        assert sweeping.sweep() == []
        assert api.calls == ["list"]

    def test_a_few_are_asked_about_one_by_one(self, api, many) -> None:
        Analysis.objects.filter(pk__in=[row.pk for row in many[4:]]).update(state=State.COMPLETED, next_attempt_at=None)
        assert len(sweeping.sweep()) == 4

    def test_what_ended_expired_or_was_announced_is_asked_about(self, api, many) -> None:
        ended, old, announced = many[:3]
        api.finish(ended.external_id)
        Analysis.objects.filter(pk=old.pk).update(accepted_at=timezone.now() - timedelta(hours=73))
        deliveries.accept(tokens.Token(announced.pk, 1), b"{}")
        assert set(sweeping.sweep()) == {ended.pk, old.pk, announced.pk}
        assert not collecting.is_worth_it()

    def test_an_api_that_lists_the_finished_as_well_hides_no_end(self, api, many, monkeypatch) -> None:
        Analysis.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=4))
        api.finish(many[0].external_id)
        monkeypatch.setattr(api, "list", lambda **_kw: ListPage(tuple(api.created.values()), more=False))
        assert sweeping.sweep() == [many[0].pk]


class TestCollecting:
    @pytest.fixture
    def ended(self, api) -> list[Analysis]:
        """Thirty that the API has finished, the news of which is due."""
        rows = ProcessingFactory.create_batch(30)
        for row in rows:
            api.created[str(row.external_id)] = AnalysisSnapshot(id=str(row.external_id), status="processing")
            api.finish(row.external_id)
        return rows

    def test_the_results_of_many_come_by_pages_of_the_list_and_not_by_a_request_each(
        self, api, ended, monkeypatch
    ) -> None:
        rung = []
        monkeypatch.setattr(tasks, "send", lambda task, *arguments: rung.append((task, arguments)))
        tasks.sweep()
        assert [task for task, _ in rung if task in {tasks.advance, tasks.collect}] == [tasks.collect]
        while rung:
            task, arguments = rung.pop()
            task(*arguments)
        assert {row.state for row in Analysis.objects.all()} == {State.COMPLETED}
        assert Segment.objects.count() == 3 * len(ended)
        assert Counter(api.calls) == {"list": 3}  # what is being worked on, and two pages of results

    def test_one_of_all_workers_begins(self, api, ended) -> None:
        assert collecting.take_turn()
        assert not collecting.take_turn()

    def test_a_page_never_holds_more_than_a_worker_can_carry(self, api, ended, monkeypatch) -> None:
        asked = []
        listed = api.list
        monkeypatch.setattr(api, "list", lambda **kw: (asked.append(kw["limit"]), listed(**kw))[1])
        assert collecting.collect(0) == collecting.PAGE
        assert asked == [20]

    def test_what_the_list_does_not_show_is_asked_about_one_by_one(self, api, ended, monkeypatch) -> None:
        api.created = {key: replace(snapshot, status="failed") for key, snapshot in api.created.items()}
        assert sweeping.sweep() == []
        assert collecting.collect(0) is None
        assert set(sweeping.sweep()) == {row.pk for row in ended}

    def test_a_list_that_is_refused_ends_it_until_later(self, api, ended) -> None:
        api.trouble = [Unavailable("Too large.", status=200)]
        assert collecting.collect(0) is None
        assert not collecting.take_turn()
        assert {row.state for row in Analysis.objects.all()} == {State.PROCESSING}

    def test_a_result_that_our_code_cannot_take_does_not_keep_the_others_from_theirs(
        self, api, ended, monkeypatch
    ) -> None:
        judge = judging.judge
        broken = ended[-1].pk
        monkeypatch.setattr(judging, "judge", lambda one, *rest: 1 / 0 if one.pk == broken else judge(one, *rest))
        collecting.collect(0)
        assert Analysis.objects.filter(state=State.COMPLETED).count() == collecting.PAGE - 1
        assert again(ended[-1]).state == State.PROCESSING
        assert again(ended[-1]).next_attempt_at > timezone.now()


class TestWebhooksThatCome:
    @pytest.fixture
    def webhooks(self, settings) -> None:
        settings.CALLCOV_EMBEDDED = False
        deliveries.accept(tokens.Token(CompletedFactory().pk, 1), b"{}")

    def test_polling_backs_off_while_they_come_and_is_back_when_they_do_not(self, webhooks, time_machine) -> None:
        assert refreshing.look_every() == timedelta(minutes=2)
        time_machine.move_to(timezone.now() + deliveries.LATELY)
        assert refreshing.look_every() == timedelta(seconds=20)

    def test_nobody_asks_about_a_new_one_for_three_minutes(self, api, queued, webhooks) -> None:
        advance(queued.pk)
        assert again(queued).next_attempt_at - timezone.now() > timedelta(minutes=2)

    def test_the_engine_is_asked_oftener_while_somebody_may_watch(self, settings, db) -> None:
        assert refreshing.look_every() == timedelta(seconds=5)
        ProcessingFactory.create_batch(refreshing.MANY_WATCHED + 1)
        assert refreshing.look_every() == timedelta(seconds=15)
