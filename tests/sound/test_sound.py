"""Recordings of every kind are probed and decoded, in a child process that hostile files cannot leave."""

import io
import json
import os
import random
import socket
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal import sound
from callcov_portal.sound import asking, reading
from callcov_portal.sound.child import decoding, examining, failures, opening, resampling, working
from tests.sound.samples import MAKERS, RATE, silence, silent_film, tone, write

CALLS = Path(__file__).parent.parent / "calls"
MIMES = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "mpga": "audio/mpeg",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "webm": "audio/webm",
    "mpeg": "video/mpeg",
}


def refusal(path: Path) -> str:
    """What the child says, without the cost of a process."""
    answer = working.work("probe", str(path))
    assert answer["error"] == "not_audio", answer
    return str(answer["sentence"])


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_each_format_is_known_by_its_content_whatever_its_name(kind, tmp_path):
    path = write(tmp_path / "recording.txt", tone(2), kind)
    found = working.work("probe", str(path))["ok"]
    assert (found["format"], found["mime"]) == (kind, MIMES[kind])
    assert found["duration_seconds"] == pytest.approx(2, abs=0.15)
    assert found["channels"] == 1


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_each_format_is_decoded_to_16_khz(kind, tmp_path):
    out = tmp_path / "out.f32"
    path = write(tmp_path / "recording", tone(2, 440), kind)
    found = working.work("decode", str(path), str(out), "16000", "60")["ok"]
    samples = sound.load_pcm(out, sound.Pcm(**found))
    assert samples.shape[0] == 1
    assert samples.shape[1] == pytest.approx(2 * RATE, rel=0.08)
    spectrum = np.abs(np.fft.rfft(samples[0][4000:20000]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=3)
    assert np.abs(samples).max() == pytest.approx(0.3, abs=0.1)


def test_probe_and_decode_work_through_the_child_process(tmp_path):
    path = write(tmp_path / "call.wav", np.stack([tone(1.5), silence(1.5)]))
    found = sound.probe(path)
    assert found == sound.Probe("wav", "audio/wav", "pcm_s16le", 1.5, 2, RATE)
    samples = sound.decode(path)
    assert samples.dtype == np.float32
    assert samples.shape == (2, 24000)
    assert np.abs(samples[0]).max() == pytest.approx(0.3, abs=0.01)
    assert np.abs(samples[1]).max() < 0.001


def test_telephone_audio_is_brought_to_the_rate_asked_for(tmp_path):
    path = write(tmp_path / "call.wav", tone(2, rate=8000), codec="pcm_mulaw", rate=8000)
    assert sound.probe(path).codec == "pcm_mulaw"
    assert sound.decode(path, sample_rate=8000).shape == (1, 16000)
    assert sound.decode(path).shape == (1, 32000)


def test_more_than_two_channels_are_mixed_to_one(tmp_path):
    six = np.stack([tone(1), *[silence(1)] * 5])
    path, out = write(tmp_path / "six.wav", six, layout="5.1"), tmp_path / "out"
    found = working.work("decode", str(path), str(out), "16000", "60")["ok"]
    assert found == {"channels": 1, "samples": RATE, "sample_rate": RATE}
    assert np.abs(np.fromfile(out, np.float32)).max() == pytest.approx(0.3 / 6, abs=0.005)


def test_decoded_samples_leave_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = write(tmp_path / "call.wav", tone(1))
    samples = sound.decode(path)
    samples[0, :10] = 0.5  # a private copy
    assert os.listdir(tmp_path) == ["call.wav"]


def test_a_second_of_silence_is_a_recording(tmp_path):
    path = write(tmp_path / "quiet.wav", silence(1))
    assert sound.probe(path).duration_seconds == 1
    assert not sound.decode(path).any()


def test_the_example_calls_are_read():
    found = sound.probe(CALLS / "call2_complaint.mono.mp3")
    assert (found.format, found.channels, found.sample_rate) == ("mp3", 1, 8000)
    assert found.duration_seconds == pytest.approx(141.6, abs=0.1)


def test_an_empty_file_is_refused_with_its_reason(tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(sound.NotAudio, match="The file is empty"):
        sound.probe(tmp_path / "empty.wav")
    assert sound.NotAudio.code == "not_audio"


def test_text_named_wav_is_refused(tmp_path):
    path = tmp_path / "notes.wav"
    path.write_text("Dear all,\nthe recording is attached.\n" * 50)
    with pytest.raises(sound.NotAudio, match="not an audio file in a supported format"):
        sound.decode(path)


def test_a_video_without_sound_is_refused(tmp_path):
    assert refusal(silent_film(tmp_path / "film.mp4")) == "There is no sound in this file, only pictures or data."


def test_matroska_is_refused_with_advice(tmp_path):
    path = write(tmp_path / "call.mkv", tone(1), "matroska", codec="pcm_s16le")
    assert "save the sound as WebM, MP3 or WAV" in refusal(path)


@pytest.mark.parametrize("kind", ["wav", "flac", "m4a", "mp4", "mp3"])
def test_a_recording_that_was_cut_off_is_refused(kind, tmp_path):
    whole = write(
        tmp_path / "whole", tone(20) + np.random.default_rng(1).normal(0, 0.1, 20 * RATE).astype(np.float32), kind
    )
    half = tmp_path / "half"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "cut off" in refusal(half) or "not an audio file" in refusal(half)


def test_the_sentence_about_a_cut_recording_says_how_much_is_there(tmp_path):
    whole = write(tmp_path / "whole.wav", silence(100))
    half = tmp_path / "half.wav"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert refusal(half) == "The file is cut off: it announces 1 min 40 s of sound but holds only 50 s."


@pytest.mark.parametrize("stated", [0xFFFFFFFF, 0x7FFFFFFF, 0])
def test_a_recorder_that_never_wrote_the_length_is_no_cut_off_file(stated, tmp_path):
    path = write(tmp_path / "live.wav", tone(5))
    body = bytearray(path.read_bytes())
    at = body.index(b"data") + 4
    body[at : at + 4] = struct.pack("<I", stated)
    path.write_bytes(body)
    assert working.work("probe", str(path))["ok"]["duration_seconds"] == pytest.approx(5, abs=0.1)


def test_only_a_header_is_no_recording(tmp_path):
    whole = write(tmp_path / "whole.wav", tone(1)).read_bytes()
    header = tmp_path / "header.wav"
    header.write_bytes(whole[: whole.index(b"data") + 8])
    assert "no sound" in refusal(header) or "not an audio" in refusal(header)


def a_zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as box:
        box.writestr("call.txt", "hello" * 1000)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n" * 20, "portable document"),
        (
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06" + bytes(200),
            "network graphics",
        ),
        (a_zip(), "zip"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>" * 9, ""),
        (b"MZ\x90\x00\x03" + bytes(4000), ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", ""),
        (random.Random(7).randbytes(20000), ""),
        (bytes(20000), ""),
    ],
)
def test_other_files_are_refused_and_named_where_possible(content, named, tmp_path):
    path = tmp_path / "call.mp3"
    path.write_bytes(content)
    assert named in refusal(path).lower()


@pytest.fixture
def listener():
    """A server that notices whether anybody calls."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server


def test_playlists_and_session_descriptions_open_nothing_else(tmp_path, listener):
    port = listener.getsockname()[1]
    write(tmp_path / "other.wav", tone(1))
    hostile = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
        "hls of a file": f"#EXTM3U\n#EXTINF:9,\nfile://{tmp_path}/other.wav\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile '{tmp_path}/other.wav'\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
        "dash": f"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>http://127.0.0.1:{port}/</BaseURL></MPD>",
        "smil": f"<smil><body><audio src='http://127.0.0.1:{port}/'/></body></smil>",
        "rtsp": f"[Reference]\nRef1=rtsp://127.0.0.1:{port}/\n",
    }
    for ending in ("wav", "m3u8", "sdp"):
        for text in hostile.values():
            path = tmp_path / f"call.{ending}"
            path.write_text(text)
            refusal(path)
    with pytest.raises(TimeoutError):
        listener.accept()


def test_a_bomb_is_stopped_at_the_limit(tmp_path):
    path = write(tmp_path / "bomb.flac", silence(300), "flac")
    assert path.stat().st_size < 70_000
    with pytest.raises(sound.TooLong, match="longer than 1 min, the most"):
        sound.decode(path, max_seconds=60)


def test_a_length_that_the_header_hides_is_counted_while_decoding(tmp_path, monkeypatch):
    path, out = write(tmp_path / "bomb.flac", silence(30), "flac"), tmp_path / "out"
    monkeypatch.setattr(decoding, "examine", lambda path: {"channels": 1, "duration_seconds": 1.0})
    assert working.work("decode", str(path), str(out), "16000", "10")["error"] == "too_long"
    assert out.stat().st_size < 12 * RATE * 4


def test_a_missing_file_is_our_trouble_not_the_recordings(tmp_path):
    with pytest.raises(sound.SoundError, match="No such file") as caught:
        sound.probe(tmp_path / "gone.wav")
    assert not isinstance(caught.value, sound.NotAudio)
    assert caught.value.code == "unreadable"


def test_a_child_that_gets_no_time_is_ended_and_the_recording_is_not_blamed(tmp_path):
    path = write(tmp_path / "call.wav", tone(1))
    with pytest.raises(sound.SoundError, match="not be read in time") as caught:
        sound.probe(path, timeout=0.01)
    assert not isinstance(caught.value, sound.NotAudio)


def test_a_file_that_keeps_the_decoder_busy_is_blamed(tmp_path, monkeypatch):
    busy = tmp_path / "child.py"
    busy.write_text("import resource, sys\nresource.setrlimit(resource.RLIMIT_CPU, (1, 3))\nwhile True: pass\n")
    monkeypatch.setattr(asking, "CHILD", busy)
    with pytest.raises(sound.NotAudio, match="within the limits of time and memory"):
        sound.probe(write(tmp_path / "call.wav", tone(1)))


def test_the_child_cannot_take_more_memory_than_its_limit(tmp_path, monkeypatch):
    path = write(tmp_path / "call.wav", tone(1))
    monkeypatch.setattr(asking, "MEMORY", 40 * 1024 * 1024)
    with pytest.raises(sound.SoundError):
        sound.probe(path)


def test_the_limits_hold_in_the_child(tmp_path):
    spend = f"""
import json, resource, runpy, sys
sys.path.insert(0, {str(Path(sound.__file__).parent)!r})
from child import working
working.limit_this_process(300 * 2**20, 7, 1000)
try:
    bytearray(2**30); memory = "given"
except MemoryError:
    memory = "refused"
try:
    open({str(tmp_path / "big")!r}, "wb", buffering=0).write(bytes(5000)); size = open({str(tmp_path / "big")!r}, "rb").seek(0, 2)
except OSError as e:
    size = str(e)
print(json.dumps([memory, size, resource.getrlimit(resource.RLIMIT_CPU)[0], resource.getrlimit(resource.RLIMIT_CORE)[1]]))
"""
    said = subprocess.run([sys.executable, "-I", "-c", spend], capture_output=True, check=True, text=True).stdout
    assert json.loads(said) == ["refused", 1000, 7, 0]


def test_the_child_inherits_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLCOV_SECRET_KEY", "do not tell")
    assert set(asking._environment()) <= {"PATH", "LD_LIBRARY_PATH", "TMPDIR"}


@pytest.mark.parametrize(
    ("said", "status", "raised", "words"),
    [
        (b"", -11, sound.NotAudio, "limits"),
        (b"", -9, sound.SoundError, "interrupted"),
        (b"", -15, sound.SoundError, "interrupted"),
        (b"", 1, sound.SoundError, "boom"),
        (b"not json", 0, sound.SoundError, "boom"),
        (b"[]", 0, sound.SoundError, "boom"),
        (b'{"error": "strange", "sentence": "x"}', 0, sound.SoundError, "boom"),
        (b'{"error": "too_long", "sentence": "So long."}', 0, sound.TooLong, "So long."),
    ],
)
def test_whatever_the_child_says_becomes_a_known_error(said, status, raised, words):
    with pytest.raises(raised, match=words) as caught:
        asking._read_answer(said, status, b"Traceback\nboom")
    assert type(caught.value) is raised


def test_a_child_that_says_nothing_is_reported_by_its_status():
    with pytest.raises(sound.SoundError, match="ended with status 3"):
        asking._read_answer(b"", 3, b"")


def test_a_lying_child_is_not_believed(tmp_path, monkeypatch):
    answers = {"format": "exe", "mime": "", "codec": "", "duration_seconds": 1, "channels": 1, "sample_rate": 1}
    monkeypatch.setattr(reading, "ask", lambda *a, **k: answers)
    with pytest.raises(sound.NotAudio):
        sound.probe(tmp_path)
    (tmp_path / "out").write_bytes(b"1234")
    monkeypatch.setattr(reading, "ask", lambda *a, **k: {"channels": 2, "samples": 10**9, "sample_rate": 16000})
    with pytest.raises(sound.NotAudio):
        sound.decode_to(tmp_path, tmp_path / "out")


def test_a_reader_that_cannot_start_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(sound.SoundError, match="could not be started"):
        sound.probe(tmp_path / "call.wav")


def test_memory_disk_and_decoder_trouble_become_sentences(monkeypatch):
    for trouble, code in (
        (MemoryError(), "not_audio"),
        (OSError(28, "No space left on device"), "unreadable"),
        (IndexError(), "not_audio"),
    ):

        def fail(path, trouble=trouble):
            raise trouble

        monkeypatch.setattr(working, "examine", fail)
        assert working.work("probe", "x")["error"] == code


def test_mutated_recordings_never_end_in_an_untyped_error(tmp_path):
    dice = random.Random(4)
    seeds = [write(tmp_path / kind, tone(0.5), kind).read_bytes() for kind in MAKERS]
    for number in range(270):
        body = bytearray(seeds[number % len(seeds)])
        for _ in range(dice.choice((1, 5, 60))):
            body[dice.randrange(min(len(body), dice.choice((64, 10**6))))] = dice.randrange(256)
        if dice.random() < 0.3:
            del body[dice.randrange(len(body)) :]
        path = tmp_path / "mutant"
        path.write_bytes(body)
        answer = working.work("decode", str(path), str(tmp_path / "out"), "16000", "600")
        assert "ok" in answer or answer["error"] in {"not_audio", "too_long"}, answer


@given(st.binary(max_size=400))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_get_an_answer(tmp_path, content):
    path = tmp_path / "anything"
    path.write_bytes(content)
    assert refusal(path)


def test_packets_are_counted_only_for_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(examining, "COUNT_SECONDS", -1.0)
    path = write(tmp_path / "call.wav", tone(3))
    assert working.work("probe", str(path))["ok"]["duration_seconds"] == pytest.approx(3)


def test_main_prints_the_outcome_as_json(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(working, "limit_this_process", lambda *limits: None)
    working.main(["1", "2", "3", "probe", str(tmp_path / "gone")])
    assert json.loads(capsys.readouterr().out)["error"] == "unreadable"


def test_the_limits_are_set_before_anything_is_read(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("resource.setrlimit", lambda what, value: asked.append(what))
    monkeypatch.setattr("signal.signal", lambda *a: None)
    monkeypatch.setattr(
        "ctypes.CDLL", lambda name: type("Libc", (), {"prctl": staticmethod(lambda *a: asked.append("death"))})
    )
    working.main([str(2**30), "5", "1000", "probe", str(tmp_path / "gone")])
    assert len(asked) == 6
    assert asked[-1] == "death"


def test_a_recording_damaged_for_the_most_part_is_refused(tmp_path, monkeypatch):
    path, out = write(tmp_path / "call.wav", tone(2)), tmp_path / "out"
    monkeypatch.setattr(decoding, "examine", lambda path: {"channels": 1, "duration_seconds": 9.0})
    assert "damaged" in working.work("decode", str(path), str(out), "16000", "60")["sentence"]


def test_a_rate_that_makes_hours_out_of_a_packet_is_refused(tmp_path):
    body = bytearray(write(tmp_path / "call.wav", tone(2)).read_bytes())
    body[24:28] = struct.pack("<I", 1)
    (tmp_path / "slow.wav").write_bytes(body)
    assert "cannot be decoded" in refusal(tmp_path / "slow.wav")
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.float32), format="fltp", layout="mono")
    frame.sample_rate = 1
    with pytest.raises(failures.Failure, match="its speed or its number"):
        resampling.Resampler(1, 16000).take(frame)


def test_too_many_channels_are_refused(tmp_path):
    body = bytearray(write(tmp_path / "call.wav", tone(2)).read_bytes())
    body[22:24] = struct.pack("<H", 12)
    (tmp_path / "wide.wav").write_bytes(body)
    assert refusal(tmp_path / "wide.wav")


def test_what_has_no_length_is_no_recording(tmp_path, monkeypatch):
    monkeypatch.setattr(examining, "counted_seconds", lambda opened: None)
    monkeypatch.setattr(opening.Opened, "declared_seconds", lambda self: 0.0)
    assert refusal(write(tmp_path / "call.wav", tone(2))) == "There is no sound in this file."


def test_a_stream_that_changes_its_kind_keeps_its_channels():
    resampler = resampling.Resampler(channels=1, rate=8000)
    heard = 0
    for layout, rate in (("mono", 16000), ("stereo", 8000), ("5.1", 48000)):
        count = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
        frame = av.AudioFrame.from_ndarray(np.zeros((count, rate), np.float32), format="fltp", layout=layout)
        frame.sample_rate = rate
        heard += sum(out.samples for out in resampler.take(frame))
    heard += sum(out.samples for out in resampler.rest())
    assert heard == pytest.approx(3 * 8000, abs=200)


def test_looking_at_files_loads_nothing_heavy():
    heavy = "import sys; import callcov_portal.sound, callcov_portal.rules; print([m for m in ('numpy', 'av', 'puremagic') if m in sys.modules])"
    root = str(Path(sound.__file__).parents[2])
    said = subprocess.run([sys.executable, "-c", heavy], capture_output=True, check=True, text=True, cwd=root).stdout
    assert said.strip() == "[]"
