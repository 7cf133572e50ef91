"""Whether two recordings are the same call: by the bits of their fingerprints, where these lie best on each other."""

from typing import TYPE_CHECKING

from callcov_portal.sound.values import MOMENT, Fingerprint, Likeness

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_SHIFT = 3.0  # seconds that one may begin earlier
MOST_WRONG = 0.33  # share of all bits that differ: about half of them do in two different calls
A_STRETCH = 24  # places: in none of these stretches
MOST_WRONG_IN_A_STRETCH = 0.42  # may more differ: two calls that begin alike go on differently
LEAST_SHARED = 0.9  # of the places of one, that lie within the other
MOST_ALONE = 0.1  # of the moments of speech, that have none beside them
BESIDE = 1.0  # seconds


def compare(heard: Fingerprint, known: bytes) -> Likeness | None:
    """Return how far a recording is what was `kept` of another; None if it is another call. A few milliseconds."""
    import numpy as np  # noqa: PLC0415 - the web process, which only probes, needs none

    kept = np.frombuffer(known, "<u4").reshape(-1, 2)
    places, words = kept[:, 0].astype(np.int64), kept[:, 1]
    rows = np.frombuffer(heard.rows, "<u4")
    reach = round(LONGEST_SHIFT / MOMENT)
    shifts = np.arange(-reach, reach + 1)
    moments = places[None, :] + shifts[:, None]
    inside = (moments >= 0) & (moments < len(rows))
    wrong = np.bitwise_count(rows[np.clip(moments, 0, len(rows) - 1)] ^ words).astype(np.float64) / 32
    share = np.where(inside, wrong, 0.0).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    share[inside.mean(axis=1) < LEAST_SHARED] = 1.0
    best = int(share.argmin())
    if share[best] > MOST_WRONG:
        return None
    stretches = np.array_split(wrong[best][inside[best]], max(1, int(inside[best].sum()) // A_STRETCH))
    if max(float(stretch.mean()) for stretch in stretches) > MOST_WRONG_IN_A_STRETCH:
        return None
    if alone(heard, places + int(shifts[best])) > MOST_ALONE:
        return None
    return Likeness(1 - float(share[best]), heard.seconds)


def alone(heard: Fingerprint, places: "NDArray[np.int64]") -> float:
    """Return the share of the moments of speech that lie far from the other's places: there the other is silent."""
    import numpy as np  # noqa: PLC0415

    moments = np.flatnonzero(np.unpackbits(np.frombuffer(heard.spoken, np.uint8)))
    usual = float(np.median(np.diff(places))) if len(places) > 1 else 0.0
    after = np.searchsorted(places, moments)
    near = np.minimum(
        np.abs(moments - places[np.clip(after, 0, len(places) - 1)]),
        np.abs(moments - places[np.clip(after - 1, 0, len(places) - 1)]),
    )
    return float((near > usual + BESIDE / MOMENT).mean())
