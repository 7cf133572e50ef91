"""Who is sent next and when: full speed within the limits, the urgent first, and nobody who waits is touched."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import analyses, bulk, deliveries, gateway, pace, recordings, sweeping, tokens, turns
from callcov_portal.actions.advancing import advance
from callcov_portal.actions.batches import add_items, open_batch, take_link
from callcov_portal.models import Analysis, BatchItem, BulkAct, BulkJob, Call, Spending, State, Urgency, Way
from tests.factories import AnalysisFactory, CompletedFactory, ProcessingFactory
from tests.pacing import Clock, CountingApi, Workers, queue_up
from tests.working import again

MINUTES = 4


@pytest.fixture
def clock(time_machine, monkeypatch) -> Clock:
    clock = Clock(time_machine)
    monkeypatch.setattr(turns, "sleep", clock.sleep)
    return clock


@pytest.fixture
def far_api(clock, monkeypatch) -> CountingApi:
    api = CountingApi(clock=clock)
    monkeypatch.setattr(gateway, "api", lambda: api)
    return api


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("processes", "uploading"), [(1, (0.1, 1.0)), (4, (2.0, 10.0))], ids=["a process", "four processes, slow uploads"]
)
def test_a_thousand_that_wait_are_sent_at_98_percent_of_the_allowed_rate_and_none_is_refused(
    clock, far_api, monkeypatch, processes, uploading
) -> None:
    monkeypatch.setattr(turns, "STANDING", threading.BoundedSemaphore(processes))
    far_api.uploading = uploading
    began = timezone.now()
    queue_up(1000)
    Workers(clock, until=60.0 * MINUTES).run(monkeypatch)
    assert far_api.refused == []
    assert far_api.asked["create"] >= 0.98 * 20 * MINUTES
    untouched = Analysis.objects.filter(state=State.QUEUED, attempts=0, next_attempt_at=began)
    assert untouched.count() >= 1000 - 20 * MINUTES


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("webhooks", "most"), [(True, 2.2), (False, 2.0)], ids=["with webhooks", "without webhooks"])
def test_an_analysis_costs_few_requests_however_its_end_is_learnt(
    clock, far_api, monkeypatch, settings, webhooks, most
) -> None:
    settings.CALLCOV_EMBEDDED = False
    if webhooks:  # they came before
        deliveries.accept(tokens.Token(CompletedFactory().pk, 1), b"{}")
    queue_up(80)

    def finish() -> None:
        while clock.now < 480:
            for external_id in far_api.end_what_is_over():
                if webhooks:
                    pk = Analysis.objects.get(external_id=external_id).pk
                    deliveries.accept(tokens.Token(pk, 1), b"{}")
                    tasks.publish(pk)
            clock.sleep(1.0)

    Workers(clock, until=480).run(monkeypatch, finish)
    assert Analysis.objects.filter(state=State.COMPLETED, external_id__in=far_api.created).count() == 80
    assert far_api.refused == []
    assert far_api.asked.total() / 80 <= most, far_api.asked
    spent = Spending.objects.get()
    assert (spent.requests, spent.submissions, spent.completed) == (far_api.asked.total(), 80, 80)


@pytest.mark.django_db(transaction=True)
def test_what_a_person_adds_to_a_bulk_import_takes_the_next_place_that_comes_free(clock, far_api, monkeypatch) -> None:
    queue_up(100, urgency=Urgency.BULK)
    added: list[Analysis] = []

    def add_one() -> None:
        clock.sleep(100)
        added.extend(queue_up(1))
        tasks.publish(added[0].pk)

    Workers(clock, until=150).run(monkeypatch, add_one)
    order = [key for _, key in far_api.accepted]
    place = order.index(str(added[0].pk))
    later = [when for when, _ in far_api.accepted if when > 100]
    assert far_api.accepted[place][0] in later[:3]  # a place or two were taken ahead, for what was sent by then
    assert place < 100


@pytest.mark.django_db
class TestTurns:
    def test_the_most_urgent_goes_first_and_the_longest_due_of_those_alike(self, api) -> None:
        bulk_one, batch_one = queue_up(1, urgency=Urgency.BULK)[0], queue_up(1, urgency=Urgency.BATCH)[0]
        first, second = queue_up(2)
        Analysis.objects.filter(pk=first.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=9))
        order = []
        while turn := turns.stand():
            order.append(turn.analysis.pk)
            turns.send(turn)
        assert order == [first.pk, second.pk, batch_one.pk, bulk_one.pk]
        assert {one.state for one in Analysis.objects.all()} == {State.PROCESSING}

    def test_a_bell_for_something_less_urgent_changes_nothing(self, api) -> None:
        (later,), (first,) = queue_up(1, urgency=Urgency.BATCH), queue_up(1)
        assert not advance(later.pk)
        assert again(later).attempts == 0
        assert advance(first.pk)
        assert advance(later.pk)

    def test_nobody_stands_where_nothing_waits(self, api, db) -> None:
        assert turns.stand() is None
        assert not Call.objects.exists()

    def test_one_thread_of_a_process_stands_and_the_others_are_free(self, api) -> None:
        queue_up(1)
        with turns.alone():
            assert turns.stand() is None
        assert turns.stand()

    def test_a_place_that_is_far_ahead_is_not_waited_for(self, api, settings) -> None:
        settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 1
        pace.take(pace.SUBMISSION)
        queue_up(1)
        assert turns.stand() is None
        assert Call.objects.count() == 1

    @pytest.mark.parametrize("change", ["gone", "paused"])
    def test_a_place_for_which_there_is_nobody_any_more_is_given_back(self, api, monkeypatch, change) -> None:
        queue_up(1)

        def meanwhile(_seconds: float) -> None:
            if change == "gone":
                Analysis.objects.update(state=State.CANCELLED, next_attempt_at=None)
            else:
                pace.pause(30, "The API says so.")

        monkeypatch.setattr(turns, "sleep", meanwhile)
        assert turns.stand() is None
        assert not Call.objects.exists()

    def test_a_place_that_was_not_needed_is_given_back(self, api) -> None:
        queue_up(1)
        turn = turns.stand()
        Analysis.objects.update(recording=CompletedFactory().recording)  # whose file is not there
        turns.send(turns.Turn(Analysis.objects.select_related("recording").get(pk=turn.analysis.pk), turn.place))
        assert (api.calls, Call.objects.count()) == ([], 0)

    def test_what_waits_to_be_sent_keeps_nobody_from_asking_for_news(self, api) -> None:
        AnalysisFactory.create_batch(3, next_attempt_at=timezone.now() - timedelta(hours=1))
        working = ProcessingFactory()
        assert sweeping.sweep() == [working.pk]

    def test_the_sweep_hands_out_no_more_than_there_is_room_for(self, api, settings) -> None:
        settings.CALLCOV_API_REQUESTS_PER_MINUTE, settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 4, 1
        ProcessingFactory.create_batch(9, api_url="https://another.example", state=State.SENDING)
        assert len(sweeping.sweep()) == 3
        pace.pause(10, "The API says so.")
        assert sweeping.sweep() == []


@pytest.mark.django_db
class TestUrgency:
    def test_of_a_batch_the_first_few_are_waited_for(self) -> None:
        batch = open_batch(Way.LINKS, None, agent="rachel")
        links = [f"https://calls.example/{n}.wav" for n in range(recordings.A_FEW + 1)]
        for item in add_items(batch, [BatchItem(link=link) for link in links]):
            take_link(item)
        found = list(Analysis.objects.order_by("created_at").values_list("urgency", flat=True))
        assert found == [Urgency.PERSON] * recordings.A_FEW + [Urgency.BATCH]

    @pytest.mark.parametrize("way", [Way.FOLDER, Way.MANIFEST, Way.COMMAND])
    def test_what_comes_without_a_person_waits_longest(self, way) -> None:
        (item,) = add_items(open_batch(way, None, agent="rachel"), [BatchItem(link="https://calls.example/a.wav")])
        take_link(item)
        assert Analysis.objects.get().urgency == Urgency.BULK

    def test_analysing_one_call_again_is_urgent_and_many_is_not(self, alice) -> None:
        one, other = CompletedFactory(), CompletedFactory()
        assert analyses.analyse_again(one.recording, alice).urgency == Urgency.PERSON
        bulk.act_on(BulkJob(act=BulkAct.AGAIN, user=alice), other.recording.pk)
        assert Analysis.objects.get(replaces=other).urgency == Urgency.BATCH


@pytest.mark.django_db
def test_links_are_fetched_one_after_the_other_without_waiting_for_the_sweep(monkeypatch) -> None:
    fetched, rung = [], []
    AnalysisFactory.create_batch(3, needs_copy=True, recording__file="", recording__link="https://calls.example/a.wav")

    def fetch_copy(analysis: Analysis) -> bool:
        fetched.append(analysis.pk)
        Analysis.objects.filter(pk=analysis.pk).update(needs_copy=False)
        return False

    monkeypatch.setattr("callcov_portal.actions.fetching.fetch_copy", fetch_copy)
    monkeypatch.setattr(tasks, "send", lambda task, *_arguments: rung.append(task))
    rung.append(tasks.fetch_next)
    while rung:
        rung.pop()()
    assert len(set(fetched)) == 3
