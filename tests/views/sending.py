"""Files as a browser sends them: by the form, or resumably in pieces."""

from base64 import b64encode

from django.core.files.uploadedfile import SimpleUploadedFile

from callcov_portal.models import Batch, BatchItem
from tests.factories import BatchItemFactory
from tests.sounds import wav

FILES = "/calls/add/files/"
JSON = {"Accept": "application/json"}
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"
SOUND = wav(0.2)


def sound_file(name: str = "call.wav", seed: int = 0) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, wav(0.3, seed=seed), "audio/wav")


def item_of(batch: Batch, size: int = len(SOUND), **fields) -> BatchItem:
    return BatchItemFactory(batch=batch, size_bytes=size, **fields)


def create(client, item: BatchItem, length: int | None = None, **headers: str):
    """Begin to send the file of an item."""
    metadata = f"filename {b64encode(b'a.wav').decode()},item {b64encode(str(item.pk).encode()).decode()}"
    size = str(item.size_bytes if length is None else length)
    return client.post(
        "/calls/add/uploads/", headers={**TUS, "Upload-Length": size, "Upload-Metadata": metadata, **headers}
    )


def path_of(item: BatchItem) -> str:
    return f"/calls/add/uploads/{item.pk}/"


def head(client, item: BatchItem):
    """Ask how much of it is here."""
    return client.head(path_of(item), headers=TUS)


def patch(client, item: BatchItem, content: bytes, offset: int, **headers: str):
    """Send what comes next of it."""
    given = {**TUS, "Upload-Offset": str(offset), **headers}
    return client.generic("PATCH", path_of(item), content, headers=given, CONTENT_TYPE=BYTES)
