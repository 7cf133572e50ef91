"""The limits, kept by all workers together."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from callcov_portal.actions import gateway, pace
from callcov_portal.client.errors import Unavailable
from callcov_portal.client.types import RateLimit
from callcov_portal.models import Analysis, Call, Signal, Spending
from tests.factories import AnalysisFactory
from tests.fakes import FakeApi


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_exactly_as_many_pass_as_the_limit_allows(settings) -> None:
    settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 5
    passed = []

    def worker() -> None:
        try:
            for _ in range(4):
                try:
                    pace.take(pace.SUBMISSION)
                    passed.append(1)
                except pace.TooSoon:
                    pass
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 5


@pytest.mark.django_db
class TestOneWorker:
    def test_a_place_is_free_again_when_the_window_has_passed(self, settings, time_machine) -> None:
        settings.CALLCOV_API_REQUESTS_PER_MINUTE = 1
        time_machine.move_to("2026-03-02T12:00:00Z", tick=False)
        pace.take(pace.REQUEST)
        with pytest.raises(pace.TooSoon) as refused:
            pace.take(pace.REQUEST)
        time_machine.move_to(refused.value.until + timedelta(milliseconds=1), tick=False)
        pace.take(pace.REQUEST)

    def test_an_answer_frees_a_place_a_minute_later_and_a_slow_upload_no_later_than_if_it_were_quick(
        self, settings, time_machine
    ) -> None:
        settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 1
        for answer, expected in ((0.2, 0.2), (30.0, 1.0)):
            time_machine.move_to("2026-03-02T12:00:00Z", tick=False)
            began, place = timezone.now(), pace.take(pace.SUBMISSION)
            time_machine.shift(answer)
            pace.note_answered(place)
            with pytest.raises(pace.TooSoon) as refused:
                pace.take(pace.SUBMISSION)
            assert refused.value.until == began + timedelta(seconds=expected) + pace.WINDOW
            Call.objects.all().delete()

    def test_a_place_that_comes_free_soon_is_taken_ahead_and_only_once(self, settings, time_machine) -> None:
        settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 2
        time_machine.move_to("2026-03-02T12:00:00Z", tick=False)
        pace.take(pace.SUBMISSION)
        time_machine.shift(2)
        pace.take(pace.SUBMISSION)
        time_machine.shift(57)
        soon = timedelta(seconds=8)
        first, second = (pace.take(pace.SUBMISSION, within=soon).at - timezone.now() for _ in range(2))
        assert second - first == timedelta(seconds=2)
        with pytest.raises(pace.TooSoon):
            pace.take(pace.SUBMISSION, within=soon)

    def test_a_place_that_is_given_back_is_free_and_costs_nothing(self, settings) -> None:
        settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 1
        pace.give_back(place := pace.take(pace.SUBMISSION, pace.REQUEST))
        pace.give_back(place)
        pace.take(pace.SUBMISSION, pace.REQUEST)
        assert Call.objects.count() == 2
        assert Spending.objects.values_list("requests", "submissions").get() == (1, 1)

    def test_questions_leave_room_for_the_submissions_to_come(self, settings) -> None:
        settings.CALLCOV_API_REQUESTS_PER_MINUTE, settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 10, 4
        asked = 0
        while pace.room():
            pace.take(pace.REQUEST)
            asked += 1
        assert asked == 6
        with pytest.raises(pace.TooSoon):
            pace.take(pace.REQUEST)
        for _ in range(4):
            pace.take(pace.SUBMISSION, pace.REQUEST)

    def test_a_question_that_is_asked_once_more_at_once_counts_too(self, settings) -> None:
        settings.CALLCOV_API_REQUESTS_PER_MINUTE = 1
        pace.note_repeat()
        with pytest.raises(pace.TooSoon):
            pace.take(pace.REQUEST)

    def test_a_pause_of_submissions_does_not_keep_anybody_from_asking(self) -> None:
        pace.pause(30, "The limit of submissions is used up.", pace.SUBMISSION)
        pace.take(pace.REQUEST)
        with pytest.raises(pace.TooSoon):
            pace.take(pace.SUBMISSION, pace.REQUEST)

    def test_a_refusal_in_one_bucket_takes_nothing_from_the_other(self, settings) -> None:
        settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 1
        pace.take(pace.SUBMISSION, pace.REQUEST)
        with pytest.raises(pace.TooSoon):
            pace.take(pace.SUBMISSION, pace.REQUEST)
        assert Call.objects.filter(bucket=pace.REQUEST).count() == 1

    def test_a_pause_is_capped_at_fifteen_minutes(self) -> None:
        pace.pause(10**9, "The API says so.")
        assert Signal.objects.get(name=pace.PAUSE).until <= timezone.now() + timedelta(minutes=15)

    def test_a_shorter_pause_does_not_cut_a_longer_one(self) -> None:
        pace.pause(600, "long")
        pace.pause(1, "short")
        assert Signal.objects.get(name=pace.PAUSE).text == "long"

    def test_old_calls_are_forgotten(self, time_machine) -> None:
        time_machine.move_to("2026-03-02T12:00:00Z")
        pace.take(pace.REQUEST)
        time_machine.shift(200)
        pace.forget_old_calls()
        assert not Call.objects.exists()

    def test_remaining_zero_makes_everybody_wait_for_the_reset(self, monkeypatch) -> None:
        fake = FakeApi(last_rate=RateLimit(100, 0, timezone.now().timestamp() + 20))
        monkeypatch.setattr(gateway, "api", lambda: fake)
        with gateway.speaking(pace.REQUEST):
            pass
        with pytest.raises(pace.TooSoon):
            pace.take(pace.REQUEST)

    def test_an_answer_about_the_smaller_limit_pauses_submissions_alone(self, monkeypatch) -> None:
        fake = FakeApi(last_rate=RateLimit(20, 0, timezone.now().timestamp() + 20))
        monkeypatch.setattr(gateway, "api", lambda: fake)
        with gateway.submitting(pace.take(pace.SUBMISSION, pace.REQUEST)):
            pass
        pace.take(pace.REQUEST)
        with pytest.raises(pace.TooSoon):
            pace.take(pace.SUBMISSION)

    def test_a_limit_that_our_own_log_knows_to_be_used_up_needs_no_pause(self, monkeypatch, settings) -> None:
        settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 1
        fake = FakeApi(last_rate=RateLimit(1, 0, timezone.now().timestamp() + 70))
        monkeypatch.setattr(gateway, "api", lambda: fake)
        with gateway.submitting(pace.take(pace.SUBMISSION, pace.REQUEST)):
            pass
        assert not Signal.objects.filter(name__startswith=pace.PAUSE).exists()

    def test_a_wait_that_the_api_asks_for_is_kept(self, monkeypatch) -> None:
        monkeypatch.setattr(gateway, "api", FakeApi)
        with pytest.raises(Unavailable), gateway.speaking(pace.REQUEST):
            raise Unavailable("Back soon.", retry_after=30)
        with pytest.raises(pace.TooSoon):
            pace.take(pace.REQUEST)

    def test_trouble_keeps_the_time_it_began_and_the_newest_cause(self, monkeypatch) -> None:
        monkeypatch.setattr(gateway, "api", FakeApi)
        for cause in ("No such host.", "No answer."):
            with pytest.raises(Unavailable), gateway.speaking():
                raise Unavailable(cause)
            began = Signal.objects.get(name=gateway.TROUBLE).at
        trouble = Signal.objects.get(name=gateway.TROUBLE)
        assert (trouble.text, trouble.at) == ("No answer.", began)

    def test_a_429_without_a_word_on_how_long_makes_everybody_wait(self, monkeypatch) -> None:
        monkeypatch.setattr(gateway, "api", FakeApi)
        with pytest.raises(Unavailable), gateway.speaking():
            raise Unavailable("Too many.", status=429)
        with pytest.raises(pace.TooSoon):
            pace.take(pace.REQUEST)

    def test_a_clock_that_is_set_back_stops_nobody(self, settings, time_machine) -> None:
        settings.CALLCOV_API_REQUESTS_PER_MINUTE = 1
        time_machine.move_to("2026-03-02T13:00:00Z")
        pace.take(pace.REQUEST)
        pace.pause(600, "The API says so.")
        assert pace.take_turn("look", timedelta(seconds=5))
        analysis = AnalysisFactory(next_attempt_at=timezone.now())
        time_machine.move_to("2026-03-02T12:00:00Z")
        pace.take(pace.REQUEST)
        assert pace.take_turn("look", timedelta(seconds=5))
        assert not pace.take_turn("look", timedelta(seconds=5))
        assert list(Analysis.objects.due(timezone.now())) == [analysis]

    def test_a_call_counts_from_when_it_is_made_and_not_from_when_its_turn_was_asked_for(
        self, time_machine, monkeypatch
    ) -> None:
        time_machine.move_to("2026-03-02T12:00:00Z", tick=False)
        monkeypatch.setattr(pace, "lock", lambda _number: time_machine.shift(4))
        assert pace.take(pace.REQUEST).at == timezone.now()
        assert Call.objects.get().at == timezone.now() + pace.ON_THE_WAY
