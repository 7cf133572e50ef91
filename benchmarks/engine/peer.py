"""The peer: plain faster-whisper with the same weights, in a process of its own.

It hears the mono mix that faster-whisper's own decoder makes of a file, with no gate: one thread, one beam, word times, its
voice-activity filter on with its defaults, and otherwise as its makers set it.
`python -m benchmarks.engine.peer FOLDER` answers a path per line with a line of JSON.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from benchmarks.engine.serving import ROOT
from benchmarks.engine.usage import peak_mb


class Peer:
    """The parent's end; leave its `with` block to end the process."""

    def __init__(self, model: str) -> None:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "benchmarks.engine.peer", model]
        self.process = subprocess.Popen(  # our own interpreter and module
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        cast("IO[str]", self.process.stdin).close()
        self.process.wait()
        cast("IO[str]", self.process.stdout).close()

    def hear(self, path: Path) -> dict[str, Any]:
        """Return `{texts, words, cpu, peak_mb}`: pieces of text, how many words, CPU seconds from decoding on, memory so far."""
        mouth, ear = cast("IO[str]", self.process.stdin), cast("IO[str]", self.process.stdout)
        mouth.write(f"{path.absolute()}\n")
        mouth.flush()
        return dict(json.loads(ear.readline()))


def main() -> None:
    """Load the model, then answer."""
    from faster_whisper import WhisperModel

    model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", cpu_threads=1)
    for line in sys.stdin:
        before = time.process_time()
        pieces, _about = model.transcribe(line.strip(), beam_size=1, word_timestamps=True, vad_filter=True)
        heard = [(piece.text, len(piece.words or [])) for piece in pieces]
        cpu = time.process_time() - before
        answer = {"texts": [text for text, _ in heard], "words": sum(count for _, count in heard), "cpu": cpu}
        print(json.dumps({**answer, "peak_mb": peak_mb(os.getpid())}), flush=True)


if __name__ == "__main__":
    main()
