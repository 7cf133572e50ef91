"""The first bytes of a file: what is plainly no recording is named, what may be one is let pass, a length is told if it stands there."""

import io
from typing import Any, cast

import av
import numpy as np
import pytest

from callcov_portal.sound import seconds_in, why_no_recording
from tests.sounds import wav

FORMS = [
    ("wav", "pcm_s16le"),
    ("flac", "flac"),
    ("mp3", "mp3"),
    ("ogg", "libopus"),
    ("mp4", "aac"),
    ("webm", "libopus"),
    ("mpeg", "mp2"),
]


def encoded(form: str, codec: str) -> bytes:
    """Return two seconds of silence."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as out:
        stream = cast("Any", out.add_stream(codec, rate=48_000))
        for start in range(0, 96_000, 960):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), "int16"), "s16", "mono")
            frame.sample_rate, frame.pts = 48_000, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(("form", "codec"), FORMS)
def test_every_format_that_is_taken_passes_by_its_head(form, codec):
    head = encoded(form, codec)[:65536]
    assert why_no_recording(head) == ""
    assert seconds_in(head) in ((pytest.approx(2.0, abs=0.01),) if form in {"wav", "flac"} else (None,))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"", "The file is empty."),
        (b"<!DOCTYPE html><html>", "it is HTML"),
        (b"  no such file", "it is a text"),
        (b'{"error": "expired"}', "it is"),
        (b"%PDF-1.7 and so on", "it is Adobe"),
        (b"PK\x03\x04 and so on", "ZIP archive or an Office document"),
        (b"\x89PNG\r\n\x1a\n and so on", "it is"),
    ],
)
def test_what_is_plainly_no_recording_is_named(head, says):
    assert says in why_no_recording(head)


def test_what_nobody_knows_is_left_to_the_fetch():
    assert why_no_recording(b"\x00\x01\x02\x03 who knows") == ""


@pytest.mark.parametrize("size", [0, 4, 12, 20, 30, 40])
def test_a_head_that_is_cut_tells_no_length(size):
    assert seconds_in(wav()[:size]) is None
    assert seconds_in(encoded("flac", "flac")[: min(size, 25)]) is None


def test_a_recorder_that_did_not_know_the_end_tells_no_length():
    sound = bytearray(wav())
    sound[40:44] = b"\xff\xff\xff\xff"
    assert seconds_in(bytes(sound)) is None
