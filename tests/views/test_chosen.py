"""Files that were chosen: what their names say, their batch, and what is changed before they are stored."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.utils import timezone

from callcov_portal import parts, upload_forms
from callcov_portal.actions import batches, file_patterns
from callcov_portal.models import Batch, BatchItem, BatchState, Failure, Fate, Way
from tests.factories import BatchFactory, BatchItemFactory
from tests.views.pages import text_of

pytestmark = pytest.mark.django_db
NAMES, BATCHES = "/calls/add/names/", "/calls/add/batches/"
PATTERN = "{agent}_{contact}_{date}_{time}"
NAMED = "march/nora_c1_2026-03-02_14-30.wav"


def file(name: str = NAMED, size: int = 5, modified: int = 1_772_000_000_123, **said: str) -> dict:
    return {"name": name, "size": size, "modified": modified, **said}


def send(client, path: str, files: object, **said: object):
    return client.post(path, {"files": files, "pattern": PATTERN, **said}, content_type="application/json")


def opened(client, *files: dict, **said: object) -> tuple[Batch, dict]:
    answer = send(client, BATCHES, list(files), **said)
    assert answer.status_code == 201, answer.content
    return Batch.objects.get(pk=answer.json()["batch"]), answer.json()


def test_names_are_read_and_nothing_is_written(as_bob):
    answer = send(as_bob, NAMES, [file(), file("x.wav")], agent="otto", direction="inbound").json()
    assert answer["files"] == [
        {
            "agent": "nora",
            "contact": "c1",
            "called_at": "2026-03-02 14:30",
            "is_assumed": False,
            "direction": "inbound",
        },
        {"agent": "otto", "contact": "", "called_at": "2026-02-25 06:13", "is_assumed": True, "direction": "inbound"},
    ]
    assert not Batch.objects.exists()


def test_what_was_entered_for_one_file_goes_before_its_name(as_bob):
    answer = send(as_bob, NAMES, [file(agent="sam", called_at="2026-01-05T08:00")]).json()
    known = answer["files"][0]
    assert (known["agent"], known["contact"], known["called_at"]) == ("sam", "c1", "2026-01-05 08:00")


def test_a_pattern_that_cannot_be_read_is_said_with_its_place(as_bob):
    answer = send(as_bob, NAMES, [file()], pattern="{agent}\n{kontakt}")
    assert answer.status_code == 422
    assert answer.json()["errors"]["pattern"][0].startswith("Line 2, character 1: {kontakt} is not known")


def test_files_become_items_of_a_batch_in_their_order(as_bob, bob):
    batch, answer = opened(as_bob, file(), file("march/x.wav", agent="sam"), contact="c9")
    assert (batch.user, batch.way, batch.name, batch.state) == (bob, Way.FILES, "march", BatchState.OPEN)
    assert (batch.pattern, batch.contact) == (PATTERN, "c9")
    one, other = batch.items.all()
    assert (one.name, one.size_bytes, one.agent) == (NAMED, 5, "")
    assert one.modified_at == datetime(2026, 2, 25, 6, 13, 20, 123_000, tzinfo=UTC)
    assert (other.agent, other.contact) == ("sam", "")
    assert [item["id"] for item in answer["items"]] == [one.pk, other.pk]
    first = answer["items"][0]
    assert (first["outcome"], first["agent"], first["modified"]) == ("waiting", "nora", 1_772_000_000_123)
    assert answer["sums"]["items"] == answer["sums"]["waiting"] == 2
    assert answer["url"] == f"/batches/{batch.pk}/"


def test_nothing_is_opened_while_a_file_has_no_agent(as_bob):
    answer = send(as_bob, BATCHES, [file(), file("x.wav"), file("y.wav")])
    assert answer.status_code == 422
    assert answer.json()["errors"]["agent"] == ["Say which agent spoke: 2 files have none in their names."]
    assert not Batch.objects.exists()


def test_a_file_that_is_too_large_is_refused_at_once(as_bob, settings):
    settings.CALLCOV_MAX_UPLOAD_MB = 1
    batch, answer = opened(as_bob, file(), file("large.wav", 2_000_000), agent="a")
    assert [item["outcome"] for item in answer["items"]] == ["waiting", "refused"]
    assert "Larger than 1 MB" in answer["items"][1]["words"]
    assert batch.items.get(position=2).cause == Failure.TOO_LARGE


def test_more_files_are_added_behind_those_that_are_there(as_bob):
    batch, _ = opened(as_bob, file())
    answer = send(as_bob, f"{BATCHES}{batch.pk}/", [file("b.wav", agent="b")])
    assert (answer.status_code, answer.json()["sums"]["items"]) == (201, 2)
    assert send(as_bob, f"{BATCHES}{batch.pk}/", [file("c.wav")]).status_code == 422
    batches.close(batch)
    assert send(as_bob, f"{BATCHES}{batch.pk}/", [file()]).status_code == 409


def test_a_batch_tells_its_items_some_at_a_time(as_bob, monkeypatch):
    monkeypatch.setattr("callcov_portal.views.chosen.MOST_FILES", 2)
    batch, _ = opened(as_bob, *(file(f"{n}.wav", agent="a") for n in range(3)))
    first = as_bob.get(f"{BATCHES}{batch.pk}/?after=0").json()
    assert [item["name"] for item in first["items"]] == ["0.wav", "1.wav"]
    rest = as_bob.get(f"{BATCHES}{batch.pk}/?after={first['items'][-1]['position']}").json()
    assert [item["name"] for item in rest["items"]] == ["2.wav"]
    for nothing in ("", "?after=x", "?after=9", f"?after={'9' * 30}"):
        assert as_bob.get(f"{BATCHES}{batch.pk}/{nothing}").json()["items"] == []


def test_items_that_wait_are_changed_and_no_others(as_bob):
    batch, answer = opened(as_bob, file(), file("b.wav", agent="b"), file("c.wav", agent="c"))
    ids = [item["id"] for item in answer["items"]]
    BatchItem.objects.settle(ids[2], Fate.REFUSED)
    changed = as_bob.post(
        f"{BATCHES}{batch.pk}/change/", {"items": ids, "agent": "sam"}, content_type="application/json"
    ).json()
    assert [item["agent"] for item in changed["items"]] == ["sam", "sam", "c"]
    assert changed["items"][0]["contact"] == "c1"


def test_a_change_that_cannot_be_is_refused(as_bob):
    batch, answer = opened(as_bob, file())
    wrong = {"items": [answer["items"][0]["id"]], "called_at": "2999-01-01T00:00"}
    refusal = as_bob.post(f"{BATCHES}{batch.pk}/change/", wrong, content_type="application/json")
    assert refusal.status_code == 422
    assert "check the date" in refusal.json()["errors"]["files"][0]
    assert batch.items.get().called_at is None


def test_items_that_wait_are_cancelled(as_bob):
    batch, answer = opened(as_bob, file(), file("b.wav", agent="b"))
    ids = [item["id"] for item in answer["items"]]
    cancelled = as_bob.post(
        f"{BATCHES}{batch.pk}/change/", {"items": ids[:1], "act": "cancel"}, content_type="application/json"
    ).json()
    assert [item["outcome"] for item in cancelled["items"]] == ["cancelled"]
    assert (cancelled["sums"]["waiting"], cancelled["sums"]["cancelled"]) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_cancelled_with_what_has_come_of_its_files(as_bob):
    batch, answer = opened(as_bob, file(), file("b.wav", agent="b"))
    part = parts.begin(f"item-{answer['items'][0]['id']}")
    done = as_bob.post(f"{BATCHES}{batch.pk}/cancel/", headers={"Accept": "application/json"}).json()
    assert (done["sums"]["waiting"], done["sums"]["cancelled"]) == (0, 2)
    assert not part.exists()
    batch.refresh_from_db()
    assert batch.state == BatchState.CLOSED
    assert as_bob.post(f"{BATCHES}{batch.pk}/cancel/").status_code == 302


def test_another_users_batch_is_not_there(as_alice, bob):
    item = BatchItemFactory(batch=BatchFactory(user=bob), size_bytes=5)
    path = f"{BATCHES}{item.batch_id}/"
    assert as_alice.get(path).status_code == 404
    assert send(as_alice, path, [file()]).status_code == 404
    for act in ("change", "cancel"):
        assert send(as_alice, f"{path}{act}/", []).status_code == 404
    item.refresh_from_db()
    assert item.fate == Fate.WAITING
    assert as_alice.get(f"{BATCHES}{uuid4()}/").status_code == 404


@pytest.mark.parametrize(
    "files",
    [
        None,
        [],
        {},
        "x",
        ["x"],
        [{}],
        [file("")],
        [file("a\0.wav")],
        [file("a" * 501)],
        [file(size=-1)],
        [file(size=2**60)],
        [{"name": "a", "size": "5", "modified": 0}],
        [{"name": "a", "size": 5, "modified": None}],
    ],
)
def test_what_no_page_of_ours_sends_is_refused(as_bob, files):
    assert send(as_bob, BATCHES, files, agent="a").status_code == 400
    assert not Batch.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"files": ["\\ud800"]}'])
def test_what_is_no_document_is_refused(as_bob, body):
    for path in (NAMES, BATCHES):
        assert as_bob.post(path, body, content_type="application/json").status_code == 400


@pytest.mark.parametrize("ids", [None, "x", ["x"], [1.5], list(range(2001))])
def test_a_change_names_its_items(as_bob, ids):
    batch, _ = opened(as_bob, file())
    answer = as_bob.post(f"{BATCHES}{batch.pk}/change/", {"items": ids}, content_type="application/json")
    assert answer.status_code == 400


def test_too_many_files_in_one_request_are_refused(as_bob, monkeypatch):
    monkeypatch.setattr(upload_forms, "MOST_FILES", 2)
    assert send(as_bob, BATCHES, [file()] * 3).status_code == 400


def test_two_thousand_files_are_written_down_by_few_statements(as_bob, django_assert_max_num_queries):
    files = [file(f"folder/nora_c{n}_2026-03-02_14-30.wav", n) for n in range(2000)]
    with django_assert_max_num_queries(70):
        batch, answer = opened(as_bob, *files)
    assert (len(answer["items"]), batch.items.count()) == (2000, 2000)


def test_what_is_not_here_yet_is_offered_when_the_page_is_opened(as_bob, as_alice):
    batch, answer = opened(as_bob, file(), file("march/b.wav", agent="b"))
    BatchItem.objects.settle(answer["items"][0]["id"], Fate.REFUSED)
    words = text_of(as_bob.get("/calls/add/"))
    assert "1 of 2 files are not here yet of march" in words
    assert "not here yet" not in text_of(as_alice.get("/calls/add/"))
    batches.cancel(batch)
    assert "not here yet" not in text_of(as_bob.get("/calls/add/"))


def test_the_page_begins_with_the_patterns_one_used_last_or_those_kept_for_all(as_bob, bob):
    file_patterns.keep(None, team="", name="x", text="{agent}-*", position=0)
    file_patterns.keep(None, team="North", name="x", text="{contact}-*", position=0)
    page = as_bob.get("/calls/add/").content.decode()
    assert ">{agent}-*</textarea>" in page
    assert '<option value="{contact}-*">North</option>' in page
    BatchFactory(user=bob, pattern="*_{agent}", created_at=timezone.now())
    assert ">*_{agent}</textarea>" in as_bob.get("/calls/add/").content.decode()
