"""A watched folder: nothing is stored twice or lost, whoever is killed, and nothing is moved that is not stored."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from callcov_portal import uploads
from callcov_portal.actions import arriving, batches, watching
from callcov_portal.actions.watching import GONE, Watch
from callcov_portal.models import Batch, BatchItem, BatchState, Cause, Failure, Fate, Recording, Signal, Way
from callcov_portal.uploads import incoming_folder
from tests.sounds import wav

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def folder(tmp_path) -> Path:
    root = tmp_path / "drop"
    root.mkdir()
    return root


@pytest.fixture
def watch(folder) -> Watch:
    return Watch(folder, agent="rachel")


def drop(folder: Path, name: str, seed: int = 0) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav(0.3, seed=seed))
    return path


def looks(watch: Watch, times: int = 2) -> list[BatchItem]:
    """Look so often; return what was put aside."""
    return [item for _ in range(times) for item in watch.look()]


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_that_stands_still_is_stored_and_then_moved(folder, watch):
    drop(folder, "march/a.wav")
    assert looks(watch, 1) == []
    assert files(folder) == ["march/a.wav"]
    (item,) = looks(watch, 1)
    call = Recording.objects.get()
    assert (item.recording, item.name, call.file_name, call.agent.identifier) == (
        call,
        "march/a.wav",
        "a.wav",
        "rachel",
    )
    assert files(folder) == ["done/march/a.wav"]
    assert list(incoming_folder().iterdir()) == []
    batch = Batch.objects.get()
    assert (batch.way, batch.name, batch.sums().items, batch.sums().waiting) == (Way.FOLDER, str(folder), 1, 1)


def test_a_file_that_is_being_written_is_left_alone(folder, watch):
    path = drop(folder, "a.wav")
    for _ in range(3):
        assert looks(watch, 1) == []
        with path.open("ab") as file:
            file.write(b"more")
    assert not Batch.objects.exists()
    assert len(looks(watch)) == 1


def test_a_file_of_the_same_size_whose_date_moves_is_being_written_too(folder, watch):
    path = drop(folder, "a.wav")
    looks(watch, 1)
    os.utime(path, (1, 1))
    assert looks(watch, 1) == []
    assert len(looks(watch, 1)) == 1


def test_hidden_and_passing_names_are_left_alone(folder, watch):
    for name in (".a.wav", "b.wav.part", "c.tmp", "~d.wav", "e.wav~", ".stfolder/f.wav"):
        drop(folder, name)
    assert looks(watch, 3) == []
    assert len(files(folder)) == 6


def test_duplicates_and_what_is_refused_go_where_that_can_be_seen(folder, watch):
    drop(folder, "a.wav")
    drop(folder, "b.wav")
    (folder / "notes.txt").write_text("hello")
    items = {item.name: item for item in looks(watch)}
    assert [items[name].fate for name in ("a.wav", "b.wav", "notes.txt")] == [Fate.STORED, Fate.DUPLICATE, Fate.REFUSED]
    assert files(folder) == ["done/a.wav", "duplicates/b.wav", "refused/notes.txt", "refused/notes.txt.txt"]
    assert (folder / "refused/notes.txt.txt").read_text() == items["notes.txt"].detail + "\n"
    assert items["notes.txt"].cause == Failure.NOT_AUDIO
    assert Recording.objects.count() == 1


def test_no_file_is_written_over_another(folder, watch):
    for seed in (1, 2):
        drop(folder, "a.wav", seed)
        looks(watch)
    assert files(folder) == ["done/a (2).wav", "done/a.wav"]
    assert Recording.objects.count() == 2


def test_folders_and_names_are_read_by_the_pattern(folder):
    drop(folder, "nora/c-7_2026-03-01_09-30.wav")
    (item,) = looks(Watch(folder, pattern="{agent}/{contact}_{date}_{time}"))
    assert (item.recording.agent.identifier, item.recording.contact.identifier) == ("nora", "c-7")


KILLED_AT = [
    (batches, "open_batch"),
    (batches, "add_items"),
    (arriving, "take_copy"),
    (arriving, "copied"),
    (batches, "take_file"),
    (watching, "free"),
    (shutil, "move"),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("room", "step"), KILLED_AT, ids=[step for _, step in KILLED_AT])
def test_killed_at_any_step_and_started_again_nothing_is_lost_or_stored_twice(folder, monkeypatch, room, step, when):
    for seed, name in enumerate(("a.wav", "nora/b.wav", "notes.txt")):
        drop(folder, name, seed)
    (folder / "notes.txt").write_text("hello")
    drop(folder, "same.wav", seed=0)
    steps = 0
    while True:
        real, left = getattr(room, step), [steps]

        def dying(*args, real=real, left=left, **kwargs):
            if when == "before" and not left[0]:
                raise Killed
            answer = real(*args, **kwargs)
            if not left[0]:
                raise Killed
            left[0] -= 1
            return answer

        monkeypatch.setattr(room, step, dying)
        try:
            looks(Watch(folder, agent="rachel"))
            break
        except Killed:
            steps += 1
        finally:
            monkeypatch.setattr(room, step, real)
    assert steps > 0
    looks(Watch(folder, agent="rachel"))
    assert Recording.objects.count() == 2
    aside = files(folder)
    assert [name for name in aside if not name.endswith(".txt.txt")] == [
        "done/a.wav", "done/nora/b.wav", "duplicates/same.wav", "refused/notes.txt",
    ]  # fmt: skip
    assert "refused/notes.txt.txt" in aside
    sums = [batch.sums() for batch in Batch.objects.all()]
    assert sum(one.items for one in sums) == 4
    assert sum(one.duplicates for one in sums) == 1
    assert sum(one.failed for one in sums) == 1


def test_what_was_stored_before_the_process_died_is_only_moved(folder, watch, monkeypatch):
    drop(folder, "a.wav")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "move", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            looks(watch)
    assert (Recording.objects.count(), files(folder)) == (1, ["a.wav"])
    looks(Watch(folder, agent="rachel"))
    assert (Batch.objects.get().sums().items, Batch.objects.get().sums().duplicates) == (1, 0)
    assert files(folder) == ["done/a.wav"]


def test_another_file_of_that_name_is_not_moved_in_its_place(folder, watch, monkeypatch):
    path = drop(folder, "a.wav")
    take = arriving.take_copy

    def replaced(item, source):
        taken = take(item, source)
        drop(folder, "a.wav", seed=5)
        os.utime(path, (5, 5))
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(arriving, "take_copy", replaced)
        looks(watch)
    assert files(folder) == ["a.wav"]
    looks(watch)
    assert Recording.objects.count() == 2
    assert files(folder) == ["done/a.wav"]


def test_a_file_that_cannot_be_read_is_said_and_the_others_go_on(folder, watch, monkeypatch):
    drop(folder, "a.wav", 1)
    drop(folder, "b.wav", 2)
    whole = arriving.copied

    def unreadable(source, target):
        if source.name == "a.wav":
            raise PermissionError(13, "Permission denied")
        return whole(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(arriving, "copied", unreadable)
        looks(watch)
        assert files(folder) == ["a.wav", "done/b.wav"]
        signal = Signal.objects.get(name__startswith="watch.")
        assert signal.text == f"{folder}\na.wav: Permission denied"
        assert signal.until is not None
    looks(watch, 1)
    assert files(folder) == ["done/a.wav", "done/b.wav"]
    signal.refresh_from_db()
    assert (signal.text, signal.until) == (f"{folder}\n", None)


def test_a_folder_that_vanishes_is_said_and_watched_again_when_it_is_back(folder, watch):
    looks(watch)
    folder.rename(folder.with_name("away"))
    looks(watch)
    signal = Signal.objects.get(name__startswith="watch.")
    assert signal.text.endswith(f"The folder {folder}: No such file or directory")
    since = signal.until
    looks(watch)
    signal.refresh_from_db()
    assert signal.until == since
    folder.with_name("away").rename(folder)
    drop(folder, "a.wav")
    looks(watch)
    signal.refresh_from_db()
    assert (signal.until, Recording.objects.count()) == (None, 1)


def test_a_folder_below_that_cannot_be_read_does_not_hinder_the_rest(folder, watch, monkeypatch):
    drop(folder, "locked/a.wav", 1)
    drop(folder, "b.wav", 2)
    scan = os.scandir

    def locked(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", locked)
    looks(watch)
    assert Recording.objects.count() == 1
    assert Signal.objects.get(name__startswith="watch.").text.endswith("locked: Permission denied")


def test_a_full_disk_is_said_and_what_waits_is_taken_when_there_is_room(folder, watch, monkeypatch):
    drop(folder, "a.wav")
    with monkeypatch.context() as patched:
        patched.setattr(uploads, "KEEP_FREE_BYTES", 2**62)
        looks(watch)
        assert "The disk has only" in Signal.objects.get(name__startswith="watch.").text
        assert files(folder) == ["a.wav"]
    looks(watch, 1)
    assert files(folder) == ["done/a.wav"]
    assert Batch.objects.get().sums().items == 1


def test_a_fault_of_ours_with_one_file_does_not_stop_the_line(folder, watch, monkeypatch):
    drop(folder, "a.wav", 1)
    drop(folder, "b.wav", 2)
    take = arriving.take_copy

    def faulty(item, path):
        if path.name == "a.wav":
            raise RuntimeError("a fault")
        return take(item, path)

    monkeypatch.setattr(arriving, "take_copy", faulty)
    assert [item.name for item in looks(watch)] == ["b.wav"]
    assert files(folder) == ["a.wav", "done/b.wav"]


def test_what_is_taken_away_before_it_could_be_read_is_refused(folder, watch, monkeypatch):
    path = drop(folder, "a.wav")
    with monkeypatch.context() as patched:
        patched.setattr(arriving, "copied", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        looks(watch)
    path.unlink()
    looks(watch)
    item = BatchItem.objects.get()
    assert (item.fate, item.cause, item.detail) == (Fate.REFUSED, Cause.UNREADABLE, GONE)


def test_a_batch_lasts_while_files_keep_coming_and_the_next_one_begins_after_a_pause(folder, watch):
    drop(folder, "a.wav", 1)
    looks(watch)
    drop(folder, "b.wav", 2)
    looks(Watch(folder, agent="rachel"))
    assert Batch.objects.get().sums().items == 2
    Batch.objects.update(active_at=timezone.now() - timedelta(minutes=11))
    looks(watch)
    assert Batch.objects.get().state == BatchState.CLOSED
    drop(folder, "c.wav", 3)
    looks(watch)
    assert sorted(batch.sums().items for batch in Batch.objects.all()) == [1, 2]


def test_once_the_names_are_read_otherwise_another_batch_begins(folder, watch):
    (folder / "x").mkdir()
    drop(folder, "a.wav", 1)
    watch.agent = ""
    looks(watch)
    assert files(folder) == ["refused/a.wav", "refused/a.wav.txt"]
    (folder / "refused/a.wav").rename(folder / "nora_1.wav")
    watch.pattern = "{agent}_*"
    looks(watch)
    assert Recording.objects.get().agent.identifier == "nora"
    assert [batch.state for batch in Batch.objects.order_by("created_at")] == [BatchState.CLOSED, BatchState.OPEN]


def test_what_a_person_cancelled_is_put_aside_and_not_taken(folder, watch, monkeypatch):
    drop(folder, "a.wav")
    take = arriving.take_copy

    def cancelled(item, path):
        batches.cancel(item.batch)
        return take(item, path)

    monkeypatch.setattr(arriving, "take_copy", cancelled)
    looks(watch)
    assert (Recording.objects.count(), files(folder)) == (0, ["refused/a.wav", "refused/a.wav.txt"])
    assert "cancelled" in (folder / "refused/a.wav.txt").read_text()


def test_a_look_that_finds_nothing_writes_little(folder, watch, django_assert_max_num_queries):
    looks(watch)
    with django_assert_max_num_queries(1):
        looks(watch, 1)
