"""My work: what waits for a review, what needs attention, and where checks go wrong."""

import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callcov_portal.models import Analysis, BulkJob, Failure, LogEntry, Outcome, State
from tests.factories import NOON, AgentFactory, AnalysisFactory, CompletedFactory, FindingFactory, RecordingFactory
from tests.views.pages import link_named, links_of, numbers_of, text_of
from tests.working import work_all


def failed(failure: str, **kwargs) -> Analysis:
    return AnalysisFactory(
        state=State.FAILED, failure=failure, next_attempt_at=None, finished_at=timezone.now(), **kwargs
    )


def test_the_calls_that_wait_for_a_review_are_counted_and_listed(as_bob):
    for _ in range(3):
        CompletedFactory()
    CompletedFactory(recording=RecordingFactory(reviewed_at=NOON, verdict="pass"))
    AnalysisFactory()
    link = link_named(as_bob.get("/"), "Unreviewed calls 3")
    assert len(as_bob.get(link).context["rows"]) == 3


def test_counting_what_waits_stops(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.quality.home.COUNT_CAP", 2)
    for _ in range(4):
        CompletedFactory()
    assert "Unreviewed calls more than 2" in text_of(as_bob.get("/"))


def test_failures_stand_by_cause_with_what_to_do_and_one_button_where_they_may_be_retried(as_bob):
    for _ in range(2):
        failed(Failure.UNREACHABLE)
    failed(Failure.GAVE_UP, sent_at=NOON)  # something was sent: another POST might be billed twice
    failed(Failure.LOST)
    failed(Failure.DUPLICATE)
    page = as_bob.get("/")
    words = text_of(page)
    assert "The link could not be fetched 2 Check that the link opens, then retry. Retry these 2" in words
    assert words.count("Retry these") == 1
    assert "The same recording is there already" not in words
    for link, number in numbers_of(page):
        assert len(as_bob.get(link).context["rows"]) == number


def test_retry_these_retries_all_of_the_cause_once(as_bob, bob):
    some = [failed(Failure.UNREACHABLE) for _ in range(3)]
    other = failed(Failure.BLOCKED)
    page = as_bob.post("/retry/unreachable/", follow=True)
    assert "They are being retried" in text_of(page)
    assert "Retrying, 0 of 3" in text_of(page)
    assert "somebody has asked for it already" in text_of(as_bob.post("/retry/unreachable/", follow=True))
    work_all("bulk")
    assert set(Analysis.objects.filter(pk__in=[one.pk for one in some]).values_list("state", flat=True)) == {"queued"}
    other.refresh_from_db()
    assert other.state == State.FAILED
    assert BulkJob.objects.get().done == 3
    assert LogEntry.objects.filter(act="retried", user=bob).count() == 3
    assert LogEntry.objects.filter(act="retried all", user=bob).count() == 1


def test_what_cannot_be_retried_is_refused(as_bob):
    failed(Failure.LOST)
    assert as_bob.post("/retry/lost/").status_code == 404
    assert as_bob.post("/retry/nonsense/").status_code == 404
    assert not BulkJob.objects.exists()


def test_a_tile_leads_to_the_agents_worst_first_and_these_to_the_calls(as_bob):
    good, bad = AgentFactory(team="Claims"), AgentFactory(team="Claims")
    for agent, outcome in ((good, Outcome.MET), (bad, Outcome.OMITTED), (AgentFactory(), Outcome.OMITTED)):
        FindingFactory(analysis__recording=RecordingFactory(agent=agent, called_at=NOON), outcome=outcome)
    with time_machine.travel(NOON, tick=False):
        page = as_bob.get("/?team=Claims")
    [line] = page.context["map"].lines
    tile = line.tiles[-1]
    assert (tile.share.met, tile.share.n) == (1, 2)
    assert tile.url in links_of(page)
    agents = as_bob.get(tile.url)
    assert [one.agent for one in agents.context["page"]] == [bad, good]
    assert [number for _, number in numbers_of(agents)] == [1, 1, 1, 1, 1, 1, 1]
    for link, number in numbers_of(agents):
        assert len(as_bob.get(link).context["rows"]) == number


def test_with_no_calls_it_says_what_to_do(as_bob):
    page = as_bob.get("/")
    assert "No calls yet" in text_of(page)
    assert "/calls/add/" in links_of(page)


def test_the_page_costs_the_same_however_much_there_is(as_bob):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_bob.get("/?weeks=all").status_code == 200
        return len(captured)

    failed(Failure.UNREACHABLE)
    FindingFactory()
    before = queries()
    for number in range(5):
        failed(Failure.GAVE_UP)
        FindingFactory(check_id=f"check {number}")
    assert queries() == before <= 11
