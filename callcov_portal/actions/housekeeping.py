"""Taking out what nobody needs any more."""

import shutil
import time
from contextlib import suppress
from datetime import timedelta

from django.utils import timezone

from callcov_portal.actions import batches, bulk, exporting, hosts, merging, pace, shelving, spending, storing
from callcov_portal.models import Delivery
from callcov_portal.parts import KEPT as KEPT_UPLOADS
from callcov_portal.uploads import incoming_folder

KEPT_DELIVERIES = timedelta(days=30)
TIDIED = "tidied"
TIDY_EVERY = timedelta(minutes=10)
A_MINUTE = 60.0  # in which a copy has certainly been locked


def tidy_if_due() -> bool:
    """Tidy up every ten minutes at most, whoever asks; True if it was done now."""
    if not pace.take_turn(TIDIED, TIDY_EVERY):
        return False
    tidy()
    return True


def tidy() -> None:
    """Take in what is all here, before anything is removed; then remove abandoned uploads and half exports, exports whose time is over, old deliveries and the old part of the log of calls."""
    batches.take_whole_parts()
    oldest = time.time() - KEPT_UPLOADS.total_seconds()
    for part in incoming_folder().glob("*.part"):
        with suppress(FileNotFoundError):  # its upload may end in this moment
            if part.stat().st_mtime < oldest:
                part.unlink()
    for folder in incoming_folder().glob(f"*{exporting.WORK_SUFFIX}"):  # whose worker was killed
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
    shelving.forget_copies(before=time.time() - A_MINUTE)
    batches.give_up_unfinished()
    if not storing.is_away():  # their files could not be removed, and nobody would remember them
        exporting.forget_expired(timezone.now())
    Delivery.objects.filter(received_at__lt=timezone.now() - KEPT_DELIVERIES).delete()
    pace.forget_old_calls()
    spending.forget_old(timezone.localdate())
    bulk.forget_old(timezone.now())
    merging.forget_old(timezone.now())
    hosts.forget_old(timezone.now())
