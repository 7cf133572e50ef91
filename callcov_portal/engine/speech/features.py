"""What Whisper looks at, worked out piece by piece. Imported only in the recogniser child, as the model is."""

from typing import Any

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

Array = NDArray[np.float32]

PIECE = 3000
"""Frames that are worked out at once, 30 s: all at once take 0.7 MB for every second of speech."""
MARGIN = 2
"""Frames around a piece that are worked out with it and left out: the windows of those beside the cut reach over it."""
DEPTH = 2.0
"""What is fainter than the loudest of all by more than this is raised to it: 8 powers of ten, which Whisper divides by 4."""


class PieceWise(FeatureExtractor):  # type: ignore[misc]
    """Gives what faster-whisper's own extractor gives, with memory for half a minute.

    That one raises what is faint beside the loudest of what it was given. Of a piece that is never louder than the loudest
    of all, so that doing it again over all of them comes to the same.
    """

    def __call__(self, waveform: Array, padding: int = 160, chunk_length: int | None = None) -> Array:
        """Return the log-mel spectrogram, of shape (mels, frames), of samples and `padding` zeros."""
        samples = np.pad(waveform, (0, padding)) if padding else waveform
        frames = len(samples) // self.hop_length
        pieces = [self.piece(samples, first, chunk_length) for first in range(0, frames or 1, PIECE)]
        found = np.concatenate(pieces, axis=1)
        return np.asarray(np.maximum(found, found.max() - np.float32(DEPTH)))

    def piece(self, samples: Array, first: int, chunk_length: int | None) -> NDArray[Any]:
        """Return at most `PIECE` frames from the `first` on."""
        lead = min(first, MARGIN)
        begin, end = first - lead, first + PIECE + MARGIN
        part = samples[begin * self.hop_length : end * self.hop_length]
        return np.array(super().__call__(part, padding=0, chunk_length=chunk_length)[:, lead : lead + PIECE])
