"""The speech model's files are put together once, checked always, and mistakes are named."""

import json
import threading

import pytest

from callcov_portal.engine.speech import weights
from callcov_portal.engine.speech.transcript import ModelUnusable
from callcov_portal.engine.speech.weights import Model, check_model, find_model
from callcov_portal.engine.startup import model_is_there

WEIGHTS = "\x06\0\0\0\x0c\0WhisperSpec\0"
FILES = {"model.bin": WEIGHTS, "config.json": "{}", "tokenizer.json": "{}", "vocabulary.json": "[]"}


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like a CTranslate2 Whisper model."""
    made = tmp_path / "model"
    made.mkdir()
    for name, text in FILES.items():
        (made / name).write_text(text)
    return made


@pytest.fixture
def halves(tmp_path, monkeypatch):
    """Two small packages in place of the 145 MB of the real ones."""
    places = {}
    for number, name in enumerate(weights.BASE_HALVES, 1):
        data = tmp_path / name / "data"
        data.mkdir(parents=True)
        (data / f"model.bin.part{number}").write_text(f"{WEIGHTS} half {number},")
        for other in ("config.json", "tokenizer.json", "vocabulary.txt"):
            (data / other).write_text(json.dumps(other))
        places[name] = data.parent
    monkeypatch.setattr(weights, "package_folder", lambda name: places[name])
    whole = tmp_path / "whole"
    whole.write_text(f"{WEIGHTS} half 1,{WEIGHTS} half 2,")
    monkeypatch.setattr(weights, "BASE_SHA256", weights.sha256(whole))
    return places


def test_a_folder_is_taken_as_it_is(folder, tmp_path):
    assert find_model(str(folder), tmp_path) == Model(str(folder), local=True)


@pytest.mark.parametrize("missing", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_missing_or_empty_file_is_named(folder, missing, tmp_path):
    (folder / missing).write_text("")
    said = (
        rf"The speech model {folder} could not be loaded: {missing.split('.')[0]}.* is missing or empty\. Set CALLCOV_"
    )
    with pytest.raises(ModelUnusable, match=said):
        find_model(str(folder), tmp_path)
    (folder / missing).unlink()
    with pytest.raises(ModelUnusable, match="is missing or empty"):
        find_model(str(folder), tmp_path)


def test_a_damaged_file_is_named(folder, tmp_path):
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelUnusable, match=r"tokenizer\.json is not valid JSON"):
        find_model(str(folder), tmp_path)


def test_the_model_of_another_program_is_named(folder, tmp_path):
    (folder / "model.bin").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ModelUnusable, match=r"model\.bin is no Whisper model in CTranslate2's format"):
        find_model(str(folder), tmp_path)


@pytest.mark.parametrize("name", ["/no/such/folder", "a/b/c", "two words"])
def test_a_folder_that_is_not_there_is_told(name, tmp_path):
    with pytest.raises(ModelUnusable, match="does not exist"):
        find_model(name, tmp_path)


@pytest.mark.parametrize("name", ["small", "Systran/faster-whisper-small", "distil-large-v3"])
def test_any_other_name_is_a_hubs(name, tmp_path):
    assert find_model(name, tmp_path) == Model(name, local=False)


def test_base_is_put_together_once(halves, tmp_path):
    found = find_model("base", tmp_path)
    whole = tmp_path / "models" / "whisper-base" / "model.bin"
    assert found == Model(str(whole.parent), local=True)
    assert whole.read_text() == f"{WEIGHTS} half 1,{WEIGHTS} half 2,"
    before = whole.stat().st_mtime_ns
    assert find_model("base", tmp_path) == found
    assert whole.stat().st_mtime_ns == before
    assert [each.name for each in (tmp_path / "models").iterdir()] == ["whisper-base"]


def test_a_damaged_base_model_is_refused_with_what_to_do(halves, tmp_path):
    find_model("base", tmp_path)
    (tmp_path / "models" / "whisper-base" / "model.bin").write_text(f"{WEIGHTS} half 1,half 3,")
    with pytest.raises(ModelUnusable, match="Delete that folder; it is then made again"):
        find_model("base", tmp_path)


def test_packages_with_other_weights_are_refused(halves, tmp_path):
    (halves[weights.BASE_HALVES[1]] / "data" / "model.bin.part2").write_text("something else")
    with pytest.raises(ModelUnusable, match=r"Install requirements\.lock again"):
        find_model("base", tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


def test_several_processes_may_put_it_together_at_once(halves, tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(find_model("base", tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 4


def test_a_disk_that_refuses_is_not_mistaken_for_a_faster_process(halves, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "whisper-base").write_text("a file in the way")
    with pytest.raises(OSError, match="whisper-base"):
        find_model("base", tmp_path)


def test_a_package_that_is_not_installed_is_told():
    with pytest.raises(ModelUnusable, match="no-such-package is not installed"):
        weights.package_folder("no_such_package")


def test_the_speaker_encoders_weights_are_the_known_ones(monkeypatch):
    assert weights.voice_weights().stat().st_size == 17_090_379
    monkeypatch.setattr(weights, "VOICES_SHA256", "0" * 64)
    with pytest.raises(ModelUnusable, match="unknown weights"):
        weights.voice_weights()


# --- before anything starts ----------------------------------------------------------------------------------------


def test_a_quick_look_makes_nothing_and_reads_no_weights(halves, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "sha256", lambda path: pytest.fail("that takes too long"))
    check_model("base", tmp_path)
    assert not (tmp_path / "models").exists()
    check_model("some/model", tmp_path)


def test_a_base_model_that_lost_a_file_is_named(halves, tmp_path):
    find_model("base", tmp_path)
    (tmp_path / "models" / "whisper-base" / "tokenizer.json").unlink()
    with pytest.raises(ModelUnusable, match=r"tokenizer\.json is missing"):
        check_model("base", tmp_path)


def test_the_system_check_names_the_missing_file_and_the_setting(folder, settings):
    settings.CALLCOV_ENGINE_MODEL = str(folder)
    assert model_is_there() == []
    (folder / "config.json").unlink()
    (found,) = model_is_there()
    assert "config.json is missing" in found.msg
    assert "Set CALLCOV_ENGINE_MODEL to" in found.msg


def test_the_system_check_says_nothing_where_no_model_is_needed(settings):
    settings.CALLCOV_ENGINE_MODEL = "scripted:/nowhere"
    assert model_is_there() == []
    settings.CALLCOV_ENGINE_MODEL, settings.CALLCOV_EMBEDDED = "/nowhere", False
    assert model_is_there() == []
