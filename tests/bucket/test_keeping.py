"""What is kept in a bucket: a call from its upload to its end, exports, manifests, and large files."""

import hashlib
import random

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from callcov_portal import storage
from callcov_portal.actions import exporting, importing, muting, shelving
from callcov_portal.actions.advancing import advance
from callcov_portal.bucket import BLOCK
from callcov_portal.exports import wish_for
from callcov_portal.models import Analysis, BatchState, Export, Recording, State, Waveform
from callcov_portal.uploads import incoming_folder
from tests.bucket.objects import get, left_here
from tests.factories import CompletedFactory, RecordingFactory, SpanFactory
from tests.sounds import wav
from tests.views.pages import text_of
from tests.views.sending import FILES, JSON
from tests.working import work


def test_a_call_from_its_upload_to_its_end(
    as_bob, as_alice, as_dora, api, in_bucket_unaided, django_capture_on_commit_callbacks
):
    content = wav(5.0)
    as_bob.post(FILES, {"agent": "nora", "files": SimpleUploadedFile("call.wav", content, "audio/wav")}, headers=JSON)
    call = Recording.objects.get()
    assert in_bucket_unaided.keys() == [call.stored_name]
    assert in_bucket_unaided.content(call.stored_name) == content

    advance(Analysis.objects.get().pk)  # it is sent, streamed from the bucket
    assert api.sent[0]["bytes"] == content
    assert Analysis.objects.get().state == State.PROCESSING

    assert work("drawing", call.waveform.pk)
    assert Waveform.objects.get().step_seconds == 0.02

    SpanFactory(analysis=CompletedFactory(recording=call))  # 2 to 3 s are sensitive
    muting.note_spans(call.pk)
    assert get(as_bob, call).status_code == 503
    with django_capture_on_commit_callbacks(execute=True):
        assert work("muting", call.pk)
    call.refresh_from_db()
    assert sorted(in_bucket_unaided.keys()) == sorted([call.stored_name, call.muted_name])
    muted = get(as_bob, call, "?download=1")
    assert muted.getvalue() == in_bucket_unaided.content(call.muted_name)
    assert muted["Content-Disposition"].startswith("attachment")
    assert get(as_bob, call, "?unmuted=1").status_code == 403
    assert get(as_dora, call, "?unmuted=1").getvalue() == content
    assert "Being made" not in text_of(as_bob.get(f"/calls/{call.pk}/"))

    with django_capture_on_commit_callbacks(execute=True):
        as_alice.post(f"/calls/{call.pk}/delete/")
    assert Recording.objects.count() == 0
    assert in_bucket_unaided.keys() == []
    assert left_here() == []


@pytest.mark.django_db
def test_an_export_and_a_manifest_are_kept_there_too(
    as_bob, bob, in_bucket, tmp_path, django_capture_on_commit_callbacks
):
    RecordingFactory()
    export = exporting.order(wish_for("calls", "csv", columns=["call"]), bob)
    assert work("exporting", export.pk)
    export.refresh_from_db()
    answer = as_bob.get(f"/exports/{export.pk}/file")
    assert hashlib.sha256(answer.getvalue()).hexdigest() == export.sha256
    assert answer["Content-Length"] == str(export.size_bytes)
    with django_capture_on_commit_callbacks(execute=True):
        exporting.remove(export)
    assert in_bucket.keys() == []
    links = importing.of_links([f"https://example.org/{number}.wav" for number in range(3)], {"agent": "nora"})
    batch = importing.open_manifest(links, bob)
    assert in_bucket.keys() == [batch.manifest.name]
    work("batch", batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.items.count()) == (BatchState.CHECKING, 3)


@pytest.mark.django_db
def test_an_export_that_is_gone_is_said(as_bob, bob, in_bucket):
    export = exporting.order(wish_for("calls", "csv", columns=["call"]), bob)
    work("exporting", export.pk)
    default_storage.delete(Export.objects.get().stored_name)
    answer = as_bob.get(f"/exports/{export.pk}/file")
    assert answer.status_code == 404


def test_a_large_file_goes_there_in_parts_and_one_that_breaks_off_is_not_there(in_bucket, monkeypatch):
    path = incoming_folder() / "large.part"
    content = random.Random(4).randbytes(9 * BLOCK)
    path.write_bytes(content)
    put = storage.bucket().client.upload_part
    monkeypatch.setattr(storage.bucket().client, "upload_part", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shelving.shelve(path, "wav")
    assert in_bucket.keys() == []
    assert path.exists()
    monkeypatch.setattr(storage.bucket().client, "upload_part", put)
    name = shelving.shelve(path, "wav")
    assert in_bucket.content(name) == content
    assert not path.exists()
