"""The recogniser of the product: decodes in sound's child, recognises in a child of its own."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from callcov_portal import sound
from callcov_portal.engine.speech.ear import PATIENCE, Ear, listener
from callcov_portal.engine.speech.transcript import (
    Cancelled,
    ModelUnusable,
    Segment,
    SpeechError,
    Transcript,
    Word,
)
from callcov_portal.engine.speech.weights import find_model

AGENT_CHANNEL = 0
"""The channel the agent is expected on, left; what both say may overrule it."""
LOADING_SECONDS = 120
DOWNLOAD_SECONDS = 3600
SECONDS_PER_AUDIO_SECOND = 4
"""Recognition gets this much time per second of audio. It needs about 0.12 on a core of its own."""
QUIET_SECONDS = 1200
"""So long the child may tell nothing: a hung one must not hold a worker for as long as four hours of audio may take."""
FORGOTTEN_AFTER = 24 * 3600
AGAIN_SECONDS = 45
"""A model that could not be loaded is not tried again sooner: recordings that wait for it cost nothing meanwhile."""


class WhisperRecogniser:
    """A Recogniser. Threads take turns at its one child, which starts with the first recording and keeps the model."""

    def __init__(
        self, model: str, data_dir: Path, *, agent_channel: int = AGENT_CHANNEL, make_ear: Callable[..., Ear] = listener
    ) -> None:
        self.model, self.data_dir, self.agent_channel = model, data_dir, agent_channel
        self.turn = threading.Lock()
        self.ear: Ear | None = None
        self.make_ear = make_ear
        self.loading_seconds = LOADING_SECONDS
        self.unusable: tuple[float, ModelUnusable] | None = None

    def transcribe(
        self, path: Path, *, progress: Callable[[str, float], None], cancelled: Callable[[], bool]
    ) -> Transcript:
        """See Recogniser. The decoded samples lie in `data_dir/listening` while it works."""
        self._refuse_for_a_while()
        with self._folder() as folder:
            out = folder / "samples.f32"
            progress("decoding", 0.0)
            pcm = sound.decode_to(path, out)
            progress("decoding", 1.0)
            question = {
                "samples": str(out),
                "channels": pcm.channels,
                "length": pcm.samples,
                "agent_channel": self.agent_channel,
            }
            seconds = pcm.samples / pcm.sample_rate
            with self._my_turn(cancelled):
                try:
                    answer = self._ask(question, seconds, progress, cancelled)
                except ModelUnusable as trouble:
                    self.unusable = (time.monotonic(), trouble)
                    raise
        return transcript(answer, seconds)

    def _refuse_for_a_while(self) -> None:
        if self.unusable and time.monotonic() < self.unusable[0] + AGAIN_SECONDS:
            raise ModelUnusable(*self.unusable[1].args)

    def _ask(
        self,
        question: dict[str, Any],
        seconds: float,
        progress: Callable[[str, float], None],
        cancelled: Callable[[], bool],
    ) -> dict[str, Any]:
        if self.ear is None or not self.ear.is_up:
            self.close_ear()
            found = find_model(self.model, self.data_dir)
            self.loading_seconds = LOADING_SECONDS if found.local else DOWNLOAD_SECONDS
            self.ear = self.make_ear(found.target, local=found.local)
        limit = self.loading_seconds + SECONDS_PER_AUDIO_SECOND * seconds
        told = lambda news: progress(str(news["stage"]), float(news["fraction"]))  # noqa: E731
        quiet = self.loading_seconds + QUIET_SECONDS
        return self.ear.ask(question, told=told, cancelled=cancelled, seconds=limit, quiet=quiet)

    @contextmanager
    def _my_turn(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        while not self.turn.acquire(timeout=PATIENCE):
            if cancelled():
                raise Cancelled("The analysis was cancelled.")
        try:
            yield
        finally:
            self.turn.release()

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder of one's own; what killed workers left behind is cleared away on the occasion."""
        place = self.data_dir / "listening"
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            with suppress(FileNotFoundError):  # its owner finished just now
                if old.stat().st_mtime < time.time() - FORGOTTEN_AFTER:
                    shutil.rmtree(old, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=place) as folder:
            yield Path(folder)

    def close(self) -> None:
        """End the child; the next recording starts another."""
        with self.turn:
            self.close_ear()

    def close_ear(self) -> None:
        """By whoever has the turn."""
        if self.ear is not None:
            self.ear.close()


def transcript(answer: dict[str, Any], seconds: float) -> Transcript:
    """The child's answer as values."""
    try:
        segments = tuple(
            Segment(**{**segment, "words": tuple(Word(*word) for word in segment["words"])})
            for segment in answer["segments"]
        )
        return Transcript(
            segments,
            str(answer["language"]),
            round(seconds, 3),
            int(answer["channels"]),
            str(answer["roles"]),
            str(answer["note"]),
            tuple((float(start), float(end)) for start, end in answer["sounds"]),
        )
    except (KeyError, TypeError, ValueError) as trouble:
        raise SpeechError(f"The speech recogniser gave an answer that makes no sense: {trouble!r}.") from trouble
