"""The real engine, as the benchmark runs it."""

import pytest

from benchmarks.engine.serving import Engine, EngineError
from tests.running import alive
from tests.sounds import wav


@pytest.mark.group
def test_the_engine_analyses_through_its_api_and_is_gone_afterwards(tmp_path):
    (tmp_path / "call.wav").write_bytes(wav(2.0))
    (tmp_path / "broken.wav").write_bytes(b"nothing to hear")
    with Engine(tmp_path, "scripted") as engine:
        analysis = engine.analyse(tmp_path / "call.wav", 2.0)
        assert analysis["status"] == "completed"
        assert analysis["audio"]["duration_seconds"] == 2.0
        used = engine.usage()
        assert used.cpu > 0
        assert used.peak_mb > 30
        with pytest.raises(EngineError, match="was answered with 4"):
            engine.analyse(tmp_path / "broken.wav", 1.0)
    assert not alive(engine.worker)


@pytest.mark.group
def test_an_engine_that_cannot_start_says_why(tmp_path):
    (tmp_path / "data").write_text("a file where the data folder should be")
    with pytest.raises(EngineError, match="data folder cannot be used"), Engine(tmp_path, "scripted"):
        pass
