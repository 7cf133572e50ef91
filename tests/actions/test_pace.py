"""The limits, kept by all workers together."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from callcov_portal.actions import gateway, pace
from callcov_portal.client.errors import Unavailable
from callcov_portal.client.types import RateLimit
from callcov_portal.models import Analysis, Call, Signal
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
        monkeypatch.setattr(pace, "lock", lambda: time_machine.shift(4))
        pace.take(pace.REQUEST)
        assert Call.objects.get().at == timezone.now()
