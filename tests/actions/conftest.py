"""A recording with its file, and an ear for made-up files."""

from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import File
from django.core.files.storage import default_storage

from callcov_portal import sound
from callcov_portal.models import Analysis
from tests.factories import AnalysisFactory, RecordingFactory
from tests.fingerprints import heard
from tests.sounds import wav


@pytest.fixture
def queued(db) -> Analysis:
    """A queued analysis of a stored one-second recording, due now."""
    name = default_storage.save("2026/03/one.wav", File(BytesIO(wav())))
    return AnalysisFactory(recording=RecordingFactory(file=name))


@pytest.fixture
def hear(monkeypatch) -> list[Path]:
    """Hear made-up files: they say in two numbers which call they are, in which encoding."""
    asked: list[Path] = []

    def listen(path: Path, **_limits: float) -> sound.Heard:
        asked.append(path)
        said = path.read_text()
        if said.startswith("!"):
            raise {"audio": sound.NotAudio, "trouble": sound.SoundError}[said[1:]](said)
        if not said:
            return sound.Heard(heard(0).loudness, None)
        return heard(*map(int, said.split()))

    monkeypatch.setattr(sound, "hear", listen)
    return asked
