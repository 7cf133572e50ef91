"""The test double decodes like the real recogniser and plays words from a file."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from callcov_portal import sound
from callcov_portal.engine import speech
from callcov_portal.engine.speech.scripted import DIALOGUE, ScriptedRecogniser
from callcov_portal.engine.speech.whisper import WhisperRecogniser
from tests.sound.samples import silence, tone, write

CALLS = Path(__file__).parent.parent / "calls"


def hear(recogniser, path, cancelled=lambda: False):
    stages = []
    heard = recogniser.transcribe(
        path, progress=lambda stage, fraction: stages.append((stage, fraction)), cancelled=cancelled
    )
    assert all(0 <= fraction <= 1 for _, fraction in stages)
    assert stages[0] == ("decoding", 0.0)
    return heard


def test_without_a_script_a_dialogue_is_made_that_fits_the_recording(tmp_path):
    path = write(tmp_path / "call.wav", np.stack([tone(30), tone(30)]))
    heard = hear(ScriptedRecogniser(), path)
    assert heard == hear(ScriptedRecogniser(), path)
    assert (heard.language, heard.duration_seconds, heard.channels) == ("en", 30.0, 2)
    assert 3 < len(heard.segments) < len(DIALOGUE)
    assert heard.segments[-1].end <= 30
    assert heard.segments[0].text.startswith("Thank you for calling")
    assert [segment.speaker for segment in heard.segments[:2]] == [speech.AGENT, speech.CONTACT]
    for segment in heard.segments:
        assert " ".join(word.text for word in segment.words) == segment.text
        assert segment.words[0].start == segment.start
        assert segment.words[-1].end == segment.end


def test_a_very_short_recording_still_says_something(tmp_path):
    heard = hear(ScriptedRecogniser(), write(tmp_path / "call.wav", tone(1)))
    assert len(heard.segments) == 1
    assert heard.segments[0].end <= 1


def test_silence_gives_no_words(tmp_path):
    heard = hear(ScriptedRecogniser(), write(tmp_path / "call.wav", silence(1)))
    assert heard == speech.Transcript((), "", 1.0, 1)


def test_a_script_is_found_by_content_whatever_the_name(tmp_path):
    shutil.copy(CALLS / "call2_complaint.mono.mp3", tmp_path / "3f1c.bin")
    heard = hear(ScriptedRecogniser(CALLS), tmp_path / "3f1c.bin")
    assert heard.segments[0].text == "Good morning, you're through to Skyline Broadband, this is Marcus speaking."
    assert [segment.speaker for segment in heard.segments[:3]] == ["A", "B", "A"]


def test_a_script_is_found_by_hash_or_by_name(tmp_path):
    path = write(tmp_path / "call.wav", silence(2))
    turns = {
        "turns": [
            {"role": "customer", "start": 1, "end": 2, "text": "Second."},
            {"role": "agent", "start": 0, "end": 1, "text": "First."},
        ]
    }
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "call.json").write_text(json.dumps(turns))
    heard = hear(ScriptedRecogniser(folder), path)
    assert [(s.speaker, s.text) for s in heard.segments] == [("A", "First."), ("B", "Second.")]


def test_other_recordings_get_no_script(tmp_path):
    heard = hear(ScriptedRecogniser(CALLS), write(tmp_path / "x.wav", tone(5)))
    assert "Northwind" in heard.segments[0].text


def test_a_broken_script_is_named(tmp_path):
    (tmp_path / "call.json").write_text('{"turns": [{"role": "agent"}]}')
    path = write(tmp_path / "call.wav", tone(1))
    with pytest.raises(speech.SpeechError, match=r"call\.json is not a script"):
        hear(ScriptedRecogniser(tmp_path), path)


def test_bad_audio_fails_as_in_real_life(tmp_path):
    (tmp_path / "call.wav").write_text("no sound")
    with pytest.raises(sound.NotAudio):
        hear(ScriptedRecogniser(), tmp_path / "call.wav")


def test_it_takes_as_long_as_told_and_can_be_cancelled(tmp_path, monkeypatch):
    path = write(tmp_path / "call.wav", tone(1))
    monkeypatch.setenv("CALLCOV_SCRIPTED_SECONDS", "0.3")
    began = time.monotonic()
    hear(ScriptedRecogniser(), path)
    assert time.monotonic() - began >= 0.3
    monkeypatch.setenv("CALLCOV_SCRIPTED_SECONDS", "60")
    with pytest.raises(speech.Cancelled):
        hear(ScriptedRecogniser(), path, cancelled=lambda: time.monotonic() - began > 1)
    assert time.monotonic() - began < 10


def test_the_setting_chooses_the_recogniser(settings, tmp_path):
    settings.CALLCOV_ENGINE_MODEL = f"scripted:{tmp_path}"
    chosen = speech.recogniser()
    assert isinstance(chosen, ScriptedRecogniser)
    assert chosen.folder == tmp_path
    assert speech.recogniser() is chosen
    settings.CALLCOV_ENGINE_MODEL = "scripted"
    unscripted = speech.recogniser()
    assert isinstance(unscripted, ScriptedRecogniser)
    assert unscripted.folder is None
    settings.CALLCOV_ENGINE_MODEL = "base"
    assert isinstance(speech.recogniser(), WhisperRecogniser)
