"""How much of a call who speaks, and how it sounds."""

from collections.abc import Iterable
from typing import Any

from callcov_portal.reading.generic import number

AGENT, CONTACT = "agent", "contact"


def agent_share(lines: Iterable[tuple[str, float, float]]) -> float | None:
    """Return the agent's share, 0..1, of the seconds in which agent or contact speak (speaker, start, end each).

    None where nobody is known to speak.
    """
    spoken = {AGENT: 0.0, CONTACT: 0.0}
    for speaker, start, end in lines:
        if speaker in spoken:
            spoken[speaker] += max(0.0, end - start)
    total = sum(spoken.values())
    return round(spoken[AGENT] / total, 3) if total else None


def negative_share(tone: Any, segments: int, who: str = CONTACT) -> float | None:
    """Return in which share of the contact's `segments` there are negative words, by `results.quality.tone`.

    `who` is whom the document takes for the contact: the agent, where a person swapped the two. None where nobody counted them: other APIs document nothing of the kind.
    """
    counts = tone.get(who) if isinstance(tone, dict) else None
    negative = number(counts.get("negative")) if isinstance(counts, dict) else None
    if negative is None or not segments:
        return None
    return round(min(1.0, max(0.0, negative / segments)), 3)


def tone_in(document: Any) -> Any:
    """Return `results.quality.tone` of an API's document, None where it has none."""
    for name in ("results", "quality", "tone"):
        document = document.get(name) if isinstance(document, dict) else None
    return document
