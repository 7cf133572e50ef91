"""Files that arrive in pieces."""

import hashlib
import io
import os
import random
from pathlib import Path

import pytest

from callcov_portal import parts
from callcov_portal.bodies import BrokenOff

CONTENT = os.urandom(700_000)  # some blocks, and a rest


class Breaking(io.BytesIO):
    """A connection that breaks after so many bytes."""

    def __init__(self, content: bytes, after: int) -> None:
        super().__init__(content[:after])

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        if not block:
            raise ConnectionResetError
        return block


def test_what_came_before_a_connection_broke_stays_and_the_rest_is_added_later() -> None:
    chance = random.Random(5)
    for number in range(50):
        path, here = parts.begin(f"one-{number}"), 0
        while here < len(CONTENT):
            wanted = here + chance.randint(1, 400_000)
            source = Breaking(CONTENT[here:], wanted - here)
            try:
                here = parts.append(path, here, source, len(CONTENT) - here)
            except ConnectionResetError:
                here = path.stat().st_size
                assert here == min(wanted, len(CONTENT))
        with parts.complete(path) as whole:
            assert whole.sha256 == hashlib.sha256(CONTENT).hexdigest()
            assert whole.path.read_bytes() == CONTENT
        assert not path.exists()
        assert not whole.path.exists()


def test_bytes_for_another_place_change_nothing() -> None:
    path = parts.begin("one")
    parts.append(path, 0, io.BytesIO(b"01234"), 5)
    for offset in (0, 4, 6):
        with pytest.raises(parts.Elsewhere):
            parts.append(path, offset, io.BytesIO(b"xxxxx"), 5)
    assert path.read_bytes() == b"01234"


def test_a_forgotten_connection_that_wakes_up_late_does_no_harm(monkeypatch) -> None:
    monkeypatch.setattr(parts, "BLOCK", 4)
    path = parts.begin("one")

    class Late(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 4:  # meanwhile another connection brought the rest
                parts.append(path, 4, io.BytesIO(b"4567"), 4)
            return super().read(size)

    with pytest.raises(parts.Elsewhere):
        parts.append(path, 0, Late(b"01234567"), 8)
    assert path.read_bytes() == b"01234567"


def test_a_source_that_ends_early_is_noticed() -> None:
    path = parts.begin("one")
    with pytest.raises(BrokenOff):
        parts.append(path, 0, io.BytesIO(b"012"), 5)
    assert path.read_bytes() == b"012"


def test_nothing_is_added_to_what_was_not_begun() -> None:
    with pytest.raises(FileNotFoundError):
        parts.append(parts.path_of("none"), 0, io.BytesIO(b"x"), 1)
    with pytest.raises(FileNotFoundError), parts.complete(parts.path_of("none")):
        pass


def test_to_begin_again_leaves_what_is_there() -> None:
    path = parts.begin("one")
    parts.append(path, 0, io.BytesIO(b"012"), 3)
    assert parts.begin("one").read_bytes() == b"012"


def test_one_takes_a_complete_part_in_and_others_are_told() -> None:
    path = parts.begin("one")
    with parts.complete(path), pytest.raises(parts.Busy), parts.complete(path):
        pass
    assert not path.exists()


def test_what_fails_while_it_is_taken_in_leaves_the_part_also_if_it_was_moved(tmp_path) -> None:
    path = parts.begin("one")
    parts.append(path, 0, io.BytesIO(b"012"), 3)

    def fail_after_moving() -> None:
        with parts.complete(path) as whole:
            whole.path.rename(tmp_path / "stored")
            raise OSError

    with pytest.raises(OSError):
        fail_after_moving()
    with parts.complete(path) as whole:
        assert whole.path.read_bytes() == b"012"


def test_a_process_killed_while_it_took_a_part_in_leaves_nothing_in_the_way() -> None:
    path = parts.begin("one")
    path.with_name("one-whole.part").hardlink_to(path)
    with parts.complete(path) as whole:
        assert whole.path.exists()
    assert list(Path(path.parent).iterdir()) == []
