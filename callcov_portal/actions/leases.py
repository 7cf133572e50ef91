"""Holding a row while working on it: the lease is renewed as long as the process lives."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import Error, connection, connections
from django.utils import timezone

from callcov_portal.actions import schedule
from callcov_portal.models import Analysis

log = structlog.get_logger(__name__)


@contextmanager
def held(analysis: Analysis) -> Iterator[None]:
    """Renew the lease of a claimed analysis every few seconds while the block runs."""
    with kept(lambda: renew(analysis), f"lease-{analysis.pk}"):
        yield


@contextmanager
def kept(renewal: Callable[[], bool], name: str) -> Iterator[None]:
    """Renew a lease every few seconds while the block runs; `renewal` says whether it could.

    A process that dies stops renewing, so that the row is due again within `schedule.LEASE`. Renewing only
    pushes the schedule further; a row that was finished meanwhile is left alone.
    """
    done = threading.Event()
    thread = threading.Thread(target=renew_until, args=(renewal, done), daemon=True, name=name)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def renew_until(renewal: Callable[[], bool], done: threading.Event) -> None:
    """Renew until `done` is set; a database that is away for a moment is tried again."""
    try:
        while not done.wait(schedule.RENEW_EVERY):
            if not renewal():
                connection.close()  # a connection that broke stays broken; the next try opens another
    finally:
        connections.close_all()  # this thread's, if it has one: most work is done before the first renewal


def renew(analysis: Analysis) -> bool:
    """Push the lease of an analysis once; False if the database is away.

    A row with no lease any more (it is finished, or due at once) stays as it is.
    """
    now = timezone.now()
    row = Analysis.objects.filter(pk=analysis.pk, next_attempt_at__gt=now)
    return pushed(lambda: row.update(next_attempt_at=now + schedule.LEASE), f"lease-{analysis.pk}")


def pushed(push: Callable[[], object], name: str) -> bool:
    """Push a lease; False, and a line in the log, if the database is away."""
    try:
        push()
    except Error as error:
        log.warning("lease_not_renewed", lease=name, error=str(error))
        return False
    return True
