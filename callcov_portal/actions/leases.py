"""Holding a row while working on it: the lease is renewed as long as the process lives."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import Error, connection
from django.utils import timezone

from callcov_portal.actions import schedule
from callcov_portal.models import Analysis

log = structlog.get_logger(__name__)


@contextmanager
def held(analysis: Analysis) -> Iterator[None]:
    """Renew the lease of a claimed analysis every few seconds while the block runs.

    A process that dies stops renewing, so that the row is due again within `schedule.LEASE`. Renewing only
    pushes the schedule further; a row that was finished meanwhile is left alone.
    """
    done = threading.Event()
    thread = threading.Thread(target=renew_until, args=(analysis, done), daemon=True, name=f"lease-{analysis.pk}")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def renew_until(analysis: Analysis, done: threading.Event) -> None:
    """Renew until `done` is set; a database that is away for a moment is tried again."""
    try:
        while not done.wait(schedule.RENEW_EVERY):
            if not renew(analysis):
                connection.close()  # a connection that broke stays broken; the next try opens another
    finally:
        connection.close()


def renew(analysis: Analysis) -> bool:
    """Push the lease once; False if the database is away.

    A row with no lease any more (it is finished, or due at once) stays as it is.
    """
    now = timezone.now()
    row = Analysis.objects.filter(pk=analysis.pk, next_attempt_at__gt=now)
    try:
        row.update(next_attempt_at=now + schedule.LEASE)
    except Error as error:
        log.warning("lease_not_renewed", analysis=str(analysis.pk), error=str(error))
        return False
    return True
