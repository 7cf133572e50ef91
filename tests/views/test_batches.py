"""Batches on their pages: in = waiting + working + done + failed + duplicates + cancelled, and what is behind each number."""

import csv
import io
import re
import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.models import (
    Analysis,
    Batch,
    BatchItem,
    BatchState,
    BulkJob,
    Cause,
    Failure,
    Fate,
    LogEntry,
    Recording,
    State,
    Way,
)
from callcov_portal.models.batch import Sums
from callcov_portal.views import batches as views
from tests.factories import AgentFactory, AnalysisFactory, BatchFactory, BatchItemFactory, RecordingFactory
from tests.plans import plan_of
from tests.views.pages import link_named, text_of
from tests.working import work

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
TERMS = re.compile(r'<li[^>]*><a href="([^"]*)"[^>]*>([\d,]+)</a> <span>([a-z ]+)</span></li>')


def call_in(batch: Batch, state: State, failure: str = "", **fields: object) -> Recording:
    """Return a call that came of an item of a batch."""
    recording = RecordingFactory(batch=batch, agent=AgentFactory(), **fields)
    AnalysisFactory(recording=recording, state=state, failure=failure, detail=f"what happened to {recording.pk}")
    BatchItemFactory(batch=batch, fate=Fate.STORED, recording=recording)
    return recording


def batch_of_all(times: int = 1, **fields: object) -> Batch:
    """Return a batch in which each place has so many items."""
    batch = BatchFactory(state=BatchState.CLOSED, **fields)
    for _ in range(times):
        for fate in (Fate.WAITING, Fate.CANCELLED, Fate.STORED):
            BatchItemFactory(batch=batch, fate=fate)
        BatchItemFactory(batch=batch, fate=Fate.DUPLICATE, duplicate_of=RecordingFactory(), detail="the same")
        BatchItemFactory(batch=batch, fate=Fate.REFUSED, cause=Cause.NO_AGENT, detail="No agent is named.")
        BatchItemFactory(batch=batch, fate=Fate.REFUSED, cause=Failure.NOT_AUDIO, detail="It is a picture.")
        for state in (State.QUEUED, State.SENDING, State.PROCESSING, State.COMPLETED, State.CANCELLED):
            call_in(batch, state)
        for failure in (Failure.UNREACHABLE, Failure.GAVE_UP, Failure.ANALYSIS_FAILED, Failure.DUPLICATE):
            call_in(batch, State.FAILED, failure)
    return batch


def sum_of(response) -> dict[str, tuple[int, str]]:
    """Return the terms of the sum on a page, each with where its number leads."""
    return {word: (int(n.replace(",", "")), href) for href, n, word in TERMS.findall(response.content.decode())}


def names_on(response) -> list[str]:
    """Return the names of the items that a page shows, in their order."""
    return re.findall(r'<th role="rowheader" scope="row" class="long name" title="([^"]*)"', response.content.decode())


def all_names(client, address: str) -> list[str]:
    """Return the names on a page and on all behind it."""
    page = client.get(address)
    found = names_on(page)
    while 'rel="next"' in page.content.decode():
        page = client.get(link_named(page, "Next →"))
        found += names_on(page)
    return found


def test_the_sum_is_shown_and_adds_up(as_bob):
    found = sum_of(as_bob.get(batch_of_all().get_absolute_url()))
    numbers = {word: number for word, (number, _) in found.items()}
    assert numbers == {
        "in": 15, "waiting": 2, "in work": 2, "done": 1, "failed": 5, "duplicates": 2, "cancelled": 3,
    }  # fmt: skip
    assert numbers.pop("in") == sum(numbers.values())


@pytest.mark.parametrize("size", [2, 3, 50])
def test_each_number_leads_to_exactly_the_items_behind_it(as_bob, monkeypatch, size):
    monkeypatch.setattr(views, "PAGE_SIZE", size)
    batch = batch_of_all(times=2)
    BatchItemFactory(name="of another batch")
    of_parts: list[str] = []
    terms = sum_of(as_bob.get(batch.get_absolute_url()))
    everything = all_names(as_bob, terms.pop("in")[1])
    for number, href in terms.values():
        names = all_names(as_bob, href)
        assert len(names) == number
        of_parts += names
    assert everything == list(batch.items.values_list("name", flat=True))
    assert sorted(of_parts) == sorted(everything)


def test_pages_lead_back_as_they_led_on(as_bob, monkeypatch):
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    pages = [as_bob.get(batch_of_all().get_absolute_url() + "?part=failed")]
    for _ in range(2):
        pages.append(as_bob.get(link_named(pages[-1], "Next →")))
    assert "Next" not in text_of(pages[-1])
    back = as_bob.get(link_named(pages[-1], "← Previous"))
    assert names_on(back) == names_on(pages[1])
    first = as_bob.get(link_named(back, "← Previous"))
    assert names_on(first) == names_on(pages[0])
    assert "← Previous" not in text_of(first)


@pytest.mark.parametrize(
    "query", ["after=x", "after=gone.~7", "before=.~0", "after=.~" + "9" * 40, "part=items", "cause=x"]
)
def test_a_place_that_is_none_shows_the_batch_all_the_same(as_bob, query):
    assert as_bob.get(f"{batch_of_all().get_absolute_url()}?{query}").status_code == 200


def test_failures_are_grouped_by_cause_each_with_what_to_do(as_bob):
    batch = batch_of_all()
    page = as_bob.get(batch.get_absolute_url())
    words = text_of(page)
    for told in (
        "No agent is named not taken",
        "Enter an agent, or a pattern",
        "The link could not be fetched",
        "Check that the link opens",
    ):
        assert told in words
    address = next(
        link for link in re.findall(r'href="([^"]*cause=[^"]*)"', page.content.decode()) if "no_agent" in link
    )
    of_cause = as_bob.get(address)
    assert names_on(of_cause) == [batch.items.get(cause=Cause.NO_AGENT).name]


def test_every_cause_has_something_to_do():
    from callcov_portal.models.batch import WHAT_TO_DO_ABOUT_REFUSED

    assert set(WHAT_TO_DO_ABOUT_REFUSED) == {*Failure, *Cause}


def test_a_duplicate_names_the_call_that_it_duplicates(as_bob):
    batch = batch_of_all()
    original = batch.items.get(fate=Fate.DUPLICATE).duplicate_of
    late = Analysis.objects.get(failure=Failure.DUPLICATE)
    late.duplicate_of = RecordingFactory()
    late.save()
    page = as_bob.get(batch.get_absolute_url() + "?part=duplicates")
    for call in (original, late.duplicate_of):
        assert link_named(page, f"call #{call.pk}") == call.get_absolute_url()


def test_calls_of_the_same_sound_are_a_cause_with_what_to_do_but_no_retry(as_bob):
    batch = batch_of_all()
    late = Analysis.objects.get(failure=Failure.DUPLICATE)
    late.duplicate_of, late.detail = RecordingFactory(), "97% of it agrees."
    late.save()
    page = as_bob.get(batch.get_absolute_url())
    assert "If it is another call, open it and press Keep both." in text_of(page)
    assert 'id="retry-duplicate"' not in page.content.decode()
    address = next(
        link for link in re.findall(r'href="([^"]*cause=[^"]*)"', page.content.decode()) if "duplicate" in link
    )
    of_cause = as_bob.get(address)
    assert names_on(of_cause) == [late.recording.items.get().name]
    assert f"of call #{late.duplicate_of_id} . 97% of it agrees." in text_of(of_cause)
    row = next(row for row in csv.DictReader(io.StringIO(csv_of(as_bob, batch))) if row["cause"] == "duplicate")
    assert (row["call"], row["duplicate_of"]) == (str(late.recording_id), str(late.duplicate_of_id))
    assert (row["fate"], row["detail"]) == ("stored", "97% of it agrees.")
    assert sum_of(page)["failed"][0] == 5


def test_retry_these_retries_the_calls_of_this_batch_that_failed_for_this_cause(as_bob, bob):
    batch, other = batch_of_all(), batch_of_all()
    assert "Retry these 1" in text_of(as_bob.get(batch.get_absolute_url()))
    for _ in range(2):
        as_bob.post(f"{batch.get_absolute_url()}retry/unreachable/")
    job = BulkJob.objects.get()
    assert "Retrying, 0 of 1" in text_of(as_bob.get(batch.get_absolute_url()))
    work("bulk", job.pk)
    assert (batch.sums().waiting, other.sums().waiting) == (3, 2)
    assert Recording.objects.filter(failure=Failure.UNREACHABLE).get().batch == other
    assert LogEntry.objects.filter(user=bob, act="retried a batch").count() == 1


def test_what_was_sent_or_refused_is_not_offered_for_retry(as_bob):
    batch = BatchFactory()
    sent = call_in(batch, State.FAILED, Failure.GAVE_UP)
    Analysis.objects.filter(recording=sent).update(sent_at=datetime(2026, 3, 1, tzinfo=UTC))
    BatchItemFactory(batch=batch, fate=Fate.REFUSED, cause=Failure.UNREACHABLE)
    call_in(batch, State.FAILED, Failure.ANALYSIS_FAILED)
    assert "Retry these" not in text_of(as_bob.get(batch.get_absolute_url()))
    assert as_bob.post(f"{batch.get_absolute_url()}retry/analysis_failed/").status_code == 404


def test_cancel_lets_go_what_waits_and_leaves_the_rest(as_alice):
    batch, other = batch_of_all(), batch_of_all()
    before = batch.sums()
    for _ in range(2):
        as_alice.post(f"{batch.get_absolute_url()}cancel/")
    work("bulk", BulkJob.objects.get().pk)
    batch.refresh_from_db()
    assert batch.sums() == before._replace(waiting=0, cancelled=before.cancelled + 2)
    assert (batch.state, other.sums()) == (BatchState.CLOSED, before)


def test_who_made_a_batch_may_cancel_it_and_nobody_else_but_leads(as_bob, bob):
    own, others = batch_of_all(user=bob), batch_of_all()
    assert "Cancel what waits" in text_of(as_bob.get(own.get_absolute_url()))
    assert "Cancel what waits" not in text_of(as_bob.get(others.get_absolute_url()))
    assert as_bob.post(f"{own.get_absolute_url()}cancel/").status_code == 302
    assert as_bob.post(f"{others.get_absolute_url()}cancel/").status_code == 403
    assert others.sums().waiting == 2


def test_a_batch_in_which_something_moves_asks_again_and_hears_only_news(as_bob):
    batch = batch_of_all()
    again = re.search(r'hx-get="([^"]*)" hx-trigger="every 2s"', as_bob.get(batch.get_absolute_url()).content.decode())
    assert again
    address = again[1].replace("&amp;", "&")
    assert as_bob.get(address, headers=HTMX).status_code == 204
    Recording.objects.filter(batch=batch, state=State.PROCESSING).update(state=State.COMPLETED)
    news = as_bob.get(address, headers=HTMX)
    assert sum_of(news)["done"][0] == 2
    assert "<html" not in news.content.decode()


@pytest.mark.parametrize(
    ("state", "fate", "is_live"),
    [
        (BatchState.OPEN, Fate.REFUSED, True),
        (BatchState.IMPORTING, Fate.WAITING, True),
        (BatchState.CHECKED, Fate.WAITING, False),
        (BatchState.CLOSED, Fate.WAITING, True),
        (BatchState.CLOSED, Fate.REFUSED, False),
    ],
)
def test_it_asks_no_more_once_nothing_moves(as_bob, state, fate, is_live):
    batch = BatchFactory(state=state)
    BatchItemFactory(batch=batch, fate=fate)
    assert ("hx-trigger" in as_bob.get(batch.get_absolute_url()).content.decode()) is is_live


def test_the_page_says_who_made_it_when_how_and_what_holds_for_all(as_bob, bob):
    batch = BatchFactory(user=bob, way=Way.FOLDER, name="dialler", contact="everybody", pattern="{agent}_{contact}")
    words = text_of(as_bob.get(batch.get_absolute_url()))
    for told in ("Watched folder: dialler", "by bob", "agent rachel", "contact everybody", "{agent}_{contact}"):
        assert told in words


def test_a_name_is_written_as_text(as_bob):
    item = BatchItemFactory(name="<img src=x onerror=alert(1)>.wav", fate=Fate.REFUSED, cause="new_one", detail="<b>")
    page = as_bob.get(item.batch.get_absolute_url()).content.decode()
    assert "<img src=x" not in page
    assert "new_one" in page


def test_a_link_to_sound_that_is_muted_is_for_who_may_hear_it(as_bob, as_dora):
    batch = BatchFactory()
    call = call_in(batch, State.COMPLETED, muting="done")
    BatchItem.objects.filter(recording=call).update(name="", link="https://secret.example/a.mp3")
    page = batch.get_absolute_url()
    assert "secret.example" not in as_bob.get(page).content.decode()
    assert "secret.example" in as_dora.get(page).content.decode()
    assert "secret.example" not in csv_of(as_dora, batch)


def csv_of(client, batch: Batch) -> str:
    answer = client.get(f"{batch.get_absolute_url()}fates.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return b"".join(answer.streaming_content).decode()


def test_the_fates_as_csv_have_a_row_for_every_item(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.exports.fates.AT_ONCE", 4)
    batch = batch_of_all()
    refused = batch.items.get(cause=Cause.NO_AGENT)
    BatchItem.objects.filter(pk=refused.pk).update(
        name="=HYPERLINK()", agent="", called_at=datetime(2026, 3, 1, 9, tzinfo=UTC)
    )
    rows = list(csv.DictReader(io.StringIO(csv_of(as_bob, batch))))
    assert [int(row["position"]) for row in rows] == list(batch.items.values_list("position", flat=True))
    row = next(row for row in rows if row["cause"] == "no_agent")
    assert (row["name"], row["agent"], row["fate"], row["detail"], row["called_at"]) == (
        "'=HYPERLINK()", "rachel", "refused", "No agent is named.", "2026-03-01T09:00:00+00:00",
    )  # fmt: skip
    call = Recording.objects.get(batch=batch, failure=Failure.UNREACHABLE)
    row = next(row for row in rows if row["call"] == str(call.pk))
    assert (row["fate"], row["cause"], row["analysis"], row["agent"]) == (
        "stored", "unreachable", "failed", call.agent.identifier,
    )  # fmt: skip
    assert row["detail"] == f"what happened to {call.pk}"
    assert sum(row["fate"] == "deleted" for row in rows) == 1
    duplicate = next(row for row in rows if row["fate"] == "duplicate")
    assert duplicate["duplicate_of"] == str(batch.items.get(fate=Fate.DUPLICATE).duplicate_of_id)


def test_the_fates_may_begin_with_a_byte_order_mark(as_bob):
    answer = as_bob.get(f"{BatchFactory().get_absolute_url()}fates.csv?bom=1")
    assert next(iter(answer.streaming_content)).startswith(b"\xef\xbb\xbfposition,name,link,")


def test_the_list_shows_the_newest_first_each_with_its_sum(as_bob, monkeypatch):
    monkeypatch.setattr(views, "BATCHES_SHOWN", 2)
    old, middle, new = (batch_of_all(name=name) for name in ("old", "middle", "new"))
    page = as_bob.get("/batches/")
    assert re.findall(r"Files: (\w+)</a>", page.content.decode()) == ["new", "middle"]
    numbers = re.findall(r'data-label="(\w+)[^"]*"><a[^>]* href="([^"]*)">(\d+)</a>', page.content.decode())
    assert [(word, int(number)) for word, _, number in numbers[:7]] == [
        ("In", 15), ("Waiting", 2), ("In", 2), ("Done", 1), ("Failed", 5), ("Duplicates", 2), ("Cancelled", 3),
    ]  # fmt: skip
    assert numbers[4][1] == f"{new.get_absolute_url()}?part=failed#items"
    older = as_bob.get("/batches/" + link_named(page, "Older →"))
    assert re.findall(r"Files: (\w+)</a>", older.content.decode()) == ["old"]
    newer = as_bob.get("/batches/" + link_named(older, "← Newer"))
    assert re.findall(r"Files: (\w+)</a>", newer.content.decode()) == ["new", "middle"]
    assert middle.sums() == old.sums() == Sums(15, 2, 2, 1, 5, 2, 3)


@pytest.mark.parametrize("query", ["before=x", "after=2026_1", "before=0001-01-01T00:00:00%2B14:00_" + "0" * 32])
def test_a_place_in_the_list_that_is_none_shows_the_first_page(as_bob, query):
    batch_of_all(name="only")
    assert as_bob.get(f"/batches/?{query}").status_code == 200


def test_the_calls_of_a_batch_are_a_filter_of_the_list(as_bob):
    batch = batch_of_all()
    batch_of_all()
    page = as_bob.get(f"/calls/?batch={batch.pk}")
    assert page.context["count"] == "9 calls"
    assert "Only the calls of the batch Files," in text_of(page)
    assert as_bob.get(f"/calls/?batch={batch.pk}&state=failed&failure=unreachable").context["count"] == "1 call"
    assert as_bob.get(f"/calls/?batch={batch.pk}&state=queued&state=failed").context["count"] == "5 calls"
    assert as_bob.get(f"/calls/?batch={uuid.uuid4()}").context["count"] == "0 calls"
    assert as_bob.get("/calls/?batch=x").status_code == 422


def test_the_calls_of_a_batch_come_in_order_out_of_an_index(as_bob):
    batch = batch_of_all()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        as_bob.get(f"/calls/?batch={batch.pk}")
    ordered = [one["sql"] for one in asked if "ORDER BY" in one["sql"] and batch.pk.hex in one["sql"].replace("-", "")]
    assert ordered
    if connection.vendor == "sqlite":
        plan = " ".join(plan_of(ordered[0]))
        assert "recording_of_batch_by_time" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("address", ["/batches/", "/batches/{}/", "/batches/{}/?part=failed", "/batches/{}/fates.csv"])
def test_ten_of_everything_cost_as_many_queries_as_twenty(as_bob, address):
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            answer = as_bob.get(address.format(batch.pk))
            list(answer.streaming_content) if answer.streaming else None
        return len(asked)

    batch = batch_of_all(times=3)
    cost()
    few = cost()
    for number in range(3):
        batch_of_all(name=f"another {number}")
        AnalysisFactory()
    more = batch_of_all(times=3)
    Recording.objects.filter(batch=more).update(batch=batch)
    for item in more.items.all():
        BatchItem.objects.filter(pk=item.pk).update(batch=batch, position=item.position + 1000)
    assert cost() == few <= 20
