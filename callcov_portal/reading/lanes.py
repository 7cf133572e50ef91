"""Which of two channels is the agent's: told from who speaks when, and how loud the channels are then."""

from collections.abc import Iterable, Sequence

CLEAR = 0.1  # of all loudness that speaks for one channel or the other; below, nobody can tell


def agent_lane(lanes: Sequence[bytes], step: float, spoken: Iterable[tuple[str, float, float]]) -> int | None:
    """Return the number of the agent's lane, None where nothing tells.

    `lanes` are two channels' loudness in moments of `step` seconds; `spoken` are speaker, start and end.
    """
    left, right = lanes
    for_left = total = 0
    for speaker, start, end in spoken:
        if speaker not in {"agent", "contact"}:
            continue
        first, last = int(start / step), int(end / step) + 1
        here, there = sum(left[first:last]), sum(right[first:last])
        for_left += here - there if speaker == "agent" else there - here
        total += here + there
    if not total or abs(for_left) < CLEAR * total:
        return None
    return 0 if for_left > 0 else 1
