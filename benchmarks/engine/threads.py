"""The recogniser's child with another number of threads: `python -m benchmarks.engine.threads MODEL THREADS`."""

import sys

from faster_whisper import WhisperModel

from callcov_portal.engine.speech import listener, model


class Threaded(model.Model):
    """The product's model, which has one thread, with as many as the command line says."""

    def __init__(self, target: str) -> None:
        self.whisper = WhisperModel(target, device="cpu", compute_type="int8", cpu_threads=int(sys.argv[2]))


if __name__ == "__main__":
    model.Model = Threaded  # type: ignore[misc]
    listener.main()
