"""Who can only read a path gets a copy, which is gone afterwards, however that comes."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from callcov_portal.actions import housekeeping, shelving
from callcov_portal.bucket import BLOCK
from callcov_portal.uploads import DiskFull, incoming_folder
from tests.bucket.objects import CONTENT, left_here, noted
from tests.views.sending import SOUND

pytestmark = pytest.mark.django_db


def test_it_is_made_block_by_block_and_removed(name, monkeypatch):
    asked = noted(monkeypatch)
    with shelving.on_disk(name) as path:
        assert path.read_bytes() == CONTENT
        assert path.stat().st_mode & 0o777 == 0o600
    assert max(length for _, length in asked) == BLOCK
    assert left_here() == []


def test_it_is_removed_when_its_reader_fails(name):
    with pytest.raises(ZeroDivisionError), shelving.on_disk(name):
        1 / 0  # noqa: B018
    assert left_here() == []


def test_one_whose_process_was_killed_goes_with_the_next_round_and_one_in_use_stays(name, monkeypatch):
    monkeypatch.setattr(housekeeping, "A_MINUTE", -60.0)
    left = incoming_folder() / f"{shelving.COPY}left.part"
    left.write_bytes(b"x")
    with shelving.on_disk(name) as path:
        housekeeping.tidy()
        assert left_here() == [path]


def test_a_young_one_stays_as_it_may_not_be_locked_yet(in_bucket):
    (incoming_folder() / f"{shelving.COPY}new.part").write_bytes(b"x")
    housekeeping.tidy()
    assert len(left_here()) == 1


def test_there_is_none_without_room_or_of_nothing(name, monkeypatch):
    with pytest.raises(FileNotFoundError), shelving.on_disk("2026/03/none.wav"):
        pass
    monkeypatch.setattr("callcov_portal.uploads.KEEP_FREE_BYTES", 10**18)
    with pytest.raises(DiskFull), shelving.on_disk(name):
        pass
    assert left_here() == []


def test_who_reads_paths_gets_the_folders_own_file(settings):
    name = default_storage.save("2026/03/a.wav", ContentFile(SOUND))
    with shelving.on_disk(name) as path:
        assert path == Path(default_storage.path(name))
    assert path.exists()
    assert left_here() == []
    with pytest.raises(FileNotFoundError), shelving.on_disk(""):
        pass
