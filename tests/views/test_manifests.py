"""A manifest on its pages: chosen, its columns said, its dry run followed, confirmed once."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.actions import linkchecks
from callcov_portal.models import Batch, BatchItem, BatchState, Cause, Failure, Recording, Way
from tests.factories import BatchFactory, BatchItemFactory, ManifestFactory
from tests.views.pages import text_of
from tests.working import work, work_all

HTMX = {"HX-Request": "true"}
TABLE = "link,agent,duration\nhttps://f.example/a.wav,nora,90\nhttps://f.example/b.wav,sam,\n,sam,\n"


@pytest.fixture(autouse=True)
def no_servers(monkeypatch):
    """Every link answers as if it were a recording: what servers say is tested elsewhere."""
    monkeypatch.setattr(linkchecks, "looked_at", lambda items: [linkchecks.Verdict(item) for item in items])


def sent(client, content: str | bytes, name: str = "calls.csv", **fields):
    content = content.encode() if isinstance(content, str) else content
    return client.post("/batches/new/manifest/", {"file": SimpleUploadedFile(name, content), **fields})


def checked(client, content: str = TABLE, **fields) -> Batch:
    sent(client, content, **fields)
    work_all("batch")
    batch = Batch.objects.latest("created_at")
    assert batch.state == BatchState.CHECKED
    return batch


def test_a_table_is_read_checked_shown_and_imported(as_bob, bob):
    response = sent(as_bob, TABLE)
    batch = Batch.objects.get()
    assert (batch.user, batch.name, response["Location"]) == (bob, "calls.csv", f"/batches/{batch.pk}/manifest/")
    page = as_bob.get(response["Location"])
    assert "Being read : 0 rows so far" in text_of(page)
    assert 'hx-trigger="every 2s"' in page.content.decode()
    work("batch", batch.pk)
    assert "Being checked : 1 of 3" in text_of(as_bob.get(response["Location"], headers=HTMX))
    work_all("batch")
    page = as_bob.get(response["Location"])
    words = text_of(page)
    assert "2 recordings, about 2 min and 1 whose length is not known yet" in words
    assert "1 row with trouble is left out" in words
    assert "link: There is no link." in words
    assert "hx-trigger" not in page.content.decode().split('id="manifest"')[1].split("<table")[0]
    assert "nora" in text_of(as_bob.get(response["Location"] + "?show=good"))
    assert not Recording.objects.exists()
    done = as_bob.post(f"/batches/{batch.pk}/manifest/import/")
    assert done["Location"] == batch.get_absolute_url()
    work_all("batch")
    assert Recording.objects.filter(batch=batch).count() == 2


def test_imported_twice_it_is_imported_once_and_its_page_leads_to_the_batch(as_bob):
    batch = checked(as_bob)
    for _ in range(2):
        as_bob.post(f"/batches/{batch.pk}/manifest/import/")
    work_all("batch")
    assert Recording.objects.count() == 2
    address = f"/batches/{batch.pk}/manifest/"
    assert as_bob.get(address)["Location"] == batch.get_absolute_url()
    assert as_bob.get(address, headers=HTMX)["HX-Redirect"] == batch.get_absolute_url()
    assert "imported already" in text_of(as_bob.post(f"{address}again/", follow=True))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"link\n", "holds no rows"),
        (b"", "holds no rows"),
        (b"\x00\x01", "no CSV file"),
        (b"PK\x03\x04xx", "The workbook cannot be read"),
        (b"\xd0\xcf\x11\xe0", "old or protected Excel file"),
    ],
)
def test_what_is_no_manifest_is_refused_in_a_sentence(as_bob, content, says):
    response = sent(as_bob, content)
    assert response.status_code == 422
    assert says in text_of(response)
    assert not Batch.objects.exists()


@pytest.mark.parametrize("fields", [{}, {"links": "https://f.example/a"}])
def test_one_of_table_and_links_is_wanted(as_bob, fields):
    if fields:
        fields["file"] = SimpleUploadedFile("a.csv", TABLE.encode())
    response = as_bob.post("/batches/new/manifest/", fields)
    assert response.status_code == 422
    assert "one of the two" in text_of(response)


def test_links_are_a_manifest_too_each_once(as_bob):
    as_bob.post(
        "/batches/new/manifest/",
        {"links": " https://f.example/a,b \n\nx\nx\n", "agent": "nora", "direction": "inbound"},
    )
    work_all("batch")
    batch = Batch.objects.get()
    assert list(batch.items.values_list("link", flat=True)) == ["https://f.example/a,b", "x"]
    assert (batch.way, batch.agent, batch.direction) == (Way.LINKS, "nora", "inbound")


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_more_than_a_few_links_on_the_page_of_adding_are_checked_first(as_bob, headers):
    links = "\n".join(f"https://f.example/{n}.wav" for n in range(11))
    response = as_bob.post("/calls/add/links/", {"links": links, "agent": "nora"}, headers=headers)
    batch = Batch.objects.get()
    address = f"/batches/{batch.pk}/manifest/"
    assert (response.headers.get("HX-Redirect") or response["Location"]) == address
    work_all("batch")
    assert (batch.items.count(), Recording.objects.count(), batch.agent) == (11, 0, "nora")


def test_without_a_known_column_of_links_the_page_asks_for_it(as_bob):
    sent(as_bob, "a,b\nx,ftp.example/a.wav\n")
    batch = Batch.objects.get()
    address = f"/batches/{batch.pk}/manifest/"
    words = text_of(as_bob.get(address))
    assert "No column is recognised as the one with the links" in words
    assert "ftp.example/a.wav" in words
    refused = as_bob.post(f"{address}columns/", {"of_agent": "0"})
    assert refused.status_code == 422
    assert "Say which column holds the links" in text_of(refused)
    as_bob.post(f"{address}columns/", {"of_link": "1", "of_agent": "0", "day_first": "day", "contact": "Unknown"})
    work_all("batch")
    batch.refresh_from_db()
    assert (batch.state, batch.items.get().agent, batch.columns["day_first"], batch.contact) == (
        "checked",
        "x",
        True,
        "",
    )
    assert as_bob.post(f"{address}columns/", {"of_link": "9"}).status_code == 422


def test_other_columns_after_the_import_change_nothing(as_bob):
    batch = checked(as_bob)
    as_bob.post(f"/batches/{batch.pk}/manifest/import/")
    work_all("batch")
    response = as_bob.post(f"/batches/{batch.pk}/manifest/columns/", {"of_link": "1"}, follow=True)
    assert "imported already" in text_of(response)
    assert Batch.objects.get().state == BatchState.CLOSED


def test_the_check_can_be_ended_and_what_was_in_trouble_checked_again(as_bob):
    sent(as_bob, TABLE)
    batch = Batch.objects.get()
    work("batch", batch.pk)
    as_bob.post(f"/batches/{batch.pk}/manifest/end/")
    assert "Not checked 2" in text_of(as_bob.get(f"/batches/{batch.pk}/manifest/"))
    as_bob.post(f"/batches/{batch.pk}/manifest/again/")
    work_all("batch")
    assert "OK 2" in text_of(as_bob.get(f"/batches/{batch.pk}/manifest/"))
    assert as_bob.post(f"/batches/{batch.pk}/manifest/dance/").status_code == 404


def test_each_verdict_has_its_rows_page_by_page(as_alice):
    batch = ManifestFactory(agent="")
    causes = [Failure.UNREACHABLE] * 60 + [Cause.NO_AGENT, "", ""]
    for position, cause in enumerate(causes, 1):
        BatchItemFactory(
            batch=batch,
            position=position,
            link=f"https://f.example/{position}",
            cause=cause,
            is_checked=True,
            detail="why",
        )
    address = f"/batches/{batch.pk}/manifest/"
    first = as_alice.get(address).content.decode()
    assert "https://f.example/50<" in first
    assert "https://f.example/51<" not in first
    assert "show=unreachable&amp;after=50" in first
    second = as_alice.get(f"{address}?show=unreachable&after=50").content.decode()
    assert "https://f.example/60<" in second
    assert "No agent is named" in first
    assert as_alice.get(f"{address}?show=nonsense&after=x").status_code == 200


def test_a_broken_manifest_says_where_and_lets_other_columns_be_tried(as_bob):
    sent(as_bob, "link,agent\n" + "https://f.example/a,x\n" * 5 + '"' + "x" * 200_000)
    work_all("batch")
    assert "Line 7 cannot be read" in text_of(as_bob.get(f"/batches/{Batch.objects.get().pk}/manifest/"))


def test_only_who_added_it_and_leads_see_it(as_alice, as_bob, bob, alice):
    assert as_bob.get(f"/batches/{ManifestFactory(user=alice).pk}/manifest/").status_code == 403
    assert as_alice.get(f"/batches/{ManifestFactory(user=bob).pk}/manifest/").status_code == 200
    assert as_alice.get(f"/batches/{BatchFactory().pk}/manifest/").status_code == 404


def test_its_page_costs_as_much_with_many_rows_as_with_few(as_alice):
    batch = ManifestFactory()
    address = f"/batches/{batch.pk}/manifest/"

    def queries(rows: int) -> int:
        at = batch.items.count()
        BatchItem.objects.bulk_create(
            BatchItem(
                batch=batch, position=n, link="https://f.example/", is_checked=True, cause="" if n % 2 else "duplicate"
            )
            for n in range(at + 1, at + rows)
        )
        as_alice.get(address)
        with CaptureQueriesContext(
            connection,
        ) as found:
            as_alice.get(address)
        return len(found)

    few = queries(10)
    assert queries(200) == few <= 9


def test_where_nothing_is_to_be_imported_it_is_closed_with_the_causes(as_bob):
    batch = checked(as_bob, "link,agent\n,nora\n")
    assert "Close, nothing to import" in text_of(as_bob.get(f"/batches/{batch.pk}/manifest/"))
    as_bob.post(f"/batches/{batch.pk}/manifest/import/")
    work_all("batch")
    batch.refresh_from_db()
    assert (batch.state, batch.sums().failed, batch.sums().cancelled) == (BatchState.CLOSED, 1, 0)
