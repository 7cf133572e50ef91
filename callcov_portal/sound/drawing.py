"""How loud a recording is from moment to moment."""

import base64
import math
from pathlib import Path
from typing import Any

from callcov_portal.sound.asking import BEYOND_LIMITS, ask
from callcov_portal.sound.values import Loudness, NotAudio


def loudness(path: Path, *, max_seconds: float = 12 * 3600, timeout: float = 1800) -> Loudness:
    """Return how loud `path` is, moment by moment: equal moments of 20 ms or more.

    There are at most 2,000 of them, of a recording of more than 42 minutes at most 8,000. One or two channels are kept; more are mixed to one. Memory is constant. Raises NotAudio, TooLong or SoundError.
    """
    return loudness_in(ask("draw", path, str(max_seconds), timeout=timeout))


def loudness_in(said: dict[str, Any]) -> Loudness:
    """Return the loudness that the child measured; raises NotAudio for what is nothing of the kind."""
    try:
        found = understood(said)
    except (KeyError, TypeError, ValueError):
        raise NotAudio(BEYOND_LIMITS) from None
    if not (found.channels in {1, 2} and 0 < found.step_seconds < math.inf and len(found.values) % found.channels == 0):
        raise NotAudio(BEYOND_LIMITS)
    return found


def understood(said: dict[str, Any]) -> Loudness:
    """Return what the child said; raises an error of Python for what is nothing of the kind."""
    values = base64.b64decode(str(said["loudness"]), validate=True)
    return Loudness(int(said["channels"]), float(said["step_seconds"]), values)
