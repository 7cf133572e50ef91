"""Fingerprints that are made up: as random as those of real speech, and as alike as two files of one call."""

import numpy as np

from callcov_portal.sound import Fingerprint, Heard, Loudness

MOMENTS = 1500  # 36 s


def fingerprint(call: int, encoding: int = 0, moments: int = MOMENTS) -> Fingerprint:
    """Return what a file of a call sounds like; two encodings of a call differ in one bit of ten, and lie 5 moments apart."""
    rows = np.random.default_rng(call).integers(0, 2**32, moments + 100, np.uint32)
    if encoding:
        wrong = np.random.default_rng([call, encoding]).random((len(rows), 32)) < 0.1
        wrong[::5] = False  # some words survive whole
        rows = rows ^ np.packbits(wrong, axis=1).view(">u4").ravel().astype(np.uint32)
    rows = rows[5 * encoding :][:moments]
    sure = range(20 - (5 * encoding) % 20, moments - 40, 60)
    return Fingerprint(
        rows=rows.astype("<u4").tobytes(),
        spoken=np.packbits(np.ones(moments, bool)).tobytes(),
        places=tuple(range(0, moments, 4)),
        sure=tuple(sure),
        asked=tuple(sure),
    )


def heard(call: int, encoding: int = 0) -> Heard:
    """Return what is made of a file of a call that is heard."""
    return Heard(Loudness(1, 0.02, bytes(100)), fingerprint(call, encoding))
