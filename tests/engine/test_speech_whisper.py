"""The product's recogniser: what it asks of its child, and what real speech becomes."""

import io
import json
import os
import queue
import signal
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from benchmarks.engine.truth import call_of
from benchmarks.engine.words import fit
from callcov_portal import sound
from callcov_portal.engine import speech
from callcov_portal.engine.checks import assess
from callcov_portal.engine.speech import listener, weights, whisper
from callcov_portal.engine.speech.stretches import Heard
from callcov_portal.engine.speech.whisper import WhisperRecogniser, transcript
from tests.sound.samples import RATE, silence, tone, write

CALLS = Path(__file__).parent.parent / "calls"
ANSWER = {
    "segments": [
        {"speaker": "A", "text": "Hi.", "start": 0.1, "end": 0.5, "confidence": 0.9, "words": [["Hi.", 0.1, 0.5, 0.9]]}
    ],
    "language": "en",
    "channels": 2,
    "roles": "channels",
    "note": "Somebody should know.",
    "sounds": [[1.0, 4.5]],
}
WEIGHTS = "\x06\0\0\0\x0c\0WhisperSpec\0"


class FakeEar:
    """Answers without listening, and remembers what it was asked."""

    def __init__(self, target="", *, local=True):
        self.target, self.local, self.asked, self.closed = target, local, [], False
        self.answer, self.busy, self.most_at_once = ANSWER, 0, 0
        self.is_up = True

    def ask(self, question, *, told, cancelled, seconds, quiet):
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        pcm = sound.Pcm(question["channels"], question["length"], RATE)
        loudest = float(np.abs(sound.load_pcm(Path(question["samples"]), pcm)).max())
        self.asked.append({**question, "seconds": seconds, "quiet": quiet, "loudest": loudest})
        told({"stage": "recognising", "fraction": 0.4})
        time.sleep(0.02)
        self.busy -= 1
        return self.answer

    def close(self):
        self.closed = True


@pytest.fixture
def model(tmp_path):
    """A folder that looks like a model."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (folder / name).write_text(WEIGHTS if name == "model.bin" else "{}")
    return folder


@pytest.fixture
def ears():
    return []


@pytest.fixture
def recogniser(model, tmp_path, ears):
    def make(target: str, *, local: bool) -> Any:
        ears.append(FakeEar(target, local=local))
        return ears[-1]

    return WhisperRecogniser(str(model), tmp_path / "data", make_ear=make)


def hear(recogniser, path, cancelled=lambda: False):
    news = []
    heard = recogniser.transcribe(path, progress=lambda *each: news.append(each), cancelled=cancelled)
    return heard, news


def test_decoded_samples_go_to_the_child_and_its_answer_becomes_a_transcript(recogniser, ears, model, tmp_path):
    path = write(tmp_path / "call.wav", np.stack([tone(2), silence(2)]))
    heard, news = hear(recogniser, path)
    word = speech.Word("Hi.", 0.1, 0.5, 0.9)
    segments = (speech.Segment("A", "Hi.", 0.1, 0.5, 0.9, (word,)),)
    assert heard == speech.Transcript(segments, "en", 2.0, 2, "channels", "Somebody should know.", ((1.0, 4.5),))
    assert news == [("decoding", 0.0), ("decoding", 1.0), ("recognising", 0.4)]
    (asked,) = ears[0].asked
    assert (asked["channels"], asked["length"], asked["agent_channel"]) == (2, 2 * RATE, 0)
    assert asked["loudest"] == pytest.approx(0.3, abs=0.01)
    assert asked["seconds"] == whisper.LOADING_SECONDS + 2 * whisper.SECONDS_PER_AUDIO_SECOND
    assert (ears[0].target, ears[0].local) == (str(model), True)
    assert list((tmp_path / "data" / "listening").iterdir()) == []


def test_threads_take_turns_at_one_child(recogniser, ears, tmp_path):
    path = write(tmp_path / "call.wav", tone(1))
    threads = [threading.Thread(target=hear, args=(recogniser, path)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ears) == 1
    assert len(ears[0].asked) == 3
    assert ears[0].most_at_once == 1


def test_who_waits_for_a_turn_can_be_cancelled(recogniser, tmp_path):
    path = write(tmp_path / "call.wav", tone(1))
    with recogniser.turn, pytest.raises(speech.Cancelled):
        hear(recogniser, path, cancelled=lambda: True)


def test_a_hubs_model_gets_time_to_be_downloaded(tmp_path):
    ear: Any = FakeEar()
    far = WhisperRecogniser("some/model", tmp_path, make_ear=lambda target, *, local: ear)
    hear(far, write(tmp_path / "call.wav", tone(1)))
    assert ear.asked[0]["seconds"] > whisper.DOWNLOAD_SECONDS


def test_a_missing_model_is_told_and_looked_for_again_after_a_while(tmp_path, monkeypatch, model):
    path = write(tmp_path / "call.wav", tone(1))
    wrong = WhisperRecogniser(str(model), tmp_path)
    (model / "config.json").unlink()
    looks: list[str] = []
    look = weights.find_model
    monkeypatch.setattr(whisper, "find_model", lambda name, data: looks.append(name) or look(name, data))
    for _ in range(3):
        with pytest.raises(speech.ModelUnusable, match=r"config\.json is missing"):
            hear(wrong, path)
    assert len(looks) == 1
    monkeypatch.setattr(whisper, "AGAIN_SECONDS", 0)
    (model / "config.json").write_text("")
    with pytest.raises(speech.ModelUnusable, match=r"config\.json is missing or empty"):
        hear(wrong, path)
    assert len(looks) == 2


def test_a_child_that_went_away_finds_its_model_checked_again(recogniser, ears, model, tmp_path):
    path = write(tmp_path / "call.wav", tone(1))
    hear(recogniser, path)
    ears[0].is_up = False
    hear(recogniser, path)
    assert len(ears) == 2
    assert ears[0].closed
    ears[1].is_up = False
    (model / "model.bin").write_text("something else")
    with pytest.raises(speech.ModelUnusable, match=r"model\.bin is no Whisper model"):
        hear(recogniser, path)
    assert len(ears) == 2


def test_the_setting_says_which_channel_is_the_agents(settings, tmp_path):
    settings.CALLCOV_ENGINE_MODEL = str(tmp_path)
    settings.CALLCOV_ENGINE_AGENT_CHANNEL = "right"
    right: Any = speech.recogniser()
    settings.CALLCOV_ENGINE_AGENT_CHANNEL = "left"
    left: Any = speech.recogniser()
    assert (left.agent_channel, right.agent_channel) == (0, 1)
    assert speech.recogniser() is left


def test_bad_audio_never_reaches_the_child(recogniser, ears, tmp_path):
    (tmp_path / "call.wav").write_text("nothing to hear")
    with pytest.raises(sound.NotAudio):
        hear(recogniser, tmp_path / "call.wav")
    assert ears == []
    assert list((tmp_path / "data" / "listening").iterdir()) == []


def test_what_killed_workers_left_is_cleared_away(recogniser, tmp_path):
    place = tmp_path / "data" / "listening"
    for name in ("old", "new"):
        (place / name).mkdir(parents=True)
        (place / name / "samples.f32").touch()
    long_ago = time.time() - 3 * 24 * 3600
    os.utime(place / "old", (long_ago, long_ago))
    hear(recogniser, write(tmp_path / "call.wav", tone(1)))
    assert [each.name for each in place.iterdir()] == ["new"]


def test_closing_ends_the_child(recogniser, ears, tmp_path):
    recogniser.close()
    hear(recogniser, write(tmp_path / "call.wav", tone(1)))
    recogniser.close()
    assert ears[0].closed


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {**ANSWER, "segments": [{"text": "x", "words": []}]},
        {**ANSWER, "channels": None},
        {**ANSWER, "sounds": [[1]]},
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error(answer):
    with pytest.raises(speech.SpeechError, match="makes no sense"):
        transcript(answer, 1.0)


# --- the child's side ----------------------------------------------------------------------------------------------


class FakeHearing:
    def __init__(self, trouble=None):
        self.trouble = trouble

    def hear(self, samples, agent_channel, tell):
        if self.trouble:
            raise self.trouble
        tell("recognising", 0.12345)
        segment = speech.Segment("A", "Hi.", 0.1, 0.5, 0.9, (speech.Word("Hi.", 0.1, 0.5, 0.9),))
        return {**ANSWER, "segments": [segment], "channels": samples.shape[0]}


def serve(monkeypatch, hearing, *questions):
    said: list[dict] = []
    asked: queue.Queue[bytes] = queue.Queue()
    for question in (*questions, b""):
        asked.put(question)
    monkeypatch.setattr(listener, "load", lambda target: hearing)
    listener.serve("model", asked, said.append)
    return said


@pytest.fixture
def question(tmp_path):
    np.zeros((100, 2), np.float32).tofile(tmp_path / "samples.f32")
    return json.dumps(
        {"samples": str(tmp_path / "samples.f32"), "channels": 2, "length": 100, "agent_channel": 0}
    ).encode()


def test_the_child_answers_line_by_line(monkeypatch, question):
    ready, progress, answer = serve(monkeypatch, FakeHearing(), question)
    assert ready == {"ready": True}
    assert progress == {"stage": "recognising", "fraction": 0.123}
    assert answer == {"answer": ANSWER}


def test_the_child_says_what_went_wrong_and_goes_on(monkeypatch, question):
    said = serve(monkeypatch, FakeHearing(ValueError("odd")), question, question, b"not json")
    assert [each["failed"] for each in said[1:3]] == ["Speech recognition failed: ValueError('odd')."] * 2
    assert "failed" in said[3]
    _ready, memory = serve(monkeypatch, FakeHearing(MemoryError()), question)
    assert memory["failed"] == "The recording needs more memory than there is."


def in_place_of_the_model(monkeypatch, module: ModuleType | None) -> None:
    """Let the child import another module, though another test may have loaded the real one."""
    monkeypatch.delattr(speech, "model", raising=False)
    monkeypatch.setitem(sys.modules, "callcov_portal.engine.speech.model", module)


def test_a_model_that_cannot_be_loaded_is_told(monkeypatch):
    said: list[dict] = []
    in_place_of_the_model(monkeypatch, None)
    listener.serve("/x", queue.Queue(), said.append)
    model, reason, what_to_do = said[0]["unusable"]
    assert model == "/x"
    assert "callcov_portal.engine.speech.model" in reason
    assert what_to_do.startswith("Set CALLCOV_ENGINE_MODEL to base, to a folder")


def test_of_what_a_hub_says_the_first_line_is_told(monkeypatch):
    def refuse(target):
        raise RuntimeError("404 Client Error.\n\nRepository not found. " + "And so on. " * 100)

    fake: Any = ModuleType("callcov_portal.engine.speech.model")
    fake.Model, fake.speech_spans = refuse, None
    in_place_of_the_model(monkeypatch, fake)
    with pytest.raises(speech.ModelUnusable) as trouble:
        listener.load("no/such-model")
    assert str(trouble.value).startswith(
        "The speech model no/such-model could not be loaded: 404 Client Error. Set CALLCOV_ENGINE_MODEL to "
    )


def test_the_child_loads_model_and_encoder(monkeypatch):
    fake: Any = ModuleType("callcov_portal.engine.speech.model")
    fake.Model, fake.speech_spans = lambda target: f"model {target}", None
    in_place_of_the_model(monkeypatch, fake)
    assert listener.load("/x").model == "model /x"


def test_the_child_ends_with_its_parent(monkeypatch):
    ended: list[int] = []
    asked: queue.Queue[bytes] = queue.Queue()
    monkeypatch.setattr(os, "_exit", ended.append)
    listener.listen(io.BytesIO(b"one\ntwo\n"), asked)
    assert [asked.get(), asked.get()] == [b"one\n", b"two\n"]
    assert ended == [0]


def test_memory_is_limited_by_the_models_size(monkeypatch, model):
    limits = []
    monkeypatch.setattr("resource.setrlimit", lambda what, value: limits.append(value[0]))
    listener.limit_memory(str(model))
    listener.limit_memory("some/hub-model")
    assert limits == [listener.MEMORY + 4 * (len(WEIGHTS) + 3 * len("{}"))]


def test_answers_go_where_prints_of_libraries_cannot(monkeypatch):
    ignored, real = [], io.StringIO()
    monkeypatch.setattr(signal, "signal", lambda number, what: ignored.append(number))
    monkeypatch.setattr(os, "dup", lambda fd: 99)
    monkeypatch.setattr(os, "dup2", lambda source, target: ignored.append((source, target)))
    monkeypatch.setattr(os, "fdopen", lambda fd, *how, **more: real)
    monkeypatch.setattr(listener, "limit_memory", lambda target: None)
    monkeypatch.setattr(threading.Thread, "start", lambda self: None)
    monkeypatch.setattr(sys, "argv", ["listener", "/x"])
    monkeypatch.setattr(listener, "serve", lambda target, asked, say: say({"said": target}))
    held = type("Input", (), {"buffer": io.BytesIO()})
    monkeypatch.setattr(sys, "stdin", held)
    listener.main()
    assert ignored == [signal.SIGINT, signal.SIGTERM, (2, 1)]
    assert real.getvalue() == '{"said": "/x"}\n'


# --- real speech ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    data = Path(os.environ["CALLCOV_DATA_DIR"])
    made = WhisperRecogniser("base", data)
    yield made
    made.close()


def compared(heard, name):
    """How the transcript fits the truth."""
    truth = call_of(json.loads((CALLS / f"{name}.truth.json").read_text()))
    return fit(truth.said, [(segment.speaker, segment.text) for segment in heard.segments])


def in_order(heard):
    """Segments by start; words in order, inside their segment, making up its text."""
    return all(a.start <= b.start for a, b in pairwise(heard.segments)) and all(
        " ".join(word.text for word in each.words) == each.text
        and all(a.start <= b.start for a, b in pairwise(each.words))
        and each.start <= each.words[0].start <= each.words[-1].end <= each.end
        for each in heard.segments
    )


@pytest.mark.speech
def test_a_stereo_call_is_recognised(real):
    heard, news = hear(real, CALLS / "call2_complaint.stereo.wav")
    found = compared(heard, "call2_complaint")
    assert found.error_rate <= 0.025
    assert found.speakers >= 0.995
    assert in_order(heard)
    assert (heard.language, heard.channels) == ("en", 2)
    assert heard.duration_seconds == pytest.approx(141.44, abs=0.05)
    assert all(0 < segment.confidence <= 1 for segment in heard.segments)
    assert news[-1] == ("separating speakers", 1.0)
    assert len({fraction for stage, fraction in news if stage == "recognising"}) > 10
    results = assess(heard)
    said = [each["rule"] for each in results["compliance"]["prohibited_phrases"]["instances"]]
    assert said == ["not_my_problem", "blames_the_contact", "guarantees_an_outcome", "not_my_problem"]
    assert results["quality"]["interruptions"]["count"] == 3
    assert [each["type"] for each in results["compliance"]["sensitive_data"]["instances"]] == ["phone_number"] * 2


@pytest.mark.speech
def test_a_mono_call_is_recognised_and_split_by_voice(real):
    heard, _ = hear(real, CALLS / "call2_complaint.mono.mp3")
    found = compared(heard, "call2_complaint")
    assert found.error_rate <= 0.045
    assert found.speakers >= 0.98
    assert in_order(heard)
    assert heard.channels == 1
    assert heard.segments[0].speaker == speech.AGENT


@pytest.mark.speech
def test_silence_tones_and_noise_have_no_words(real, tmp_path):
    noise = np.random.default_rng(5).normal(0, 0.05, 20 * RATE).astype(np.float32)
    ring = tone(20, 440) * (np.arange(20 * RATE) // RATE % 3 == 0)
    for number, samples in enumerate((silence(1), noise, ring, np.stack([noise, ring]))):
        heard, _ = hear(real, write(tmp_path / f"{number}.wav", samples))
        assert (heard.segments, heard.language) == ((), "")


@pytest.mark.speech
def test_the_model_hears_words_with_times_and_says_how_far_it_is():
    from callcov_portal.engine.speech.model import Model, speech_spans
    from callcov_portal.engine.speech.weights import find_model

    found = Model(find_model("base", Path(os.environ["CALLCOV_DATA_DIR"])).target)
    samples = np.array(sound.decode(CALLS / "call2_complaint.mono.mp3")[0, : 5 * RATE])
    reached: list[float] = []
    words = found.words(samples, found.language(samples), reached.append)
    assert [isinstance(word, Heard) for word in words] == [True] * len(words)
    assert "".join(word.text for word in words).startswith(" Good morning")
    assert 0 <= words[0].start < words[-1].end <= 5
    assert reached
    assert found.language(np.zeros(RATE, np.float32)) == ""
    (span, *_others) = speech_spans(samples, min_silence_duration_ms=100)
    assert 0 <= span[0] < RATE < span[1]
    found.whisper.model = type("English", (), {"is_multilingual": False})
    assert found.language(samples) == "en"
