"""An object as a file: what is asked for is fetched, and no more than a block of it is held."""

import io
from typing import cast

import pytest
from botocore.exceptions import IncompleteReadError
from django.core.files.storage import default_storage

from callcov_portal import bucket, storage
from callcov_portal.bucket import BLOCK
from callcov_portal.storage import StorageAway
from tests.bucket.objects import CONTENT, SIZE, noted


def test_any_way_of_reading_gives_the_same_bytes(name):
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


def test_going_on_reads_a_block_ahead(name, monkeypatch):
    asked = noted(monkeypatch)
    with default_storage.open(name) as file:
        while file.read(16_384):
            pass
    assert asked == [(0, 16_384), (16_384, BLOCK), (16_384 + BLOCK, SIZE - 16_384 - BLOCK)]


def test_there_is_nothing_before_the_beginning_and_nothing_is_written(name):
    with default_storage.open(name) as file, pytest.raises(ValueError, match="before the beginning"):
        file.seek(-1)
    with pytest.raises(ValueError, match="only read"):
        default_storage.open(name, "wb")


def test_a_line_that_breaks_in_the_middle_is_tried_again(name, monkeypatch):
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


def test_a_server_that_knows_no_ranges_is_found_out(name, monkeypatch):
    monkeypatch.setattr(storage.bucket().client, "get_object", lambda **_: {"Body": io.BytesIO(b"ab")})
    with default_storage.open(name) as file, pytest.raises(StorageAway, match="less of an object"):
        file.read(5)
