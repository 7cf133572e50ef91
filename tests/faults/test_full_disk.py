"""A file system that really fills: nothing is half stored, nothing is damaged, and all goes on when there is room again."""

import hashlib
import os
import random
import re
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from callcov_portal import uploads
from callcov_portal.models import Analysis, Batch, BatchItem, Fate, Recording, State
from callcov_portal.uploads import incoming_folder
from callcov_portal.views import uploading
from tests.factories import BatchFactory
from tests.running import RealGroup
from tests.sounds import wav_of
from tests.views.sending import FILES, JSON, create, head, item_of, patch
from tests.whole.portal import Person, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.small_disk, pytest.mark.audio]


@pytest.fixture
def folder(settings, small_disk, tmp_path) -> Path:
    """A data folder of two megabytes."""
    place: Path = small_disk(tmp_path / "disk", 2)
    settings.CALLCOV_DATA_DIR = place
    storage = {**settings.STORAGES["default"], "OPTIONS": {"location": place / "recordings"}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    return place


@pytest.fixture
def unforeseen(monkeypatch) -> None:
    """There seemed to be room, and others have taken it before the bytes were here."""
    for module in (uploads, uploading):
        monkeypatch.setattr(module, "refuse_if_disk_full", lambda _folder, _size: None)


def noise(seed: int) -> bytes:
    """Return a recording of 160 kB."""
    return wav_of(random.Random(seed).randbytes(160_000))


def send(client, seed: int) -> int:
    file = SimpleUploadedFile(f"{seed}.wav", noise(seed), "audio/wav")
    return int(client.post(FILES, {"agent": "nora", "files": file}, headers=JSON).status_code)


def fill(folder: Path) -> Path:
    """Take all the room there is."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return path


def stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "recordings").rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_a_disk_with_too_little_room_takes_nothing_at_all(folder, as_bob) -> None:
    assert send(as_bob, 0) == 507
    assert not Recording.objects.exists()
    assert not list(incoming_folder().iterdir())


@pytest.mark.django_db
def test_files_that_fill_the_disk_are_stored_whole_or_not_at_all(folder, unforeseen, as_bob) -> None:
    answers = Counter(send(as_bob, seed) for seed in range(20))
    assert set(answers) == {200, 507}
    assert answers[507] >= 5
    assert Recording.objects.count() == answers[200] == len(stored(folder)) > 5
    for recording in Recording.objects.all():
        with default_storage.open(recording.stored_name) as file:
            assert hashlib.sha256(file.read()).hexdigest() == recording.sha256
    assert set(Analysis.objects.values_list("state", flat=True)) == {State.QUEUED}
    assert not list(incoming_folder().iterdir())
    for path in stored(folder)[:2]:  # somebody makes room
        path.unlink()
    assert send(as_bob, 100) == 200


@pytest.mark.django_db
def test_an_upload_that_meets_the_end_of_the_disk_goes_on_from_there(folder, unforeseen, as_bob, bob) -> None:
    batch: Batch = BatchFactory(user=bob)
    content = noise(1)
    item = item_of(batch, len(content))
    create(as_bob, item)
    assert patch(as_bob, item, content[:50_000], 0).status_code == 204
    filler = fill(folder)
    refused = patch(as_bob, item, content[50_000:], 50_000)
    assert (refused.status_code, Recording.objects.count()) == (507, 0)
    filler.unlink()
    offset = int(head(as_bob, item)["Upload-Offset"])
    assert 50_000 <= offset < len(content)
    assert patch(as_bob, item, content[offset:], offset).status_code == 204
    assert BatchItem.objects.get().fate == Fate.STORED
    assert Recording.objects.get().sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.group
@pytest.mark.timeout(600)
def test_a_database_without_room_refuses_and_is_whole_and_goes_on(group, small_disk) -> None:
    folder = small_disk(group.data, 64)
    group.start("--only", "web,worker,beat")
    person = Person(group.address)
    links = {"agent": "rachel", "links": "https://calls.example/{}.wav"}
    assert add_link(person, links, 0) < 400
    filler = fill(folder)
    statuses = Counter[int]()
    for number in range(1, 16):
        time.sleep(0.1)
        if os.statvfs(folder).f_bavail:
            fill(folder)
        statuses[add_link(person, links, number)] += 1
        statuses[person.get("/calls/").status_code] += 1
    assert 500 not in statuses, (statuses, group.said())
    assert statuses[507] + statuses[503] > 5, statuses
    causes = re.findall(r"(?:Error|Exception): ([^\n\\]*)", group.said())
    assert {cause for cause in causes if not re.search("disk is full|No space left", cause)} == set()
    written = calls_in(group)
    filler.unlink()
    wait_for(lambda: add_link(person, links, 100) < 400, 60, group.said)
    assert calls_in(group) == written + 1
    assert person.get("/calls/").status_code == 200
    with group.rows() as rows:
        swept = "SELECT at FROM portal_signal WHERE name = 'sweep'"
        before = rows.execute(swept).fetchone()
        wait_for(lambda: rows.execute(swept).fetchone() not in {None, before}, 60, group.said)


def add_link(person: Person, form: dict[str, str], number: int) -> int:
    """Add a call by a link, which writes to the database and nowhere else; return the answer's status."""
    answer = person.post("/calls/add/links/", {**form, "links": form["links"].format(number)}, allow_redirects=False)
    return int(answer.status_code)


def calls_in(group: RealGroup) -> int:
    """Return how many calls there are, in a database that is whole."""
    with group.rows() as rows:
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(rows.execute("SELECT count(*) FROM portal_recording").fetchone()[0])
