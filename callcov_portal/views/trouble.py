"""What every page must say: that nothing moves, why, and since when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from callcov_portal.actions import gateway, sweeping
from callcov_portal.models import Analysis, Signal
from callcov_portal.models.overview import signals

SILENCE = timedelta(seconds=60)  # a worker sweeps every few seconds


@dataclass(frozen=True)
class Trouble:
    """Why nothing moves: the cause in a few words, what it means, and since when."""

    cause: str
    text: str
    since: datetime | None


def trouble() -> Trouble | None:
    """Return what hinders all calls alike, the worker's silence before the API's trouble, or None."""
    found = signals(sweeping.SWEPT, gateway.TROUBLE)
    swept, refused = found.get(sweeping.SWEPT), found.get(gateway.TROUBLE)
    if is_silent(swept):
        since = swept.at if swept else None
        return Trouble(
            "The worker does not run:", "nothing is sent and no result is fetched. Calls wait; none is lost.", since
        )
    if refused:
        return Trouble("The API does not work:", f"{sentence(refused.text)} Calls wait; none is lost.", refused.at)
    return None


def is_silent(swept: Signal | None) -> bool:
    """Say whether the worker has stopped. One that never swept has, once something has been due for a minute."""
    limit = timezone.now() - SILENCE
    return swept.at < limit if swept else Analysis.objects.due(limit).exists()


def sentence(text: str) -> str:
    """Return the text with a full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
