"""Silences, holds and interruptions, as our engine lists them in `results.quality`; anything else gives none."""

from dataclasses import dataclass
from typing import Any

from callcov_portal.reading.generic import seconds_of
from callcov_portal.reading.gist import section
from callcov_portal.reading.ruled import second
from callcov_portal.reading.speakers import NAMED

KINDS = ("silence", "hold", "interruptions")
MOST = 300  # of one kind


@dataclass(frozen=True)
class Pause:
    """A stretch of one of KINDS; start and end in seconds. Of an interruption `speaker` is who cut in, else ""."""

    kind: str
    start: float
    end: float
    speaker: str = ""


def pauses(results: Any) -> list[Pause]:
    """Return the stretches of a result in order of time. Never raises, whatever shape it has."""
    quality = section(results, "quality")
    found = [pause for kind in KINDS for pause in listed(kind, section(quality, kind).get("instances"))]
    return sorted(found, key=lambda one: one.start)


def listed(kind: str, instances: Any) -> list[Pause]:
    """Return the instances that have a place."""
    found = []
    for item in instances[:MOST] if isinstance(instances, list) else []:
        start = seconds_of(item)
        if start is None:
            continue
        end, named = second(item.get("end")), item.get("speaker")
        who = NAMED.get(named.strip().casefold(), "") if isinstance(named, str) else ""
        found.append(Pause(kind, start, max(start, end if end is not None else start), who))
    return found
