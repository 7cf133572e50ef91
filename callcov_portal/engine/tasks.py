"""Doorbells of the engine: they say "now", the rows say what."""

import logging
import uuid
from typing import Any

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from callcov_portal.engine import callbacks, housekeeping, pipeline
from callcov_portal.engine.models import Callback, Job

logger = logging.getLogger(__name__)
AT_ONCE = 10  # rings per sweep and kind: more than there are workers to hear them is noise


def ring(task: Any, pk: uuid.UUID) -> None:
    """Ask a worker to look at a row, once the transaction has committed. A bell that fails is logged: the sweep rings again."""

    def send() -> None:
        try:
            task.apply_async((str(pk),), expires=30, retry=False)
        except Exception as error:  # noqa: BLE001  a dead broker must not become anybody's error
            logger.warning("The bell did not ring for %s: %s", pk, error)

    transaction.on_commit(send, robust=True)


@shared_task
def work(pk: str) -> None:
    """Do the next step of a job; then ring for what follows from it."""
    if pipeline.advance(uuid.UUID(pk)):
        ring(call_back, uuid.UUID(pk))
        ring_for_jobs(1)


@shared_task
def call_back(pk: str) -> None:
    """Tell a job's webhook that it is final."""
    callbacks.deliver(uuid.UUID(pk))


@shared_task
def sweep() -> None:
    """Ring for everything that is due, whatever became of its own bell, and tidy up now and then."""
    ring_for_jobs(AT_ONCE)
    for pk in Callback.objects.due(timezone.now()).values_list("pk", flat=True)[:AT_ONCE]:
        ring(call_back, pk)
    housekeeping.tidy_now_and_then()


def ring_for_jobs(number: int) -> None:
    """Ring for the jobs that have been due the longest."""
    for pk in Job.objects.due(timezone.now()).values_list("pk", flat=True)[:number]:
        ring(work, pk)
