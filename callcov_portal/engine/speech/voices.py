"""Whose voice is it: the GE2E speaker encoder (Resemblyzer's weights, Apache-2.0) in plain numpy."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

RATE = 16000
HOP = 160  # samples between two frames
FFT = 400
MELS = 40
HIDDEN = 256
WINDOW_FRAMES = 160  # what the encoder was trained on: 1.6 s
LOUDNESS = 10 ** (-30 / 20)  # quieter voices are raised to this
BATCH = 32

# Where the numbers lie in resemblyzer/pretrained.pt. Its SHA-256 is checked before (weights.py), so the places are
# certain, and nothing of the file has to be unpickled.
LSTM_AT, LSTM_BIASES_AT, LINEAR_AT, LINEAR_BIAS_AT = 269_883, 5_676_603, 7_731, 6_699


class VoiceEncoder:
    """Turns stretches of speech into unit vectors that point alike for the same voice."""

    def __init__(self, weights: Path) -> None:
        """`weights` as returned by `weights.voice_weights()`."""
        raw = weights.read_bytes()
        self.layers: list[tuple[Array, Array, Array]] = []
        at, bias_at = LSTM_AT, LSTM_BIASES_AT
        for width in (MELS, HIDDEN, HIDDEN):
            inward = numbers(raw, at, (4 * HIDDEN, width))
            at += inward.nbytes
            around = numbers(raw, at, (4 * HIDDEN, HIDDEN))
            at += around.nbytes
            bias = numbers(raw, bias_at, (2, 4 * HIDDEN)).sum(axis=0)
            bias_at += 2 * bias.nbytes
            self.layers.append((inward.T.copy(), around.T.copy(), bias))
        self.linear = numbers(raw, LINEAR_AT, (HIDDEN, HIDDEN)).T.copy()
        self.linear_bias = numbers(raw, LINEAR_BIAS_AT, (HIDDEN,))
        self.filters = mel_filters()

    def embed(self, windows: Array) -> Array:
        """Unit vectors of shape (n, 256) for mel windows of shape (n, frames, 40)."""
        parts = [self._embed(windows[at : at + BATCH]) for at in range(0, len(windows), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, HIDDEN), np.float32)

    def _embed(self, inputs: Array) -> Array:
        for inward, around, bias in self.layers:
            inputs = lstm(inputs, inward, around, bias)
        raw = np.maximum(inputs[:, -1] @ self.linear + self.linear_bias, 0)
        length: Array = np.linalg.norm(raw, axis=1, keepdims=True)
        return np.asarray(raw / np.maximum(length, 1e-6), np.float32)

    def mel(self, samples: Array) -> Array:
        """Mel powers of shape (frames, 40), a frame every 10 ms."""
        padded = np.pad(np.asarray(samples, np.float32), FFT // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
        window = np.hanning(FFT + 1)[:-1].astype(np.float32)
        power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
        return np.asarray(power @ self.filters.T, np.float32)


def numbers(raw: bytes, at: int, shape: tuple[int, ...]) -> Array:
    """Little-endian float32 from a place in the file."""
    return np.frombuffer(raw, "<f4", int(np.prod(shape)), at).reshape(shape).astype(np.float32)


def lstm(inputs: Array, inward: Array, around: Array, bias: Array) -> Array:
    """One layer over (n, frames, width); returns (n, frames, 256). Gates in PyTorch's order: in, forget, cell, out."""
    count, frames, _width = inputs.shape
    fed = inputs @ inward + bias
    hidden = np.zeros((count, HIDDEN), np.float32)
    cell = np.zeros_like(hidden)
    out = np.empty((count, frames, HIDDEN), np.float32)
    for at in range(frames):
        gates = fed[:, at] + hidden @ around
        opened = sigmoid(gates)
        cell = opened[:, HIDDEN : 2 * HIDDEN] * cell + opened[:, :HIDDEN] * np.tanh(gates[:, 2 * HIDDEN : 3 * HIDDEN])
        hidden = opened[:, 3 * HIDDEN :] * np.tanh(cell)
        out[:, at] = hidden
    return out


def sigmoid(x: Array) -> Array:
    """Without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), np.float32)


def mel_filters() -> Array:
    """Slaney's triangular filters of equal area, (40, 201): what the encoder was trained with."""
    edges = mel_to_hertz(np.linspace(0, hertz_to_mel(RATE / 2), MELS + 2))
    ramps = edges[:, None] - np.linspace(0, RATE / 2, FFT // 2 + 1)[None]
    widths = np.diff(edges)
    rising, falling = -ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (edges[2:] - edges[:-2]))[:, None], np.float32)


STEP = np.log(6.4) / 27


def hertz_to_mel(hertz: float) -> float:
    """Above 1 kHz, which is 15 mel."""
    return float(15 + np.log(hertz / 1000) / STEP)


def mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear up to 1 kHz, then logarithmic."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(STEP * (np.maximum(mel, 15) - 15)))
