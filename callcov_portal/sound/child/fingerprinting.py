"""What a recording sounds like, in bits that survive another container, codec, bit rate or level.

The method is that of J. Haitsma and T. Kalker, *A Highly Robust Audio Fingerprinting System*, ISMIR 2002: every moment
becomes a word of 32 bits, one for each pair of neighbours among 33 bands between 300 and 2,000 Hz whose edges lie evenly on
a logarithmic scale; a bit says whether the difference of the two bands' energies grows from one frame to the next. Frames
of 0.38 s overlap so much that words of neighbouring moments are alike, wherever the frames begin.

Ours differs in what is kept. Only moments count in which somebody seems to speak: loud enough, with the short pauses
of speech, not one steady tone, and nothing that is repeated. So silence, hold tones and most music say nothing about a
call. Of these moments an even choice is kept to compare (`places`), and those whose words are least in doubt (`words`), by
20 bits of which the recording is found again.
"""

from typing import Any

from .resampling import Resampler

RATE = 8000
FRAME = 3072  # samples of a frame: 0.384 s
HOP = 192  # samples from one moment to the next: 24 ms
BANDS = 33
LOWEST, HIGHEST = 300.0, 2000.0  # Hz
AT_ONCE = 128  # frames

QUIETEST = 1e-3  # of the energy of the loudest moments (-30 dB): below that nobody speaks
SILENT = 1e-6  # mean square of what is silence in any recording (-60 dB)
SECOND = 42  # moments
PAUSES = 0.3  # share of a second's moments with less than half of its mean energy: more in speech, less in music
LEAST_SPOKEN = 0.1  # share of the loud moments, below which what seems to be speech is music
TONE = 0.9  # share of the energy in two bands, above which it is a tone

SHORTEST_LOOP, LONGEST_LOOP = 20, 400  # moments: up to 9.6 s
LOOPED = 0.3  # share of the bits that differ, below which a moment is the same as one a loop later

SPACING = 4  # moments between two places, at least
MOST_PLACES = 384
FOUND_BY = slice(8, 28)  # the bits of a word by which a recording is found: whole words survive too seldom
STRETCHES = 20  # of the speech, of which each gives one word to be found by
ASKED = 4  # and so many to look for others by, as not each survives an encoding
APART = 12  # moments between two of them, at least


class Listener:
    """Takes samples in and ends with a fingerprint. Keeps some bytes of each moment, no samples."""

    def __init__(self, resampler: Resampler) -> None:
        import numpy as np  # noqa: PLC0415 - 80 ms that only some verbs need

        self.np = np
        self.channels = resampler.channels
        self.window = np.hanning(FRAME).astype(np.float32)
        edges = np.geomspace(LOWEST, HIGHEST, BANDS + 1)
        self.edges = np.searchsorted(np.fft.rfftfreq(FRAME, 1 / RATE), edges)
        self.waiting: Any = np.zeros(0, np.float32)
        self.last: Any = None  # the bands of the frame before
        self.kept: list[tuple[Any, ...]] = []

    def take(self, raw: bytes) -> None:
        """Take in more interleaved float32 samples."""
        np = self.np
        samples = np.nan_to_num(np.frombuffer(raw, np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
        mixed = samples.reshape(-1, self.channels).mean(axis=1, dtype=np.float32)
        self.waiting = np.concatenate([self.waiting, np.clip(mixed, -1.0, 1.0)])
        while len(self.waiting) >= FRAME + HOP * (AT_ONCE - 1):
            self._measure(AT_ONCE)

    def _measure(self, count: int) -> None:
        """Make moments of so many frames that wait."""
        np = self.np
        frames = np.lib.stride_tricks.sliding_window_view(self.waiting, FRAME)[: count * HOP : HOP]
        spectrum = np.fft.rfft(frames * self.window, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        bands = np.add.reduceat(power, self.edges, axis=1)[:, :BANDS]
        middle = self.waiting[FRAME // 2 : FRAME // 2 + count * HOP].reshape(count, HOP)
        loud = (middle.astype(np.float64) ** 2).mean(axis=1)
        before = bands if self.last is None else np.concatenate([self.last, bands])
        energy = before[1:]
        self.kept.append((*words_of(np, before), energy.sum(axis=1), in_two(np, energy), loud[-len(energy) :]))
        self.last, self.waiting = bands[-1:], self.waiting[count * HOP :]

    def fingerprint(self) -> dict[str, Any]:
        """Return the words of all moments, and which of them are places, words, and words to ask for."""
        np = self.np
        left = (len(self.waiting) - FRAME) // HOP
        if left > 1:
            self._measure(left)
        if not self.kept:
            return {"moments": 0, "rows": b"", "spoken": b"", "places": [], "words": [], "asked": []}
        rows, sureness, energy, tone, loud = (np.concatenate(column) for column in zip(*self.kept, strict=True))
        spoken = is_spoken(np, energy, tone, loud)
        if is_repeated(np, rows, chosen(np, np.flatnonzero(spoken))):
            spoken[:] = False
        sure = surest(np, np.flatnonzero(spoken), sureness)
        return {
            "moments": len(rows),
            "rows": rows.astype("<u4").tobytes(),
            "spoken": np.packbits(spoken).tobytes(),
            "places": chosen(np, np.flatnonzero(spoken)).tolist(),
            "words": [some[0] for some in sure],
            "asked": [moment for some in sure for moment in some],
        }


def words_of(np: Any, bands: Any) -> tuple[Any, Any]:
    """Return the word of each frame but the first, and how far the least certain of its bits that count is from its other value.

    0 is on the edge, 1 as far as can be.
    """
    steps = bands[:, :-1] - bands[:, 1:]
    growth = steps[1:] - steps[:-1]
    words = np.packbits(growth > 0, axis=1).view(">u4").ravel().astype(np.uint32)
    around = bands[1:, :-1] + bands[1:, 1:] + bands[:-1, :-1] + bands[:-1, 1:]
    return words, (np.abs(growth) / (around + 1e-12))[:, FOUND_BY].min(axis=1)


def in_two(np: Any, bands: Any) -> Any:
    """Return the share of the energy in the two strongest bands."""
    return np.partition(bands, BANDS - 2, axis=1)[:, BANDS - 2 :].sum(axis=1) / (bands.sum(axis=1) + 1e-12)


def is_spoken(np: Any, energy: Any, tone: Any, loud: Any) -> Any:
    """Return for each moment whether somebody seems to speak."""
    enough = energy > max(float(np.percentile(energy, 95)) * QUIETEST, 0.0)
    if len(loud) < SECOND:
        return np.zeros(len(loud), bool)
    seconds = np.lib.stride_tricks.sliding_window_view(loud, SECOND)
    share = np.concatenate(
        [
            (some < 0.5 * some.mean(axis=1, keepdims=True)).mean(axis=1)
            for some in np.array_split(seconds, len(seconds) // 4096 + 1)
        ]
    )
    around = np.pad(share, (SECOND // 2, len(loud) - len(share) - SECOND // 2), mode="edge")
    means = np.pad(seconds.mean(axis=1), (SECOND // 2, len(loud) - len(share) - SECOND // 2), mode="edge")
    spoken = enough & (around > PAUSES) & (tone < TONE) & (means > SILENT)
    return spoken & (spoken.sum() >= LEAST_SPOKEN * enough.sum())


def is_repeated(np: Any, rows: Any, places: Any) -> bool:
    """Return whether what is heard comes again and again: engaged, ringing, a short loop."""
    inside = places[places + LONGEST_LOOP < len(rows)]
    if not len(inside):
        return False
    later = rows[inside[:, None] + np.arange(SHORTEST_LOOP, LONGEST_LOOP)]
    wrong = np.bitwise_count(later ^ rows[inside][:, None]).mean(axis=0) / 32
    return bool(wrong.min() < LOOPED)


def chosen(np: Any, moments: Any) -> Any:
    """Return an even choice of moments."""
    few = moments[np.flatnonzero(np.diff(moments // SPACING, prepend=-1))]
    most = min(len(few), MOST_PLACES)
    return few[np.linspace(0, len(few) - 1, most).astype(int)] if most else few


def surest(np: Any, moments: Any, sureness: Any) -> list[list[int]]:
    """Return of each stretch of the speech the moments whose words are least in doubt, the surest first.

    From everywhere, because calls may begin with the same announcement.
    """
    found: list[list[int]] = []
    for stretch in np.array_split(moments, STRETCHES):
        best: list[int] = []
        for moment in stretch[np.argsort(-sureness[stretch], kind="stable")].tolist():
            if all(abs(moment - other) >= APART for other in best):
                best.append(moment)
            if len(best) == ASKED:
                break
        if best:
            found.append(best)
    return found
