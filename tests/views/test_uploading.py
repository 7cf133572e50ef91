"""Resumable uploads: the protocol, status by status, and what comes of the files."""

import hashlib
import io
import os
import random
import tracemalloc
from base64 import b64encode
from datetime import timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import orjson
import pytest
import time_machine
from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal import parts, tasks
from callcov_portal.actions import batches, housekeeping, recordings
from callcov_portal.bodies import WholeBody
from callcov_portal.models import Batch, BatchItem, BatchState, Fate, Recording
from callcov_portal.uploads import incoming_folder
from tests.factories import BatchFactory, BatchItemFactory
from tests.soak import many
from tests.sounds import wav, wav_of
from tests.views.sending import BYTES, SOUND, TUS, create, head, item_of, patch, path_of

pytestmark = pytest.mark.django_db
UPLOADS = many(50, 15)


@pytest.fixture
def rung(monkeypatch) -> list:
    """The analyses for which the bell was rung."""
    bells: list = []
    monkeypatch.setattr(tasks, "ring", bells.append)
    return bells


@pytest.fixture
def batch(bob) -> Batch:
    return BatchFactory(user=bob)


def broken(client, item: BatchItem, content: bytes, offset: int, length: int):
    """Send a body whose connection ends before its length."""
    stream = {
        "wsgi.input": WholeBody(io.BytesIO(content), length),
        "CONTENT_LENGTH": str(length),
        "CONTENT_TYPE": BYTES,
    }
    headers = {**TUS, "Upload-Offset": str(offset)}
    return client.generic("PATCH", path_of(item), headers=headers, **stream)


def fate(response) -> dict:
    return orjson.loads(response["Callcov-Fate"])


def test_it_says_what_it_speaks(as_bob, settings):
    settings.CALLCOV_MAX_UPLOAD_MB = 7
    for path in ("/calls/add/uploads/", "/calls/add/uploads/1/"):
        answer = as_bob.options(path)
        assert answer.status_code == 204
        assert answer["Tus-Version"] == answer["Tus-Resumable"] == "1.0.0"
        assert answer["Tus-Extension"] == "creation,termination,expiration"
        assert answer["Tus-Max-Size"] == str(7 * 1024 * 1024)


def test_a_file_in_two_pieces_becomes_a_call(as_bob, batch, rung):
    item = item_of(batch)
    created = create(as_bob, item)
    assert (created.status_code, created["Location"], created["Upload-Offset"]) == (201, path_of(item), "0")
    first = patch(as_bob, item, SOUND[:1000], 0)
    assert (first.status_code, first["Upload-Offset"], first["Tus-Resumable"]) == (204, "1000", "1.0.0")
    assert parsedate_to_datetime(first["Upload-Expires"]) > timezone.now() + timedelta(hours=23)
    here = head(as_bob, item)
    assert (here.status_code, here["Upload-Offset"], here["Upload-Length"]) == (200, "1000", str(len(SOUND)))
    assert here["Cache-Control"] == "no-store"
    last = patch(as_bob, item, SOUND[1000:], 1000)
    call = Recording.objects.get()
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(SOUND)))
    assert fate(last) == {
        "outcome": "stored",
        "words": "Stored as",
        "url": f"/calls/{call.pk}/",
        "call": f"call #{call.pk}",
    }
    assert call.sha256 == hashlib.sha256(SOUND).hexdigest()
    assert rung == [call.current_analysis_id]
    assert not list(incoming_folder().iterdir())
    batch.refresh_from_db()
    assert batch.state == BatchState.CLOSED


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_uploads_broken_at_random_resume_and_their_hashes_match(as_bob, batch, rung, monkeypatch):
    monkeypatch.setattr(parts, "BLOCK", 700)
    chance = random.Random(11)
    for seed, item in enumerate([item_of(batch) for _ in range(UPLOADS)]):
        sound, offset = wav(0.2, seed=seed), 0
        create(as_bob, item)
        while offset < len(sound):
            brought = chance.randint(1, 2500)  # of 3,244
            answer = broken(as_bob, item, sound[offset : offset + brought], offset, len(sound) - offset)
            assert answer.status_code == (204 if offset + brought >= len(sound) else 400)
            came = min(offset + brought, len(sound))
            offset = int(head(as_bob, item)["Upload-Offset"])
            assert offset == came
        assert Recording.objects.get(items=item).sha256 == hashlib.sha256(sound).hexdigest()
    assert batch.sums()[:2] == (UPLOADS, UPLOADS)


@pytest.mark.parametrize("version", ["0.2.2", "1.0.1", ""])
def test_another_version_is_refused(as_bob, batch, version):
    item = item_of(batch)
    for answer in (
        create(as_bob, item, **{"Tus-Resumable": version}),
        patch(as_bob, item, b"x", 0, **{"Tus-Resumable": version}),
    ):
        assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")
    assert not list(incoming_folder().iterdir())


@pytest.mark.parametrize("offset", [0, 999, 1001])
def test_bytes_for_another_place_change_nothing(as_bob, batch, offset):
    item = item_of(batch)
    create(as_bob, item)
    patch(as_bob, item, SOUND[:1000], 0)
    assert patch(as_bob, item, SOUND[offset : offset + 500], offset).status_code == 409
    assert head(as_bob, item)["Upload-Offset"] == "1000"


def test_no_more_bytes_are_taken_than_the_file_has(as_bob, batch):
    item = item_of(batch)
    create(as_bob, item)
    assert patch(as_bob, item, SOUND + b"x", 0).status_code == 413
    assert head(as_bob, item)["Upload-Offset"] == "0"


def test_a_file_above_the_limit_is_refused_before_its_first_byte(as_bob, batch, settings):
    settings.CALLCOV_MAX_UPLOAD_MB = 1
    answer = create(as_bob, item_of(batch, 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "larger than 1 MB" in answer.content.decode()
    assert not list(incoming_folder().iterdir())


def test_a_full_disk_is_noticed_before_the_first_byte(as_bob, batch, monkeypatch):
    begun, fresh = item_of(batch), item_of(batch)
    create(as_bob, begun)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=10_000_000))
    for answer in (create(as_bob, fresh), patch(as_bob, begun, SOUND, 0)):
        assert answer.status_code == 507
        assert "10 MB left" in answer.content.decode()
    assert head(as_bob, begun)["Upload-Offset"] == "0"


def test_a_disk_that_fills_up_meanwhile_keeps_what_came(as_bob, batch, monkeypatch):
    item = item_of(batch)
    create(as_bob, item)
    patch(as_bob, item, SOUND[:10], 0)

    def full(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert patch(as_bob, item, SOUND[10:], 10).status_code == 507
    assert head(as_bob, item)["Upload-Offset"] == "10"


@pytest.mark.parametrize("length", [len(SOUND) - 1, len(SOUND) + 1])
def test_a_file_that_changed_since_it_was_chosen_is_refused(as_bob, batch, length):
    assert create(as_bob, item_of(batch), length).status_code == 400


@pytest.mark.parametrize(("header", "value"), [("Upload-Offset", "x"), ("Upload-Offset", "-1"), ("Upload-Offset", "")])
def test_an_offset_that_is_none_is_refused(as_bob, batch, header, value):
    item = item_of(batch)
    create(as_bob, item)
    assert patch(as_bob, item, SOUND, 0, **{header: value}).status_code == 400


@pytest.mark.parametrize("length", ["", "x", "-5", "9" * 40, "٣"])
def test_a_length_that_is_none_is_refused(as_bob, batch, length):
    assert create(as_bob, item_of(batch), **{"Upload-Length": length}).status_code == 400


@pytest.mark.parametrize(
    "metadata", ["", "item", "item !!!", "item eA==", f"item {b64encode(b'9' * 40).decode()}", ",,"]
)
def test_metadata_that_name_no_item_find_nothing(as_bob, batch, metadata):
    assert create(as_bob, item_of(batch), **{"Upload-Metadata": metadata}).status_code == 404


def test_bytes_of_another_type_are_refused(as_bob, batch):
    item = item_of(batch)
    create(as_bob, item)
    headers = {**TUS, "Upload-Offset": "0"}
    assert as_bob.patch(path_of(item), SOUND, content_type="audio/wav", headers=headers).status_code == 415


def test_an_upload_that_was_not_begun_is_not_there(as_bob, batch):
    item = item_of(batch)
    assert head(as_bob, item).status_code == 404
    assert patch(as_bob, item, SOUND, 0).status_code == 404
    assert as_bob.head("/calls/add/uploads/999999/", headers=TUS).status_code == 404


def test_another_users_upload_is_not_there(as_bob, as_alice, batch):
    item = item_of(batch)
    create(as_bob, item)
    for answer in (
        create(as_alice, item),
        head(as_alice, item),
        patch(as_alice, item, SOUND, 0),
        as_alice.delete(path_of(item), headers=TUS),
    ):
        assert answer.status_code == 404
    assert head(as_bob, item).status_code == 200


def test_a_link_is_no_upload(as_bob, batch):
    assert head(as_bob, BatchItemFactory(batch=batch, link="https://example.org/a.wav")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_is_ended_leaves_nothing_and_is_gone(as_bob, batch):
    item = item_of(batch)
    create(as_bob, item)
    patch(as_bob, item, SOUND[:100], 0)
    assert as_bob.delete(path_of(item), headers=TUS).status_code == 204
    assert not list(incoming_folder().iterdir())
    for answer in (head(as_bob, item), create(as_bob, item), as_bob.delete(path_of(item), headers=TUS)):
        assert answer.status_code == 410
    item.refresh_from_db()
    assert item.fate == Fate.CANCELLED


def test_an_upload_of_a_cancelled_batch_is_gone(as_bob, batch):
    item = item_of(batch)
    create(as_bob, item)
    batches.cancel(batch)
    assert patch(as_bob, item, SOUND, 0).status_code == 410
    assert not Recording.objects.exists()


def test_a_stored_file_cannot_be_taken_back(as_bob, batch, rung):
    item = item_of(batch)
    create(as_bob, item)
    patch(as_bob, item, SOUND, 0)
    assert as_bob.delete(path_of(item), headers=TUS).status_code == 410
    assert Recording.objects.count() == 1


def test_what_is_complete_says_what_became_of_it_as_often_as_it_is_asked(as_bob, batch, rung):
    item, other = item_of(batch), item_of(batch)
    create(as_bob, item)
    first = fate(patch(as_bob, item, SOUND, 0))
    for answer in (head(as_bob, item), create(as_bob, item), patch(as_bob, item, b"", len(SOUND))):
        assert (fate(answer), answer["Upload-Offset"]) == (first, str(len(SOUND)))
    assert patch(as_bob, item, SOUND, 0).status_code == 409
    create(as_bob, other)
    duplicate = fate(patch(as_bob, other, SOUND, 0))
    assert (duplicate["outcome"], duplicate["words"], duplicate["call"]) == ("duplicate", "Duplicate of", first["call"])
    assert len(rung) == 1


def test_what_is_no_audio_is_refused_with_its_reason(as_bob, batch):
    item = item_of(batch, 5, name="träume 🎧.wav")
    create(as_bob, item)
    answer = fate(patch(as_bob, item, b"text.", 0))
    assert (answer["outcome"], answer["url"]) == ("refused", "")
    assert answer["words"].startswith("Refused: ")
    assert not list(incoming_folder().iterdir())


def test_an_empty_file_is_settled_when_it_is_begun(as_bob, batch):
    answer = create(as_bob, item_of(batch, 0))
    assert (answer.status_code, fate(answer)["outcome"]) == (201, "refused")


@pytest.mark.parametrize("ask", [head, lambda client, item: patch(client, item, b"", len(SOUND)), create])
def test_a_process_that_died_before_the_row_was_written_is_made_up_for(as_bob, batch, rung, monkeypatch, ask):
    item = item_of(batch)
    create(as_bob, item)

    parts.append(batches.part_of(item), 0, io.BytesIO(SOUND), len(SOUND))

    def die(*_arguments: object, **_fields: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(recordings, "write_recording", die)
        with pytest.raises(SystemExit):
            batches.take_part(item)
    assert fate(ask(as_bob, item))["outcome"] == "stored"
    assert default_storage.exists(Recording.objects.get().stored_name)


def test_who_asks_while_it_is_taken_in_is_told_to_wait(as_bob, batch, rung):
    item = item_of(batch)
    create(as_bob, item)
    parts.append(batches.part_of(item), 0, io.BytesIO(SOUND), len(SOUND))
    with parts.complete(batches.part_of(item)) as whole:
        assert head(as_bob, item).status_code == 423
        kept = whole.path.read_bytes()
    parts.append(parts.begin(batches.part_of(item).stem), 0, io.BytesIO(kept), len(kept))
    assert fate(head(as_bob, item))["outcome"] == "stored"


def test_a_post_stands_for_the_method_it_names(as_bob, batch):
    item = item_of(batch)
    create(as_bob, item)
    headers = {**TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    answer = as_bob.post(path_of(item), SOUND[:10], content_type=BYTES, headers=headers)
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "10")
    assert as_bob.post(path_of(item), headers=TUS).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_what_is_not_finished_within_a_day_is_given_up(as_bob, batch):
    begun, waiting = item_of(batch), item_of(batch)
    with time_machine.travel(timezone.now() - timedelta(hours=25), tick=False):
        Batch.objects.update(active_at=timezone.now())
        create(as_bob, begun)
        os.utime(batches.part_of(begun), (timezone.now().timestamp(),) * 2)
    housekeeping.tidy()
    assert not list(incoming_folder().iterdir())
    assert head(as_bob, begun).status_code == 410
    for item in (begun, waiting):
        item.refresh_from_db()
        assert (item.fate, item.detail) == (Fate.CANCELLED, batches.NOT_FINISHED)
    batch.refresh_from_db()
    assert batch.state == BatchState.CLOSED


def test_a_batch_for_which_something_came_lately_is_not_given_up(as_bob, batch):
    late, waiting = item_of(batch), item_of(batch)
    create(as_bob, late)
    housekeeping.tidy()
    Batch.objects.update(active_at=timezone.now() - timedelta(hours=25))
    housekeeping.tidy()
    assert head(as_bob, late).status_code == 200  # a long one, of which bytes came lately
    waiting.refresh_from_db()
    assert waiting.fate == Fate.CANCELLED


def test_a_large_file_takes_no_memory(as_bob, batch):
    content = wav_of(os.urandom(16_000_000))
    item = item_of(batch, len(content))
    create(as_bob, item)
    source = io.BytesIO(content)
    stream = {"wsgi.input": WholeBody(source, len(content)), "CONTENT_LENGTH": str(len(content)), "CONTENT_TYPE": BYTES}
    tracemalloc.start()
    answer = as_bob.generic("PATCH", path_of(item), headers={**TUS, "Upload-Offset": "0"}, **stream)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fate(answer)["outcome"] == "stored"
    assert most < 4_000_000
