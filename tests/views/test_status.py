"""The status page, the health check and the banner."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callcov_portal.actions import gateway, pace, recordings, sweeping
from callcov_portal.models import Delivery, Failure, LogEntry, Recording, Signal, Spending, State
from callcov_portal.models.recording import Muting
from callcov_portal.models.states import WHAT_TO_DO
from tests.factories import AnalysisFactory, CompletedFactory, ProcessingFactory, RecordingFactory
from tests.views.pages import link_named, links_of, text_of

SUM = re.compile(r"(\d+) in (\d+) waiting (\d+) in work (\d+) done (\d+) failed (\d+) duplicates (\d+) cancelled")


def failed(failure: Failure, **kwargs):
    return AnalysisFactory(state=State.FAILED, failure=failure, next_attempt_at=None, **kwargs)


def signal(name: str, ago: float = 0.0, text: str = "", **kwargs) -> Signal:
    return Signal.objects.create(name=name, at=timezone.now() - timedelta(seconds=ago), text=text, **kwargs)


@pytest.fixture
def one_of_each(db) -> None:
    """Thirteen calls, one of them analysed a second time."""
    AnalysisFactory.create_batch(3)
    ProcessingFactory(state=State.SENDING)
    ProcessingFactory()
    CompletedFactory.create_batch(2)
    failed(Failure.NOT_AUDIO)
    failed(Failure.NOT_AUDIO)
    failed(Failure.REFUSED)
    failed(Failure.DUPLICATE)
    AnalysisFactory(state=State.CANCELLED, next_attempt_at=None)
    again = RecordingFactory()
    failed(Failure.LOST, recording=again)
    CompletedFactory(recording=again)


def test_what_came_in_is_the_sum_of_where_it_is_now(as_bob, one_of_each):
    numbers = [int(n) for n in SUM.search(text_of(as_bob.get("/status/"))).groups()]
    assert numbers == [13, 3, 2, 3, 3, 1, 1]
    assert numbers[0] == sum(numbers[1:]) == Recording.objects.count()


def test_every_number_of_the_sum_links_to_exactly_its_calls(as_bob, one_of_each):
    page = as_bob.get("/status/")
    body = page.content.decode()
    found = re.findall(r'<a href="(/calls/[^"]*)">(\d+)</a> <span>', body)
    assert len(found) == 6
    for link, number in found:
        listed = as_bob.get(link.replace("&amp;", "&")).context["count"]
        assert listed == ("1 call" if number == "1" else f"{number} calls"), link


def test_failures_are_grouped_by_cause_with_what_to_do_and_the_calls(as_bob, one_of_each):
    page = as_bob.get("/status/")
    assert f"No audio in it 2 {WHAT_TO_DO[Failure.NOT_AUDIO]}" in text_of(page)
    assert f"The API refused it 1 {WHAT_TO_DO[Failure.REFUSED]}" in text_of(page)
    assert WHAT_TO_DO[Failure.LOST] + " " not in text_of(page).split("Failures by cause")[1]
    link = "/calls/?state=failed&failure=not_audio"
    assert link in links_of(page)
    assert as_bob.get(link).context["count"] == "2 calls"


def test_without_failures_the_page_says_so(as_bob):
    assert "No failures" in text_of(as_bob.get("/status/"))


def test_calls_whose_sound_could_not_be_muted_are_named_with_the_reason(as_bob):
    spoilt = RecordingFactory(muting=Muting.FAILED, muting_detail="The file is damaged.")
    RecordingFactory(muting=Muting.DONE)
    page = as_bob.get("/status/")
    assert f"Call Why #{spoilt.pk} The file is damaged." in text_of(page)
    assert link_named(page, f"#{spoilt.pk}") == f"/calls/{spoilt.pk}/"
    spoilt.delete()
    assert "could not be muted" not in text_of(as_bob.get("/status/"))


def test_the_page_says_when_the_api_was_last_heard_of(as_bob):
    page = text_of(as_bob.get("/status/"))
    assert "Its last answer None yet" in page
    assert "Last webhook None yet" in page
    analysis = ProcessingFactory()
    Delivery.objects.create(
        analysis=analysis, submission=1, received_at=datetime(2024, 5, 6, 7, 8, tzinfo=UTC),
        event="call.completed", body_sha256="0" * 64, body_size=2,
    )  # fmt: skip
    Signal.objects.create(name=gateway.ANSWER, at=datetime(2024, 6, 7, 8, 9, tzinfo=UTC))
    page = text_of(as_bob.get("/status/"))
    assert "Its last answer 7 Jun 2024, 08:09" in page
    assert "Last webhook 6 May 2024, 07:08 call.completed" in page


def test_the_page_names_the_api_and_never_its_key(as_bob, settings):
    settings.CALLCOV_API_KEY = "sk_live_secret"
    assert "The embedded engine" in text_of(as_bob.get("/status/"))
    settings.CALLCOV_EMBEDDED, settings.CALLCOV_API_URL = False, "https://api.example.com/api/v1"
    page = as_bob.get("/status/")
    assert "https://api.example.com/api/v1" in text_of(page)
    assert b"sk_live" not in page.content


def test_trouble_and_pause_are_shown_while_they_last(as_bob):
    signal(gateway.TROUBLE, 600, "The API says: invalid key.")
    signal(pace.PAUSE, 5, "The API's limit is used up.", until=timezone.now() + timedelta(seconds=30))
    page = text_of(as_bob.get("/status/"))
    assert "The API says: invalid key." in page
    assert "The API's limit is used up." in page
    Signal.objects.filter(name=pace.PAUSE).update(until=timezone.now() - timedelta(seconds=1))
    assert "used up" not in text_of(as_bob.get("/status/"))


@pytest.mark.parametrize(("ago", "words"), [(5, "Worker ✓ Runs"), (59, "Worker ✓ Runs"), (61, "Worker ✕ Does not run")])
def test_a_worker_that_was_silent_for_a_minute_is_red(as_bob, ago, words):
    signal(sweeping.SWEPT, ago)
    assert words in text_of(as_bob.get("/status/"))


def test_a_worker_that_was_never_seen_is_red_once_something_is_due_for_a_minute(as_bob):
    assert "Not seen yet" in text_of(as_bob.get("/status/"))
    AnalysisFactory(next_attempt_at=timezone.now() - timedelta(seconds=61))
    assert "Does not run Never seen." in text_of(as_bob.get("/status/"))


def test_analyses_and_minutes_of_this_month_are_counted_in_the_portals_zone(as_bob, settings):
    settings.TIME_ZONE = "Asia/Tokyo"  # the month begins nine hours before that of UTC
    with time_machine.travel("2026-03-15T12:00:00Z"):
        for sent in ("2026-02-28T14:59:59Z", "2026-02-28T15:00:01Z", "2026-03-10T00:00:00Z"):
            ProcessingFactory(sent_at=datetime.fromisoformat(sent), recording__duration_seconds=90)
        ProcessingFactory(sent_at=timezone.now(), recording__duration_seconds=None)
        assert "Analyses sent 3 in March 2026 Minutes sent 3 " in text_of(as_bob.get("/status/"))


def test_what_was_sent_counts_also_after_its_call_is_deleted(as_bob, bob):
    sent = ProcessingFactory(recording__duration_seconds=90)
    AnalysisFactory(recording=sent.recording)
    recordings.delete(sent.recording, bob)
    assert "Analyses sent 1 in" in text_of(as_bob.get("/status/"))
    assert "Minutes sent 1.5 " in text_of(as_bob.get("/status/"))


@pytest.mark.parametrize(
    ("free", "words"),
    [(100e9, "Disk 100.0"), (1e9, "Nearly full"), (100e6, "Full")],
)
def test_the_page_warns_before_the_disk_is_full(as_bob, monkeypatch, free, words):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": int(free), "total": int(200e9)}))
    page = text_of(as_bob.get("/status/")).replace("93.1", "100.0")
    assert words in page
    assert ("Uploads are refused" in page) == (free < 2e9)


def test_what_analyses_cost_in_requests_is_shown_with_the_submissions_of_the_last_minute(as_bob, settings):
    settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 20
    assert "0 in the last seven days; no analysis was completed" in text_of(as_bob.get("/status/"))
    today = timezone.localdate()
    for ago, requests, completed in ((0, 130, 60), (6, 86, 40), (7, 5000, 1)):
        day = today - timedelta(days=ago)
        Spending.objects.create(day=day, requests=requests, completed=completed)
    pace.take(pace.SUBMISSION, pace.REQUEST)
    page = text_of(as_bob.get("/status/"))
    assert "Submissions 1 in the last minute, of 20 allowed" in page
    assert "Requests 2.2 for each analysis of the last seven days (217 for 100)" in page


def test_leads_see_what_people_did_and_reviewers_do_not(as_alice, as_bob, alice):
    call = RecordingFactory()
    LogEntry.objects.create(user=alice, act="edited", recording_number=call.pk, text="agent: a → b")
    LogEntry.objects.create(user=None, act="deleted", recording_number=call.pk + 1)
    page = as_alice.get("/status/")
    assert f"alice edited call #{call.pk} agent: a → b" in text_of(page)
    assert f"the system deleted call #{call.pk + 1}" in text_of(page)
    assert f"/calls/{call.pk}/" in links_of(page)
    assert f"/calls/{call.pk + 1}/" not in links_of(page)
    assert "edited" not in text_of(as_bob.get("/status/"))


def test_the_page_asks_for_itself_and_gets_only_its_part(as_bob):
    assert b'hx-trigger="every 15s"' in as_bob.get("/status/").content
    part = as_bob.get("/status/", headers={"HX-Request": "true"})
    assert part.content.strip().startswith(b'<div id="status"')
    assert b"<html" not in part.content


def test_the_page_costs_the_same_however_much_there_is(as_alice, alice, one_of_each):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            as_alice.get("/status/")
        return len(captured)

    signal(sweeping.SWEPT)
    before = queries()
    for failure in Failure:
        failed(failure)
    CompletedFactory.create_batch(10)
    RecordingFactory.create_batch(30, muting=Muting.FAILED)
    for number in range(20):
        LogEntry.objects.create(user=alice, act="edited", recording_number=number)
    assert queries() == before <= 16


def test_health_is_open_to_all_and_says_nothing_more(as_charlie, db):
    answer = as_charlie.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_health_is_503_without_a_database(as_charlie, monkeypatch):
    def away(*_args):
        raise OperationalError("secret details")

    monkeypatch.setattr(connection, "cursor", away)
    answer = as_charlie.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})


def test_health_opens_before_a_one_time_password_is_changed(as_bob, bob):
    bob.must_change_password = True
    bob.save()
    assert as_bob.get("/health").status_code == 200


def test_no_banner_while_all_is_well(as_bob):
    signal(sweeping.SWEPT, 10)
    assert b'class="banner"' not in as_bob.get("/calls/").content


def test_every_page_says_that_the_api_does_not_work_and_since_when(as_bob):
    signal(sweeping.SWEPT, 1)
    Signal.objects.create(name=gateway.TROUBLE, at=datetime(2024, 5, 6, 7, 8, tzinfo=UTC), text="It says 401")
    for address in ("/calls/", "/calls/add/", "/status/", "/no-such-page/"):
        page = text_of(as_bob.get(address))
        assert "The API does not work: It says 401. Calls wait; none is lost. Since 6 May 2024, 07:08 ." in page


def test_one_banner_and_the_workers_silence_comes_first(as_bob):
    signal(sweeping.SWEPT, 120)
    signal(gateway.TROUBLE, 600, "It says 401.")
    body = as_bob.get("/calls/").content
    assert body.count(b'class="banner"') == 1
    assert b"The worker does not run" in body


def test_a_stranger_sees_neither_banner_nor_status(as_charlie, db):
    signal(sweeping.SWEPT, 120)
    assert b'class="banner"' not in as_charlie.get("/login/").content
    assert as_charlie.get("/status/").status_code == 302


def test_the_banner_costs_one_query(as_bob):
    signal(sweeping.SWEPT, 1)
    with CaptureQueriesContext(connection) as captured:
        as_bob.get("/calls/add/")
    assert sum("portal_signal" in query["sql"] for query in captured) == 1


def test_a_link_out_of_the_sum_is_named_once(as_bob, one_of_each):
    assert link_named(as_bob.get("/status/"), "13") == "/calls/"


def test_a_watched_folder_is_shown_with_what_hinders_it(as_bob):
    now = timezone.now()
    Signal.objects.create(name="watch.1", at=now, text="/calls/in\n")
    Signal.objects.create(
        name="watch.2", at=now - timedelta(minutes=9), until=now, text="/share\na.wav: Permission denied"
    )
    Signal.objects.create(name="watch.3", at=now - timedelta(days=8), text="/long/ago\n")
    words = text_of(as_bob.get("/status/"))
    assert "Watched folder /calls/in looked at" in words
    assert "Watched folder /share" in words
    assert "Nobody looks since" in words
    assert "a.wav: Permission denied" in words
    assert "/long/ago" not in words
