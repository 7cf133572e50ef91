"""An object of more than two blocks, how it is asked for, and what is left of it on this machine."""

import random
from pathlib import Path

from callcov_portal import bucket
from callcov_portal.bucket import BLOCK
from callcov_portal.models import Recording
from callcov_portal.uploads import incoming_folder

CONTENT = random.Random(3).randbytes(2 * BLOCK + 1000)
SIZE = len(CONTENT)


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
