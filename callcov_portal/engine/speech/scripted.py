"""The test double: plays words from a file instead of listening, but decodes the audio as in real life."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from callcov_portal import sound
from callcov_portal.engine.speech.transcript import AGENT, CONTACT, Cancelled, Segment, SpeechError, Transcript, Word

CONFIDENCE = 0.95
GAP = 0.4
SECONDS_PER_WORD = 0.4
STEP = 0.1
AUDIBLE = 0.001
NAMES = ("Rachel", "Marcus", "Priya", "Tom", "Elena", "Kofi", "Anna", "Luis")
DIALOGUE = (
    (AGENT, "Thank you for calling Northwind Insurance, my name is {name}. How can I help you today?"),
    (CONTACT, "Hello, I have a question about my last bill."),
    (AGENT, "Of course. Please note that this call is recorded for quality and training purposes."),
    (CONTACT, "That's fine."),
    (AGENT, "I am looking at your account now, and I can see the bill you mean."),
    (CONTACT, "It is higher than usual and I would like to know why."),
    (AGENT, "I understand. There was a late payment fee, and I am happy to remove it for you."),
    (CONTACT, "Thank you, that is very kind."),
    (AGENT, "Is there anything else I can help you with today?"),
    (CONTACT, "No, that's everything."),
    (AGENT, "Thank you for calling, have a lovely day. Goodbye."),
)


class ScriptedRecogniser:
    """Plays the script that belongs to a recording; a Recogniser.

    The script is looked for in `folder` as `<sha256 of the audio>.json`, `<stem>.json`, or beside a recording with the same
    content as `<its name up to the first dot>.truth.json`. It holds `{"turns": [{"role": "agent", "start", "end", "text"}, …]}`;
    any role but "agent" is the contact. Without a script, a small dialogue is made, the same for the same audio.
    A silent recording without a script gives no words. CALLCOV_SCRIPTED_SECONDS makes it take that long.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def transcribe(
        self, path: Path, *, progress: Callable[[str, float], None], cancelled: Callable[[], bool]
    ) -> Transcript:
        """See Recogniser."""
        progress("decoding", 0.0)
        samples = sound.decode(path)
        progress("decoding", 1.0)
        self._take_time(progress, cancelled)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        seconds = samples.shape[1] / 16000
        turns = self._script(path, digest)
        if turns is None:
            turns = list(made_up(seconds, digest)) if max(samples.max(), -samples.min()) > AUDIBLE else []
        segments = tuple(played(turn) for turn in sorted(turns, key=lambda turn: turn["start"]))
        progress("separating speakers", 1.0)
        return Transcript(segments, "en" if segments else "", round(seconds, 3), samples.shape[0])

    def _take_time(self, progress: Callable[[str, float], None], cancelled: Callable[[], bool]) -> None:
        total = float(os.environ.get("CALLCOV_SCRIPTED_SECONDS") or 0)
        spent = 0.0
        while True:
            if cancelled():
                raise Cancelled("The analysis was cancelled.")
            progress("recognising", min(1.0, spent / total) if total else 1.0)
            if spent >= total:
                return
            time.sleep(min(STEP, total - spent))
            spent += STEP

    def _script(self, path: Path, digest: str) -> list[dict[str, Any]] | None:
        if self.folder is None:
            return None
        names = (f"{digest}.json", f"{path.stem}.json", twin(self.folder, path, digest))
        for script in (self.folder / name for name in names if name):
            if script.is_file():
                return read_script(script)
        return None


def twin(folder: Path, path: Path, digest: str) -> str:
    """The name of the truth file of the recording in `folder` that has the same content, empty if there is none."""
    size = path.stat().st_size
    for other in folder.iterdir():
        if other.is_file() and other.stat().st_size == size:
            with other.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == digest:
                    return f"{other.name.split('.')[0]}.truth.json"
    return ""


def read_script(script: Path) -> list[dict[str, Any]]:
    """Return the turns; raises SpeechError when the file is not a script."""
    try:
        turns: list[dict[str, Any]] = json.loads(script.read_text())["turns"]
        for turn in turns:
            played(turn)
    except (ValueError, KeyError, TypeError, AttributeError) as trouble:
        raise SpeechError(f"{script} is not a script of turns (role, start, end, text): {trouble!r}.") from None
    return turns


def made_up(seconds: float, digest: str) -> Iterator[dict[str, Any]]:
    """The dialogue, as much of it as fits; at least its first sentence, spoken fast enough."""
    name, at = NAMES[int(digest[:8], 16) % len(NAMES)], min(0.5, seconds / 10)
    for speaker, line in DIALOGUE:
        text = line.format(name=name)
        end = at + SECONDS_PER_WORD * len(text.split())
        if end > seconds and line != DIALOGUE[0][1]:
            return
        yield {"role": "agent" if speaker == AGENT else "contact", "start": at, "end": min(end, seconds), "text": text}
        at = end + GAP


def played(turn: dict[str, Any]) -> Segment:
    """A turn as a segment, its time shared among the words by their length."""
    start, end, texts = float(turn["start"]), float(turn["end"]), str(turn["text"]).split()
    total, spoken, words = sum(map(len, texts)) or 1, 0, []
    for text in texts:
        begin, spoken = spoken, spoken + len(text)
        first, last = (round(start + (end - start) * part / total, 3) for part in (begin, spoken))
        words.append(Word(text, first, last, CONFIDENCE))
    speaker = AGENT if turn["role"] == "agent" else CONTACT
    return Segment(speaker, " ".join(texts), round(start, 3), round(end, 3), CONFIDENCE, tuple(words))
