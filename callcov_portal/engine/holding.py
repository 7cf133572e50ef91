"""Holding a job while working on it: the lease is renewed, and progress shown, by a thread of its own."""

import logging
import threading
import time
import uuid
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection
from django.utils import timezone

from callcov_portal.engine.models import LEASE, Job

logger = logging.getLogger(__name__)
TICK = 2.0  # seconds between two looks whether there is progress to show

# Set when this process is told to end: work in hand is given back, nothing new is begun.
stopping = threading.Event()


class Hold:
    """A lease on a job, as a context: renewed every third of its length, until the block ends or it is lost.

    `progress` and `cancelled` are what the recogniser asks for; both may be called from any thread.
    """

    def __init__(self, job: Job, owner: uuid.UUID) -> None:
        self.pk, self.owner = job.pk, owner
        self.lost = threading.Event()
        self.ended = threading.Event()
        self.standing: tuple[str, float] = ("", 0.0)
        self.written = self.standing
        self.renewed = time.monotonic()
        self.thread = threading.Thread(target=self.keep, name=f"hold-{job.pk}", daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self.thread.join()

    def progress(self, stage: str, fraction: float) -> None:
        """Say what is being done and how far it is, 0 to 1."""
        self.standing = (stage[:40], min(1.0, max(0.0, fraction)))

    def cancelled(self) -> bool:
        """Say whether to stop: the lease was lost or this process is to end."""
        return self.lost.is_set() or stopping.is_set()

    def keep(self) -> None:
        """Renew until the end; a database that does not answer costs the lease at worst."""
        try:
            while not self.lost.is_set() and not self.ended.wait(TICK):
                if self.standing != self.written or time.monotonic() - self.renewed > LEASE.total_seconds() / 3:
                    self.renew()
        finally:
            connection.close()

    def renew(self) -> None:
        """Push the lease ahead and show the progress; notice if the job is no longer ours."""
        stage, fraction = standing = self.standing
        try:
            mine = Job.objects.held(self.pk, self.owner).update(
                next_attempt_at=timezone.now() + LEASE, stage=stage, fraction=fraction
            )
        except DatabaseError:
            logger.warning("The lease of job %s could not be renewed.", self.pk, exc_info=True)
            connection.close()  # a connection that broke stays broken; the next try opens another
            return
        self.written, self.renewed = standing, time.monotonic()
        if not mine:
            self.lost.set()
