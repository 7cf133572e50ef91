"""The sound in ranges, byte for byte."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, default_storage
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal.models import Muting, Recording
from callcov_portal.views.ranges import BLOCK, NotSatisfiable, span_of
from tests.factories import RecordingFactory
from tests.views.serving import CONTENT, SIZE, as_served, body, call_with_sound, get


@pytest.fixture
def call(db) -> Recording:
    return call_with_sound()


@pytest.fixture(params=["by Django", "by the server"])
def as_bob(as_bob, request) -> Client:
    return as_bob if request.param == "by Django" else as_served(as_bob)


def test_without_a_range_the_whole_comes_in_blocks(as_bob, call):
    response = get(as_bob, call)
    blocks = list(response.streaming_content)
    assert response.status_code == 200
    assert b"".join(blocks) == CONTENT
    assert max(map(len, blocks)) == BLOCK
    assert response["Content-Length"] == str(SIZE)
    assert response["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in response


def test_nothing_in_the_answer_may_run_or_be_shared(as_bob, call):
    response = get(as_bob, call)
    body(response)
    assert response["Content-Type"] == "audio/wav"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"].startswith("private")
    assert response["Content-Disposition"] == "inline; filename*=utf-8''%C3%9Cnder%20%22the%22%20moon.wav"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=100-299", 100, 299),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        (f"bytes={SIZE - 1}-{SIZE * 9}", SIZE - 1, SIZE - 1),
        (f"bytes={BLOCK - 1}-{BLOCK}", BLOCK - 1, BLOCK),
        ("BYTES= 5-6 ", 5, 6),
    ],
)
def test_a_range_gives_exactly_those_bytes(as_bob, call, asked, first, last):
    response = get(as_bob, call, Range=asked)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response["Content-Length"] == str(last - first + 1)
    assert body(response) == CONTENT[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE * 2}-{SIZE * 3}", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(as_bob, call, asked):
    response = get(as_bob, call, Range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=9-3", "bytes=-", "bytes=a-b", "lines=0-1", "", "bytes=" + "9" * 40 + "-"]
)
def test_several_ranges_or_rubbish_give_the_whole(as_bob, call, asked):
    response = get(as_bob, call, Range=asked)
    assert response.status_code == 200
    assert body(response) == CONTENT


def test_a_range_of_another_version_gives_the_whole(as_bob, call):
    assert get(as_bob, call, Range="bytes=0-1", If_Range='"c0ffee"').status_code == 206
    assert get(as_bob, call, Range="bytes=0-1", If_Range='"other"').status_code == 200
    assert get(as_bob, call, Range="bytes=0-1", If_Range="Wed, 21 Oct 2015 07:28:00 GMT").status_code == 200


def test_what_the_browser_has_already_is_not_sent_again(as_bob, call):
    assert get(as_bob, call, If_None_Match='"c0ffee"').status_code == 304
    assert get(as_bob, call, If_None_Match='"other"').status_code == 200


def test_head_tells_without_a_body(as_bob, call):
    response = as_bob.head(f"/calls/{call.pk}/audio/", headers={"Range": "bytes=0-9"})
    assert (response.status_code, response["Content-Length"]) == (206, "10")
    assert body(response) == b""


def test_only_who_is_signed_in_hears_it(as_charlie, call):
    assert get(as_charlie, call).status_code == 302
    assert as_charlie.post(f"/calls/{call.pk}/audio/").status_code == 302


def test_a_call_without_its_audio_answers_404(as_bob, call):
    linked = RecordingFactory(file="", link="https://example.org/a.wav")
    assert get(as_bob, linked).status_code == 404
    default_storage.delete(call.file.name)
    assert get(as_bob, call).status_code == 404
    assert as_bob.get("/calls/12345/audio/").status_code == 404


def test_a_range_takes_three_queries_at_most(as_bob, call, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):  # the session, the user, the recording
        response = get(as_bob, call, Range="bytes=0-9")
    assert body(response) == CONTENT[:10]


def test_a_storage_elsewhere_is_asked_for_nothing_but_its_bytes(as_bob, call, monkeypatch):
    store = InMemoryStorage()
    Recording.objects.update(file=store.save("there.wav", ContentFile(CONTENT)))
    monkeypatch.setattr("callcov_portal.storage.default_storage", store)
    assert get(as_bob, call, Range="bytes=5-9").content == CONTENT[5:10]
    assert body(get(as_bob, call)) == CONTENT
    store.delete("there.wav")
    assert get(as_bob, call).status_code == 404


class TestBehindNginx:
    @pytest.fixture(autouse=True)
    def _accel(self, settings):
        settings.CALLCOV_AUDIO_ACCEL = "/stored/"

    def test_nginx_is_told_which_file_to_send(self, as_bob, call):
        response = get(as_bob, call, Range="bytes=0-9")
        assert (response.status_code, response.content) == (200, b"")
        assert response["X-Accel-Redirect"] == f"/stored/{call.file.name}"
        assert response["Content-Type"] == "audio/wav"
        assert response["Content-Disposition"].startswith("inline")
        assert response["Cache-Control"] == "private, no-cache"
        assert "ETag" not in response  # nginx has one of its own, by which it answers

    def test_a_name_is_written_as_an_address(self, as_bob, call):
        Path(default_storage.path("50% of ü?.wav")).write_bytes(CONTENT)
        Recording.objects.update(file="50% of ü?.wav")
        assert get(as_bob, call)["X-Accel-Redirect"] == "/stored/50%25%20of%20%C3%BC%3F.wav"

    def test_nobody_is_sent_what_they_may_not_hear(self, as_bob, as_charlie, call):
        assert "X-Accel-Redirect" not in get(as_charlie, call)
        Recording.objects.update(muting=Muting.DUE)
        assert get(as_bob, call).status_code == 503
        Recording.objects.update(muting=Muting.DONE, muted_file=default_storage.save("m.flac", ContentFile(b"m")))
        assert get(as_bob, call)["X-Accel-Redirect"] == f"/stored/{Recording.objects.get().muted_file.name}"
        unmuted = as_bob.get(f"/calls/{call.pk}/audio/?unmuted=1")
        assert unmuted.status_code == 403
        assert "X-Accel-Redirect" not in unmuted

    def test_a_file_that_is_gone_is_404(self, as_bob, call):
        default_storage.delete(call.file.name)
        assert get(as_bob, call).status_code == 404


def test_an_empty_file_has_no_range(as_bob, call):
    default_storage.delete(call.file.name)
    Recording.objects.update(file=default_storage.save("empty.wav", ContentFile(b"")), file_name="")
    assert get(as_bob, call, Range="bytes=0-").status_code == 416
    assert get(as_bob, call, Range="bytes=-5").status_code == 416
    response = get(as_bob, call)
    assert (response.status_code, body(response)) == (200, b"")
    assert f"call-{call.pk}.wav" in response["Content-Disposition"]


numbers = st.integers(0, 2000)
ranges = st.one_of(
    st.builds(lambda a, b: f"bytes={a}-{b}", numbers, numbers),
    st.builds(lambda a: f"bytes={a}-", numbers),
    st.builds(lambda a: f"bytes=-{a}", numbers),
    st.builds(lambda parts: "bytes=" + ",".join(parts), st.lists(st.builds(lambda a, b: f"{a}-{b}", numbers, numbers))),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked=ranges, size=st.integers(0, 1000))
def test_every_range_is_inside_the_file_or_refused_or_the_whole(asked, size):
    try:
        span = span_of({"HTTP_RANGE": asked}, size, '"tag"')
    except NotSatisfiable:
        return
    if span is not None:
        assert 0 <= span.first <= span.last < size
        assert span.length == len(range(size)[span.first : span.last + 1])
