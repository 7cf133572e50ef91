"""The recogniser child: `python -m callcov_portal.engine.speech.listener MODEL`.

It loads the model once and answers one question per line of JSON on its standard input; when that closes, it ends. Answers
are lines of JSON: `{"ready"}` when the model is loaded or else `{"unusable"}`; for each question `{"stage", "fraction"}`
while it works, then `{"answer"}` or `{"failed"}`.
"""

import ctypes
import json
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from callcov_portal.engine.speech.hearing import Hearing
from callcov_portal.engine.speech.transcript import ModelUnusable
from callcov_portal.engine.speech.voices import VoiceEncoder
from callcov_portal.engine.speech.weights import voice_weights
from callcov_portal.sound import Pcm, load_pcm

MEMORY = 4 << 30
"""Address space beside the model in bytes; Whisper base takes 1.2 GiB of it (and 450 MB of memory)."""
LONGEST_REASON = 300


def limit_memory(target: str) -> None:
    """A runaway recognition fails instead of taking the machine; a larger model may have more."""
    sizes = (
        sum(path.stat().st_size for path in Path(target).glob("*") if path.is_file()) if Path(target).is_dir() else None
    )
    if sizes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY + 4 * sizes, resource.getrlimit(resource.RLIMIT_AS)[1]))


def load(target: str) -> Hearing:
    """Load everything; raises ModelUnusable with the first line of what the trouble was."""
    encoder = VoiceEncoder(voice_weights())
    try:
        from callcov_portal.engine.speech import model  # noqa: PLC0415 - heavy

        return Hearing(model.Model(target), encoder, model.speech_spans)
    except Exception as trouble:
        lines = str(trouble).strip().splitlines() or [type(trouble).__name__]
        raise ModelUnusable(target, lines[0][:LONGEST_REASON]) from trouble


def answer(hearing: Hearing, question: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Hear one recording."""
    pcm = Pcm(int(question["channels"]), int(question["length"]), 16000)
    samples = load_pcm(Path(question["samples"]), pcm)
    tell = lambda stage, fraction: say({"stage": stage, "fraction": round(fraction, 3)})  # noqa: E731
    heard = hearing.hear(samples, int(question["agent_channel"]), tell)
    return {**heard, "segments": [as_lists(asdict(segment)) for segment in heard["segments"]]}


def as_lists(segment: dict[str, Any]) -> dict[str, Any]:
    """Words as lists, which are a third of the size."""
    return {**segment, "words": [list(word.values()) for word in segment["words"]]}


def serve(target: str, questions: "queue.Queue[bytes]", say: Callable[[dict[str, Any]], None]) -> None:
    """Answer until the process ends."""
    try:
        hearing = load(target)
    except ModelUnusable as trouble:
        say({"unusable": trouble.args})
        return
    say({"ready": True})
    while question := questions.get():
        try:
            say({"answer": answer(hearing, json.loads(question), say)})
        except MemoryError:
            say({"failed": "The recording needs more memory than there is."})
        except Exception as trouble:  # noqa: BLE001 - the parent must hear of it, whatever it is
            say({"failed": f"Speech recognition failed: {trouble!r}."})
        give_back_memory()


def give_back_memory() -> None:
    """Let the system have what is free: what lies between pieces in use would pile up from call to call."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def listen(source: IO[bytes], questions: "queue.Queue[bytes]") -> None:
    """Collect questions; the parent's end is ours."""
    for line in source:
        questions.put(line)
    os._exit(0)


def main() -> None:
    """Keep the real standard output for answers: what libraries print must not get among them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which may want to finish
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    questions: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=listen, args=(sys.stdin.buffer, questions), daemon=True).start()
    limit_memory(sys.argv[1])
    serve(sys.argv[1], questions, lambda said: print(json.dumps(said), file=out, flush=True))


if __name__ == "__main__":
    main()
