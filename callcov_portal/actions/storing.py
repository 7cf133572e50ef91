"""Whether the storage answers, where it is a bucket: a worker asks now and then, pages only read what it was told."""

import threading
from datetime import timedelta

import structlog
from django.utils import timezone

from callcov_portal.actions import pace
from callcov_portal.models import Signal
from callcov_portal.storage import StorageAway, bucket, is_folder

log = structlog.get_logger(__name__)

TURN = "storage_turn"
ANSWER = "storage_answer"  # the last time it let us in
TROUBLE = "storage_trouble"  # why it does not, since when; gone when it does again
EVERY = timedelta(seconds=20)
LOOKING = threading.BoundedSemaphore(1)  # of a worker's threads; an answer may take longer than until the next turn


def take_turn() -> bool:
    """Say whether to ask now; of all workers one does, and of a folder nobody."""
    return not is_folder() and pace.take_turn(TURN, EVERY)


def look() -> None:
    """Ask the storage whether it lets us in, and write down what came of it. Never raises `StorageAway`.

    Nothing happens while another thread of this process is at it.
    """
    if LOOKING.acquire(blocking=False):
        try:
            ask()
        finally:
            LOOKING.release()


def is_away() -> bool:
    """Say whether the storage did not let us in when it was last asked."""
    return not is_folder() and Signal.objects.filter(name=TROUBLE).exists()


def require() -> None:
    """Raise `StorageAway` if the storage was away and still is: before work that would be in vain without it."""
    if is_away():
        bucket().look()


def ask() -> None:
    """Do what `look` promises."""
    now = timezone.now()
    try:
        bucket().look()
    except StorageAway as error:
        log.warning("storage_away", error=str(error))
        trouble, is_new = Signal.objects.get_or_create(name=TROUBLE, defaults={"at": now, "text": str(error)[:500]})
        if not is_new and trouble.text != str(error)[:500]:
            Signal.objects.filter(name=TROUBLE).update(text=str(error)[:500])
    else:
        Signal.objects.update_or_create(name=ANSWER, defaults={"at": now})
        Signal.objects.filter(name=TROUBLE).delete()
