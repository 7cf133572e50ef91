"""The sound of a call is served out of a bucket as it is out of a folder, range by range."""

import pytest
from django.core.files.storage import default_storage

from callcov_portal.bucket import BLOCK
from callcov_portal.models import Muting, Recording
from tests.bucket.objects import CONTENT, SIZE, get
from tests.factories import RecordingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(name) -> Recording:
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
def test_a_range_gives_exactly_those_bytes(as_bob, call, asked, first, last):
    answer = get(as_bob, call, Range=asked)
    assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes {first}-{last}/{SIZE}")
    assert answer["Content-Length"] == str(last - first + 1)
    assert answer.getvalue() == CONTENT[first : last + 1]


def test_without_one_the_whole_comes_in_blocks(as_bob, call):
    answer = get(as_bob, call)
    blocks = list(answer.streaming_content)
    assert (answer.status_code, b"".join(blocks)) == (200, CONTENT)
    assert max(map(len, blocks)) == BLOCK
    assert (answer["Content-Length"], answer["ETag"]) == (str(SIZE), '"c0ffee"')
    assert answer["Accept-Ranges"] == "bytes"


def test_beyond_the_end_is_416_and_what_is_known_304(as_bob, call):
    answer = get(as_bob, call, Range=f"bytes={SIZE}-")
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert get(as_bob, call, **{"If-None-Match": '"c0ffee"'}).status_code == 304


def test_head_tells_without_a_body(as_bob, call):
    answer = as_bob.head(f"/calls/{call.pk}/audio/", headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer["Content-Length"], answer.content) == (206, "10", b"")


def test_what_is_gone_is_404_and_nobody_else_hears_it(as_bob, as_charlie, call):
    assert get(as_charlie, call).status_code == 302
    default_storage.delete(call.stored_name)
    assert get(as_bob, call).status_code == 404


def test_a_copy_that_is_gone_is_404_and_can_be_made_again(as_bob, call):
    Recording.objects.update(muting=Muting.DONE, muted_file="2026/03/gone.flac")
    assert get(as_bob, call).status_code == 404
    assert as_bob.get(f"/calls/{call.pk}/").status_code == 200
    as_bob.post(f"/calls/{call.pk}/mute/")
    assert Recording.objects.get().muting == Muting.DUE
