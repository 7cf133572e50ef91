"""Sounds that the benchmark makes: recordings with noise added, and a minute of nothing to hear."""

import wave
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine.truth import NOISE, STEREO, Recording, Turn
from callcov_portal import sound

Array = NDArray[np.float32]
RATE = 8000
MINUTE = 60.0
LOUD = 0.1  # root mean square
FAINT = 0.001
MELODY = (262, 330, 392, 523, 392, 330, 294, 349, 440, 587, 440, 349)  # hertz
BEAT = 0.4  # seconds


def noisy(recordings: Sequence[Recording], decibels: float, folder: Path) -> Iterator[Recording]:
    """Each stereo recording again with pink noise, as WAV in `folder`; the same input gives the same file."""
    for recording in recordings:
        if recording.condition == STEREO:
            path = folder / f"{recording.path.name.split('.')[0]}.noise.wav"
            clean = sound.decode(recording.path, sample_rate=RATE)
            write(path, with_noise(clean, recording.call.turns, decibels, zlib.crc32(path.name.encode())))
            yield replace(recording, path=path, condition=NOISE)


def with_noise(clean: Array, turns: Sequence[Turn], decibels: float, seed: int) -> Array:
    """Add noise of its own to each channel, weaker by `decibels` than that channel's speaker is while speaking."""
    random = np.random.default_rng(seed)
    loud = []
    for channel, speaker in zip(clean, "AB", strict=True):
        spoken = [channel[int(t.start * RATE) : int(t.end * RATE)] for t in turns if t.speaker == speaker]
        level = rms(np.concatenate(spoken)) / 10 ** (decibels / 20)
        loud.append(channel + level * pink(len(channel), random))
    mixed = np.stack(loud)
    return np.asarray(mixed / max(1.0, float(np.abs(mixed).max())), np.float32)


def rms(samples: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def pink(count: int, random: np.random.Generator) -> Array:
    """Noise with the same power in every octave; root mean square 1."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    shaped = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), count)
    return np.asarray(shaped / rms(np.asarray(shaped, np.float32)), np.float32)


def wordless(folder: Path) -> Iterator[tuple[str, Path]]:
    """A minute each of what calls are full of beside speech, on one channel, and beside a faintly noisy second one."""
    random = np.random.default_rng(7)
    for name, samples in minutes(random).items():
        mono, stereo = (folder / f"{name.replace(' ', '_')}.{kind}.wav" for kind in ("mono", "stereo"))
        yield name, write(mono, samples[None])
        yield f"{name}, stereo", write(stereo, np.stack([samples, FAINT * pink(len(samples), random)]))


def minutes(random: np.random.Generator) -> dict[str, Array]:
    """By name."""
    count = int(MINUTE * RATE)
    time = np.arange(count) / RATE
    tone = np.sin(2 * np.pi * 425 * time) * (time % 2 < 1)
    notes = np.array(MELODY)[(time / BEAT).astype(int) % len(MELODY)]
    music = sum(np.sin(2 * np.pi * notes * part * time) / part for part in (1, 2, 3)) * np.exp(-3 * (time % BEAT))
    sounds = {
        "silence": np.zeros(count),
        "hold tone": tone,
        "hold music": music,
        "white noise": random.standard_normal(count),
        "pink noise": pink(count, random),
    }
    return {name: LOUD * levelled(np.asarray(samples, np.float32)) for name, samples in sounds.items()}


def levelled(samples: Array) -> Array:
    """Root mean square 1; silence stays silent."""
    return np.asarray(samples / (rms(samples) or 1.0), np.float32)


def write(path: Path, samples: Array) -> Path:
    """Write samples of shape (channels, n) as 16 bit PCM at RATE."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1).T * 32767).astype("<i2").tobytes())
    return path
