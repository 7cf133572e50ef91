"""Recordings in a bucket, over real HTTP: all that a folder does, and nothing lost while the bucket is away."""

import hashlib
import io
import random
import re
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from environs import ValidationError

from callcov_portal import bucket, checks, environment, storage
from callcov_portal.actions import batches, exporting, housekeeping, importing, muting, shelving, storing
from callcov_portal.actions.advancing import advance
from callcov_portal.actions.watching import Watch
from callcov_portal.bucket import BLOCK
from callcov_portal.exports import wish_for
from callcov_portal.models import (
    Analysis,
    BatchState,
    Export,
    ExportState,
    Fate,
    Muting,
    Recording,
    Signal,
    State,
    Waveform,
)
from callcov_portal.storage import StorageAway
from callcov_portal.uploads import DiskFull, incoming_folder
from tests.client.peer import closed_port
from tests.factories import (
    AnalysisFactory,
    BatchFactory,
    BatchItemFactory,
    CompletedFactory,
    RecordingFactory,
    SpanFactory,
)
from tests.s3 import storage_at
from tests.sounds import wav
from tests.views.pages import text_of
from tests.views.sending import FILES, JSON, SOUND, create, head, patch, sound_file
from tests.working import due, make_due, work

CONTENT = random.Random(3).randbytes(2 * BLOCK + 1000)
SIZE = len(CONTENT)


@pytest.fixture
def away(in_bucket, settings, monkeypatch):
    """Return what takes the bucket away, and what brings it back."""
    monkeypatch.setattr(bucket, "TRIES", 1)
    there = settings.STORAGES["default"]["OPTIONS"]["endpoint_url"]

    def turn(*, is_away: bool) -> None:
        address = f"http://127.0.0.1:{closed_port()}" if is_away else there
        settings.STORAGES = {**settings.STORAGES, "default": storage_at(address, in_bucket.name)}

    turn(is_away=True)
    return turn


def left_here() -> list[Path]:
    """Return what lies in the folder of what arrives."""
    return list(incoming_folder().iterdir())


def noted(monkeypatch) -> list[tuple[int, int]]:
    """Return where the parts of objects begin that are asked for, and their lengths, as they are."""
    asked: list[tuple[int, int]] = []
    part = bucket.Bucket.part

    def note(self, key: str, first: int, length: int) -> bytes:
        asked.append((first, length))
        return part(self, key, first, length)

    monkeypatch.setattr(bucket.Bucket, "part", note)
    return asked


def get(client, call: Recording, query: str = "", **headers: str):
    return client.get(f"/calls/{call.pk}/audio/{query}", headers=headers)


def test_a_call_from_its_upload_to_its_end(
    as_bob, as_alice, as_dora, api, in_bucket_unaided, django_capture_on_commit_callbacks
):
    in_bucket = in_bucket_unaided
    content = wav(5.0)
    as_bob.post(FILES, {"agent": "nora", "files": SimpleUploadedFile("call.wav", content, "audio/wav")}, headers=JSON)
    call = Recording.objects.get()
    assert in_bucket.keys() == [call.stored_name]
    assert in_bucket.content(call.stored_name) == content

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
    assert sorted(in_bucket.keys()) == sorted([call.stored_name, call.muted_name])
    muted = get(as_bob, call, "?download=1")
    assert muted.getvalue() == in_bucket.content(call.muted_name)
    assert muted["Content-Disposition"].startswith("attachment")
    assert get(as_bob, call, "?unmuted=1").status_code == 403
    assert get(as_dora, call, "?unmuted=1").getvalue() == content
    assert "Being made" not in text_of(as_bob.get(f"/calls/{call.pk}/"))

    with django_capture_on_commit_callbacks(execute=True):
        as_alice.post(f"/calls/{call.pk}/delete/")
    assert Recording.objects.count() == 0
    assert in_bucket.keys() == []
    assert left_here() == []


@pytest.mark.django_db
class TestRanges:
    @pytest.fixture
    def call(self, in_bucket) -> Recording:
        name = default_storage.save("2026/03/a.wav", ContentFile(CONTENT))
        return RecordingFactory(file=name, sha256="c0ffee", mime="audio/wav")

    @pytest.mark.parametrize(
        ("asked", "first", "last"),
        [
            ("bytes=0-0", 0, 0),
            ("bytes=100-299", 100, 299),
            ("bytes=-7", SIZE - 7, SIZE - 1),
            ("bytes=5-", 5, SIZE - 1),
            (f"bytes={SIZE - 1}-{SIZE * 9}", SIZE - 1, SIZE - 1),
        ],
    )
    def test_a_range_gives_exactly_those_bytes(self, as_bob, call, asked, first, last):
        answer = get(as_bob, call, Range=asked)
        assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes {first}-{last}/{SIZE}")
        assert answer["Content-Length"] == str(last - first + 1)
        assert answer.getvalue() == CONTENT[first : last + 1]

    def test_without_one_the_whole_comes_in_blocks(self, as_bob, call):
        answer = get(as_bob, call)
        blocks = list(answer.streaming_content)
        assert (answer.status_code, b"".join(blocks)) == (200, CONTENT)
        assert max(map(len, blocks)) == BLOCK
        assert (answer["Content-Length"], answer["ETag"]) == (str(SIZE), '"c0ffee"')
        assert answer["Accept-Ranges"] == "bytes"

    def test_beyond_the_end_is_416_and_what_is_known_304(self, as_bob, call):
        answer = get(as_bob, call, Range=f"bytes={SIZE}-")
        assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{SIZE}")
        assert get(as_bob, call, **{"If-None-Match": '"c0ffee"'}).status_code == 304

    def test_head_tells_without_a_body(self, as_bob, call):
        answer = as_bob.head(f"/calls/{call.pk}/audio/", headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer["Content-Length"], answer.content) == (206, "10", b"")

    def test_what_is_gone_is_404_and_nobody_else_hears_it(self, as_bob, as_charlie, call):
        assert get(as_charlie, call).status_code == 302
        default_storage.delete(call.stored_name)
        assert get(as_bob, call).status_code == 404

    def test_a_copy_that_is_gone_is_404_and_can_be_made_again(self, as_bob, call):
        Recording.objects.update(muting=Muting.DONE, muted_file="2026/03/gone.flac")
        assert get(as_bob, call).status_code == 404
        assert as_bob.get(f"/calls/{call.pk}/").status_code == 200
        as_bob.post(f"/calls/{call.pk}/mute/")
        assert Recording.objects.get().muting == Muting.DUE


class TestReading:
    """An object as a file: what is asked for is fetched, and no more than a block of it is held."""

    @pytest.fixture
    def name(self, in_bucket) -> str:
        return default_storage.save("2026/03/a.wav", ContentFile(CONTENT))

    def test_any_way_of_reading_gives_the_same_bytes(self, name):
        with default_storage.open(name) as file:
            assert (file.size, len(file)) == (SIZE, SIZE)
            assert file.read(10) + file.read(20) == CONTENT[:30]
            assert file.seek(-5, io.SEEK_END) == SIZE - 5
            assert file.read() == CONTENT[-5:]
            assert file.read() == file.read(5) == b""
            file.seek(7)
            assert file.seek(3, io.SEEK_CUR) == 10
            assert file.read(3) == CONTENT[10:13]
            file.seek(0)
            assert b"".join(file.chunks(70_000)) == CONTENT
            file.seek(0)
            assert io.BufferedReader(cast("io.RawIOBase", file.file)).read() == CONTENT

    def test_going_on_reads_a_block_ahead(self, name, monkeypatch):
        asked = noted(monkeypatch)
        with default_storage.open(name) as file:
            while file.read(16_384):
                pass
        assert asked == [(0, 16_384), (16_384, BLOCK), (16_384 + BLOCK, SIZE - 16_384 - BLOCK)]

    def test_there_is_nothing_before_the_beginning_and_nothing_is_written(self, name):
        with default_storage.open(name) as file, pytest.raises(ValueError, match="before the beginning"):
            file.seek(-1)
        with pytest.raises(ValueError, match="only read"):
            default_storage.open(name, "wb")

    def test_a_line_that_breaks_in_the_middle_is_tried_again(self, name, monkeypatch):
        broken = [1, 2]
        get_object = storage.bucket().client.get_object

        class Body(io.BytesIO):
            def read(self, *_args):
                raise IncompleteReadError(actual_bytes=3, expected_bytes=9)

        def sometimes(**asked):
            return {"Body": Body()} if broken and broken.pop() else get_object(**asked)

        monkeypatch.setattr(storage.bucket().client, "get_object", sometimes)
        with default_storage.open(name) as file:
            assert file.read() == CONTENT
            broken.extend([1] * bucket.TRIES)
            file.seek(1)
            with pytest.raises(StorageAway, match="3 read"):
                file.read(5)

    def test_a_server_that_knows_no_ranges_is_found_out(self, name, monkeypatch):
        monkeypatch.setattr(storage.bucket().client, "get_object", lambda **_: {"Body": io.BytesIO(b"ab")})
        with default_storage.open(name) as file, pytest.raises(StorageAway, match="less of an object"):
            file.read(5)


@pytest.mark.django_db
class TestCopies:
    """Who can only read a path gets a copy, which is gone afterwards, however that comes."""

    @pytest.fixture
    def name(self, in_bucket) -> str:
        return default_storage.save("2026/03/a.wav", ContentFile(CONTENT))

    def test_it_is_made_block_by_block_and_removed(self, name, monkeypatch):
        asked = noted(monkeypatch)
        with shelving.on_disk(name) as path:
            assert path.read_bytes() == CONTENT
            assert path.stat().st_mode & 0o777 == 0o600
        assert max(length for _, length in asked) == BLOCK
        assert left_here() == []

    def test_it_is_removed_when_its_reader_fails(self, name):
        with pytest.raises(ZeroDivisionError), shelving.on_disk(name):
            1 / 0  # noqa: B018
        assert left_here() == []

    def test_one_whose_process_was_killed_goes_with_the_next_round_and_one_in_use_stays(self, name, monkeypatch):
        monkeypatch.setattr(housekeeping, "A_MINUTE", -60.0)
        left = incoming_folder() / f"{shelving.COPY}left.part"
        left.write_bytes(b"x")
        with shelving.on_disk(name) as path:
            housekeeping.tidy()
            assert left_here() == [path]

    def test_a_young_one_stays_as_it_may_not_be_locked_yet(self, in_bucket):
        (incoming_folder() / f"{shelving.COPY}new.part").write_bytes(b"x")
        housekeeping.tidy()
        assert len(left_here()) == 1

    def test_there_is_none_without_room_or_of_nothing(self, name, monkeypatch):
        with pytest.raises(FileNotFoundError), shelving.on_disk("2026/03/none.wav"):
            pass
        monkeypatch.setattr("callcov_portal.uploads.KEEP_FREE_BYTES", 10**18)
        with pytest.raises(DiskFull), shelving.on_disk(name):
            pass
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


@pytest.mark.django_db
class TestAway:
    """While the bucket is away nothing is lost, nothing is given up, and everybody is told."""

    def test_a_file_of_the_plain_form_is_refused_and_leaves_no_row(self, as_bob, away):
        fate = as_bob.post(FILES, {"agent": "nora", "files": sound_file()}, headers=JSON).json()["fates"][0]
        assert fate["outcome"] == "refused"
        assert "The storage for recordings does not answer. Nothing was stored" in fate["words"]
        assert Recording.objects.count() == 0
        assert left_here() == []
        away(is_away=False)
        again = as_bob.post(FILES, {"agent": "nora", "files": sound_file()}, headers=JSON).json()["fates"][0]
        assert again["outcome"] == "stored"

    def test_a_file_sent_in_pieces_is_kept_here_and_taken_in_afterwards(self, as_bob, bob, away):
        item = BatchItemFactory(batch=BatchFactory(user=bob, agent="nora"), size_bytes=len(SOUND))
        create(as_bob, item)
        answer = patch(as_bob, item, SOUND, 0)
        assert answer.status_code == 503
        assert "kept here" in answer.content.decode()
        assert batches.part_of(item).read_bytes() == SOUND
        away(is_away=False)
        assert head(as_bob, item).status_code == 200
        item.refresh_from_db()
        assert item.fate == Fate.STORED
        assert left_here() == []

    def test_a_file_that_is_kept_here_is_taken_in_though_its_page_is_closed(self, as_bob, bob, away, monkeypatch):
        batch = BatchFactory(user=bob, agent="nora")
        first, second = (BatchItemFactory(batch=batch, size_bytes=len(SOUND)) for _ in range(2))
        create(as_bob, first)
        patch(as_bob, first, SOUND, 0)
        create(as_bob, second)
        patch(as_bob, second, SOUND[:50], 0)
        away(is_away=False)
        housekeeping.tidy()  # its page may ask still
        assert batch.items.waiting().count() == 2
        monkeypatch.setattr(batches, "QUIET", timedelta(seconds=-60))
        away(is_away=True)
        housekeeping.tidy()
        assert batch.items.waiting().count() == 2
        away(is_away=False)
        housekeeping.tidy()
        first.refresh_from_db()
        assert (first.fate, first.recording.current_analysis.state) == (Fate.STORED, State.QUEUED)
        assert left_here() == [batches.part_of(second)]

    def test_a_watched_folder_keeps_its_files(self, away, tmp_path):
        folder = tmp_path / "drop"
        folder.mkdir()
        (folder / "a.wav").write_bytes(SOUND)
        watch = Watch(folder, agent="nora")
        assert [item for _ in range(2) for item in watch.look()] == []
        assert (folder / "a.wav").exists()
        away(is_away=False)
        assert [item.fate for item in watch.look()] == [Fate.STORED]

    def test_an_import_breaks_off_and_goes_on_when_run_again(self, away, tmp_path):
        (tmp_path / "a.wav").write_bytes(SOUND)
        with pytest.raises(CommandError, match="It broke off"):
            call_command("import", str(tmp_path / "a.wav"), "--agent", "nora")
        away(is_away=False)
        call_command("import", str(tmp_path / "a.wav"), "--agent", "nora")
        assert Recording.objects.count() == 1

    def test_what_is_to_be_sent_waits_and_uses_up_no_try(self, api, away):
        away(is_away=False)
        name = default_storage.save("2026/03/a.wav", ContentFile(SOUND))
        call = RecordingFactory(file=name)
        analysis = AnalysisFactory(recording=call)
        away(is_away=True)
        for _ in range(14):
            make_due(analysis)
            advance(analysis.pk)
        analysis.refresh_from_db()
        assert (analysis.state, analysis.submissions, api.sent) == (State.QUEUED, 0, [])
        assert analysis.detail == "The storage for recordings does not answer."
        away(is_away=False)
        make_due(analysis)
        advance(analysis.pk)
        assert [one["bytes"] for one in api.sent] == [SOUND]

    def test_a_chore_waits_and_uses_up_no_try(self, bob, away):
        export = exporting.order(wish_for("calls", "csv", columns=["call"]), bob)
        for _ in range(7):
            Export.objects.update(due_at=export.due_at)
            assert work("exporting", export.pk)
        export.refresh_from_db()
        assert (export.state, export.attempts) == (ExportState.WAITING, 0)
        assert export.detail == "The storage for recordings does not answer."
        away(is_away=False)
        Export.objects.update(due_at=export.created_at)
        work("exporting", due("exporting")[0])
        export.refresh_from_db()
        assert export.state == ExportState.READY

    def test_the_pages_of_a_call_are_there_and_its_sound_answers_503(self, as_bob, away):
        call = RecordingFactory(muting=Muting.DONE, muted_file="2026/03/m.flac")
        as_bob.raise_request_exception = False
        assert as_bob.get(f"/calls/{call.pk}/").status_code == 200
        answer = get(as_bob, call, Range="bytes=0-9")
        assert (answer.status_code, answer["Retry-After"]) == (503, "10")
        assert "The storage for recordings does not answer" in text_of(answer)

    def test_a_deleted_call_leaves_an_orphan_and_no_error(
        self, as_alice, away, in_bucket, django_capture_on_commit_callbacks
    ):
        in_bucket.put("2026/03/0.wav", b"x")
        call = RecordingFactory(file="2026/03/0.wav")
        with django_capture_on_commit_callbacks(execute=True):
            assert as_alice.post(f"/calls/{call.pk}/delete/").status_code == 302
        assert Recording.objects.count() == 0
        assert in_bucket.keys() == ["2026/03/0.wav"]

    def test_the_status_page_and_a_banner_say_so_until_it_is_back(self, as_bob, away):
        assert storing.take_turn()
        assert not storing.take_turn()
        storing.look()
        storing.look()
        since = Signal.objects.get(name=storing.TROUBLE).at
        page = text_of(as_bob.get("/status/"))
        assert "✕ Does not answer since" in page
        assert re.search(r'Could not connect to the endpoint URL: "http://127\.0\.0\.1:\d+"', page)
        assert "⚠ The storage for recordings does not answer: no file is taken" in text_of(as_bob.get("/calls/"))
        assert Signal.objects.get(name=storing.TROUBLE).at == since
        away(is_away=False)
        storing.look()
        page = text_of(as_bob.get("/status/"))
        assert "✓ Answers last asked" in page
        assert "does not answer" not in page


@pytest.mark.django_db
def test_of_a_folder_nobody_is_asked_and_nothing_is_said(as_bob):
    Signal.objects.create(name=storing.TROUBLE, at="2026-03-01T00:00Z", text="of a bucket that was")
    assert not storing.take_turn()
    assert "storage" not in text_of(as_bob.get("/status/"))


def test_a_bucket_that_is_none_or_a_key_that_is_refused_is_said_in_words(in_bucket, settings, monkeypatch):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": storage_at(settings.CALLCOV_STORAGE_ENDPOINT, "no-such-bucket"),
    }
    for ask in (
        lambda: default_storage.exists("a"),
        storage.bucket().look,
        lambda: default_storage.save("a", ContentFile(b"a")),
        lambda: list(storage.bucket().contents()),
        lambda: default_storage.open("a"),
    ):
        with pytest.raises(StorageAway, match="no bucket of that name"):
            ask()
    for status, code, words in ((403, "AccessDenied", "refuses the key"), (500, "InternalError", "It answered: Oops")):
        error = {"Error": {"Code": code, "Message": "Oops"}, "ResponseMetadata": {"HTTPStatusCode": status}}

        def refuse(error=error, **_asked):
            raise ClientError(error, "HeadBucket")

        monkeypatch.setattr(storage.bucket().made["looks"], "head_bucket", refuse)
        with pytest.raises(StorageAway, match=words):
            storage.bucket().look()


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


def test_who_reads_paths_gets_the_folders_own_file(settings):
    name = default_storage.save("2026/03/a.wav", ContentFile(SOUND))
    with shelving.on_disk(name) as path:
        assert path == Path(default_storage.path(name))
    assert path.exists()
    assert left_here() == []
    with pytest.raises(FileNotFoundError), shelving.on_disk(""):
        pass


@pytest.mark.parametrize("name", ["ab", "Recordings", "-a-", "a_b", "s3://bucket", "a" * 64])
def test_what_no_bucket_is_called_is_refused(name):
    with pytest.raises(ValidationError, match="name of a bucket"):
        environment.a_bucket(name)


@pytest.mark.parametrize("path", ["/a", "a//b", "a/../b", "..", "./a", "a/.", "/", "a b", "a?b"])
def test_what_no_name_begins_with_is_refused(path):
    with pytest.raises(ValidationError, match="beginning of a name"):
        environment.a_prefix(path)


def test_a_bucket_and_a_beginning_are_taken():
    for name in ("", "qa-recordings.example", "abc"):
        environment.a_bucket(name)
    for path in ("", "a", "portal/recordings", "portal/recordings/"):
        environment.a_prefix(path)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"KEY": "k", "SECRET": "s"}, "CALLCOV_STORAGE_BUCKET is not: name the bucket"),
        ({"BUCKET": "b", "KEY": "k"}, "CALLCOV_STORAGE_SECRET is not: set both or none"),
        ({"BUCKET": "b", "SECRET": "s"}, "CALLCOV_STORAGE_KEY is not: set both or none"),
    ],
)
def test_settings_of_the_storage_that_make_no_sense_are_named(settings, given, why):
    for name, value in given.items():
        setattr(settings, f"CALLCOV_STORAGE_{name}", value)
    (problem,) = checks.settings_make_sense()
    assert why in problem.msg
    assert problem.id == "portal.E005"


def test_nginx_cannot_send_what_is_in_a_bucket(settings):
    settings.CALLCOV_STORAGE_BUCKET, settings.CALLCOV_AUDIO_ACCEL = "calls", "/stored/"
    (problem,) = checks.settings_make_sense()
    assert "CALLCOV_AUDIO_ACCEL is for recordings in a folder" in problem.msg
