"""A bucket that has an object, and one that goes away and comes back."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from callcov_portal import bucket
from tests.bucket.objects import CONTENT
from tests.client.peer import closed_port
from tests.s3 import storage_at


@pytest.fixture
def name(in_bucket) -> str:
    """The name of an object that is there."""
    return default_storage.save("2026/03/a.wav", ContentFile(CONTENT))


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
