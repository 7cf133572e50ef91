"""`manage.py check_files`: what is stored against what rows say, in a folder and in a bucket."""

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from callcov_portal import bucket, storage
from callcov_portal.actions import inventory
from callcov_portal.models import Export, Muting, Recording
from callcov_portal.storage import StorageAway, Stored, Upload
from callcov_portal.uploads import incoming_folder
from tests.factories import BatchFactory, RecordingFactory

pytestmark = pytest.mark.django_db
A_DAY = 24 * 3600


def kept(suffix: str = "wav", content: bytes = b"sound" * 1000) -> str:
    """Store a file as the portal names them; return its name."""
    return default_storage.save(f"2026/03/{uuid.uuid4()}.{suffix}", ContentFile(content))


@pytest.fixture(params=["folder", "bucket"])
def shelf(request) -> str:
    if request.param == "bucket":
        request.getfixturevalue("in_bucket")
    return request.param


@pytest.fixture
def later(monkeypatch) -> Callable[[float], None]:
    """Let so many hours go by for the command; files get their dates from elsewhere."""
    now = time.time

    def wait(hours: float) -> None:
        monkeypatch.setattr(time, "time", lambda: now() + hours * 3600)

    return wait


@pytest.fixture
def run(capsys) -> Callable[..., tuple[int, str]]:
    """Run the command; return its exit status, and what it said."""

    def check(*options: str) -> tuple[int, str]:
        try:
            call_command("check_files", *options)
        except CommandError as error:
            return error.returncode, capsys.readouterr().out + str(error)
        return 0, capsys.readouterr().out

    return check


def exists(*names: str) -> list[bool]:
    return [default_storage.exists(name) for name in names]


@pytest.fixture
def rows(shelf) -> list[str]:
    """One row of each kind with its file; their names."""
    names = [kept(), kept("flac"), kept("csv"), kept("manifest")]
    RecordingFactory(file=names[0], muted_file=names[1], muting=Muting.DONE)
    RecordingFactory(file="", link="https://example.org/a.wav")
    Export.objects.create(table="calls", format="csv", columns=[], file=names[2])
    BatchFactory(manifest=names[3])
    return names


def test_where_all_is_well_nothing_is_named(rows, run, later):
    later(48)
    status, said = run("--delete")
    assert status == 0
    assert said.splitlines() == [
        "4 files (20 kB) stored, 4 files (20 kB) known to a row.",
        "Deleted 0 files.",
    ]
    assert all(exists(*rows))


def test_an_orphan_is_named_and_deleted_only_when_that_is_asked(rows, run, later):
    orphan = kept(content=b"x" * 2001)
    later(48)
    for _ in range(2):
        status, said = run()
        assert status == 0
        assert "orphaned          3 kB  " in said
        assert said.splitlines()[0].endswith(orphan)
        assert "1 file (3 kB) orphaned." in said
        assert "Nothing was deleted." in said
        assert exists(orphan) == [True]
    assert "Deleted 1 file (3 kB)." in run("--delete")[1]
    assert exists(orphan) == [False]
    assert "Deleted 0 files" in run("--delete")[1]
    assert all(exists(*rows))


def test_what_came_a_moment_ago_may_be_on_its_way(rows, run, later):
    young = kept()
    later(20)
    assert "1 file (5 kB) without a row, but not older than 24 h." in run("--delete")[1]
    assert exists(young) == [True]
    assert "Deleted 1 file" in run("--delete", "--older-than", "19")[1]
    assert exists(young) == [False]


def test_the_margin_is_an_hour_at_least(rows, run):
    status, said = run("--older-than", "0", "--delete")
    assert status == 1
    assert "must be at least 1" in said


def test_what_the_portal_never_put_there_is_named_and_left_alone(rows, run, later):
    names = [
        default_storage.save(name, ContentFile(b"mine" * 1000)) for name in ("notes.txt", "2026/03/two\x07bells.wav")
    ]
    later(48)
    status, said = run("--delete")
    assert status == 0
    assert "not ours" in said
    assert "notes.txt" in said
    assert r"'2026/03/two\x07bells.wav'" in said
    assert "2 files (8 kB) not ours, never deleted." in said
    assert exists(*names) == [True, True]


def test_a_row_whose_file_is_gone_is_named_and_the_status_says_so(rows, run, later):
    for name in rows:
        default_storage.delete(name)
    status, said = run()
    call, export = Recording.objects.exclude(file="").get().pk, Export.objects.get().pk
    assert status == 1
    for line in (
        f"missing     recording of call {call}: {rows[0]}",
        f"missing     muted copy of call {call}: {rows[1]}",
        f"missing     file of export {export}: {rows[2]}",
        f": {rows[3]}",
    ):
        assert line in said
    assert "4 rows lack their files." in said


def test_a_muted_copy_that_is_gone_is_made_again_when_that_is_asked(rows, run):
    default_storage.delete(rows[1])
    assert run()[0] == 1
    status, said = run("--remake")
    assert status == 0
    assert "is made again" in said
    assert Recording.objects.exclude(file="").get().muting == Muting.DUE


def test_nothing_is_deleted_where_no_row_knows_any_file(shelf, run, later):
    orphan = kept()
    later(48)
    status, said = run("--delete")
    assert status == 1
    assert "No row knows any of the 1 files" in said
    assert exists(orphan) == [True]
    assert run("--delete", "--yes")[0] == 0
    assert exists(orphan) == [False]


def test_what_comes_and_goes_meanwhile_is_taken_for_nothing(rows, run, later, monkeypatch):
    """While the files are listed a call is deleted, one is added, and one gets another muted copy."""
    goes, stays = kept(), kept()
    deleted, other = RecordingFactory(file=goes), RecordingFactory(file=stays, muting=Muting.DONE)
    Recording.objects.filter(pk=other.pk).update(muted_file=(before := kept("flac")))
    contents = storage.contents

    def meanwhile():
        listed = list(contents())
        deleted.delete()
        default_storage.delete(goes)
        RecordingFactory(file=kept())
        Recording.objects.filter(pk=other.pk).update(muted_file=kept("flac"))
        default_storage.delete(before)
        yield from listed

    later(48)
    monkeypatch.setattr(storage, "contents", meanwhile)
    status, said = run()
    assert status == 0
    assert "orphaned" not in said
    assert "missing" not in said


def test_more_rows_than_are_read_at_once_are_all_known(rows, run, later, monkeypatch):
    monkeypatch.setattr(inventory, "AT_ONCE", 2)
    for _ in range(5):
        RecordingFactory(file=kept())
        BatchFactory(manifest=kept("manifest"))
    later(48)
    assert "14 files (70 kB) stored, 14 files (70 kB) known to a row." in run()[1]


def test_an_upload_in_parts_that_nobody_finished_is_named_and_forgotten(in_bucket, run, later):
    RecordingFactory(file=kept())
    key = f"portal/one/2026/03/{uuid.uuid4()}.wav"
    for name in (key, "portal/other/2026/03/theirs.wav"):
        in_bucket.client.create_multipart_upload(Bucket=in_bucket.name, Key=name)
    assert f"{key.removeprefix('portal/one/')}" in run()[1]
    assert run("--delete")[0] == 0
    left = in_bucket.client.list_multipart_uploads(Bucket=in_bucket.name)["Uploads"]
    assert [one["Key"] for one in left] == ["portal/other/2026/03/theirs.wav"]
    assert "unfinished" not in run()[1]


def test_an_upload_that_was_begun_a_moment_ago_is_left_alone(run, monkeypatch):
    begun = Upload("2026/03/a.wav", "1", datetime.now(UTC) - timedelta(hours=23))
    monkeypatch.setattr(storage, "unfinished", lambda: iter([begun]))
    assert "unfinished" not in run("--delete")[1]  # nor is a folder asked to forget it


def test_a_bucket_that_is_away_is_said(in_bucket, run, monkeypatch):
    monkeypatch.setattr(bucket.Bucket, "contents", lambda _self: (_ for _ in ()).throw(StorageAway("No.")))
    status, said = run()
    assert (status, said) == (1, "The storage for recordings does not answer. No.")


class TestTheFolder:
    def test_parts_of_uploads_are_summed_and_left_to_housekeeping(self, run, later):
        (incoming_folder() / "item-1.part").write_bytes(b"123" * 1000)
        later(48)
        assert "1 file (3 kB) arriving or in work; what is left of them housekeeping removes." in run("--delete")[1]
        assert (incoming_folder() / "item-1.part").exists()

    def test_a_file_that_was_moved_here_a_moment_ago_is_young_whatever_its_date(self, run):
        RecordingFactory(file=kept())
        name = kept()
        old = time.time() - 10 * A_DAY
        os.utime(default_storage.path(name), (old, old))
        assert "1 file (5 kB) without a row, but not older than 24 h." in run()[1]

    def test_a_name_that_no_text_can_be_and_a_link_do_no_harm(self, run, later, tmp_path):
        RecordingFactory(file=kept())
        folder = os.fsencode(default_storage.path(""))
        with open(os.path.join(folder, b"caf\xe9.wav"), "wb") as file:
            file.write(b"1")
        (tmp_path / "recordings" / "elsewhere").symlink_to("/")
        later(48)
        status, said = run("--delete")
        assert status == 0
        assert "caf�.wav" in said
        assert "2 files" in said

    def test_without_a_folder_there_is_nothing(self, run):
        assert run() == (0, "0 files stored, 0 files known to a row.\n")

    def test_a_file_that_goes_while_it_is_looked_at_is_left_out(self):
        names = {kept(), kept()}
        folder = os.path.dirname(default_storage.path(next(iter(names))))
        found = storage.files_below(folder, len(default_storage.path("")) + 1)
        first = next(found)  # by now the system has named both
        (other,) = names - {first.name}
        default_storage.delete(other)
        assert list(found) == []


def test_a_date_that_no_calendar_has_is_written_all_the_same(run, later, monkeypatch):
    monkeypatch.setattr(storage, "contents", lambda: iter([Stored("notes.txt", 1, -1e18), Stored("more.txt", 1, 1e18)]))
    assert run()[0] == 0
