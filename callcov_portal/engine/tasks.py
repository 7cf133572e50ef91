"""Doorbells of the engine: they say "now", the rows say what."""

import logging
import uuid
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.db import transaction
from django.utils import timezone

from callcov_portal.engine import callbacks, holding, housekeeping, pipeline
from callcov_portal.engine.models import Callback, Job

logger = logging.getLogger(__name__)
EXPIRES = 30  # seconds; the sweep rings again, so an old ring is worth nothing
AT_ONCE = 10  # rings per sweep and kind: more than there are workers to hear them is noise


@shared_task
def work(pk: str) -> None:
    """Do the next step of a job, if it is due; then ring for what follows from it and for who waits next."""
    if pipeline.advance(uuid.UUID(pk)):
        ring(call_back, uuid.UUID(pk))
        ring_for_jobs(1)


@shared_task
def call_back(pk: str) -> None:
    """Make an attempt at a job's call-back, if one is due; then ring for the one that waits next."""
    if callbacks.deliver(uuid.UUID(pk)):
        ring_for_callbacks(1)


@shared_task
def sweep() -> None:
    """Ring for everything that is due, whatever became of its own bell, and tidy up now and then."""
    ring_for_jobs(AT_ONCE)
    ring_for_callbacks(AT_ONCE)
    housekeeping.tidy_now_and_then()


def ring_for_jobs(number: int) -> None:
    """Ring for the jobs that have been due the longest: of those to be heard, and of those to be fetched."""
    due = Job.objects.due(timezone.now()).values_list("pk", flat=True)
    for pk in [*due.exclude(audio_file="")[:number], *due.filter(audio_file="")[:number]]:
        ring(work, pk)


def ring_for_callbacks(number: int) -> None:
    """Ring for the call-backs that have been due the longest."""
    for pk in Callback.objects.due(timezone.now()).values_list("pk", flat=True)[:number]:
        ring(call_back, pk)


def ring(task: Any, pk: uuid.UUID) -> None:
    """Wake a worker for one row once the transaction is committed. Never raises: the sweep rings again."""

    def send() -> None:
        try:
            task.apply_async((str(pk),), expires=EXPIRES, retry=False)
        except Exception as error:  # noqa: BLE001  whatever a broker raises must not reach the caller
            logger.warning("The bell for job %s was not rung: %s", pk, error)

    transaction.on_commit(send)


@worker_shutting_down.connect
def stop(**_: Any) -> None:
    """Have work in hand given back at once, not found again when its lease has run out."""
    holding.stopping.set()
