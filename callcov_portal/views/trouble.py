"""What every page must say: that nothing moves, why, and since when."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from callcov_portal.actions import bell, gateway, storing, sweeping
from callcov_portal.models import Analysis, Signal
from callcov_portal.models.overview import signals
from callcov_portal.storage import is_folder
from callcov_portal.uploads import KEEP_FREE_BYTES

LITTLE_ROOM = 5 * KEEP_FREE_BYTES
SILENCE = timedelta(seconds=60)  # a worker sweeps every few seconds


@dataclass(frozen=True)
class Trouble:
    """Why nothing moves: the cause in a few words, what it means, and since when."""

    cause: str
    text: str
    since: datetime | None


def trouble() -> Trouble | None:
    """Return what hinders all calls alike, or None: of several troubles the one that explains the others.

    One query, and one question about the disk.
    """
    found = signals(sweeping.SWEPT, gateway.TROUBLE, bell.TROUBLE, storing.TROUBLE)
    free = room_left()
    alike = broker_trouble(found) or worker_trouble(found) or full_disk(free) or storage_trouble(found)
    return alike or api_trouble(found) or little_room(free)


def broker_trouble(found: Mapping[str, Signal]) -> Trouble | None:
    """Return that no message can be sent, as long as that was found out lately."""
    mute = found.get(bell.TROUBLE)
    if mute is None or mute.until is None or mute.until < timezone.now():
        return None
    text = "the worker hears of nothing. Calls wait; none is lost. Look after the broker (CALLCOV_BROKER_URL)."
    return Trouble("The broker cannot be reached:", text, mute.at)


def worker_trouble(found: Mapping[str, Signal]) -> Trouble | None:
    """Return that no worker sweeps."""
    swept = found.get(sweeping.SWEPT)
    if not is_silent(swept):
        return None
    text = "nothing is sent and no result is fetched. Calls wait; none is lost."
    return Trouble("The worker does not run:", text, swept.at if swept else None)


def api_trouble(found: Mapping[str, Signal]) -> Trouble | None:
    """Return why the API does not work."""
    refused = found.get(gateway.TROUBLE)
    if refused is None:
        return None
    return Trouble("The API does not work:", f"{sentence(refused.text)} Calls wait; none is lost.", refused.at)


def full_disk(free: int) -> Trouble | None:
    """Return that no file can be taken."""
    if free >= KEEP_FREE_BYTES:
        return None
    return Trouble("The disk is full:", "no file is taken until there is room. What is there already goes on.", None)


def storage_trouble(found: Mapping[str, Signal]) -> Trouble | None:
    """Return that the bucket does not answer; of one that is not used any more nobody hears."""
    away = found.get(storing.TROUBLE)
    if away is None or is_folder():
        return None
    text = "no file is taken, and no call is heard. Calls wait; none is lost. The page Status says why."
    return Trouble("The storage for recordings does not answer:", text, away.at)


def little_room(free: int) -> Trouble | None:
    """Return that the disk will be full soon."""
    if free >= LITTLE_ROOM:
        return None
    return Trouble(
        "The disk is nearly full:", f"{free // 1_000_000} MB are free. Make room before files are refused.", None
    )


def room_left() -> int:
    """Return how many bytes the disk of the data folder has free."""
    return shutil.disk_usage(settings.CALLCOV_DATA_DIR).free


def is_silent(swept: Signal | None) -> bool:
    """Say whether the worker has stopped. One that never swept has, once something has been due for a minute."""
    limit = timezone.now() - SILENCE
    return swept.at < limit if swept else Analysis.objects.due(limit).exists()


def sentence(text: str) -> str:
    """Return the text with a full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
