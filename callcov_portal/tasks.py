"""Doorbells: they wake a worker, and know nothing. What is due stands in the database."""

from uuid import UUID

import structlog
from celery import shared_task
from django.db import transaction

from callcov_portal.actions import advancing, housekeeping, sweeping

log = structlog.get_logger(__name__)

EXPIRES = 30.0  # seconds; the sweep rings again, so an old ring is worth nothing


@shared_task
def advance(analysis_id: str) -> None:
    """Do the next thing for one analysis, if it is due."""
    advancing.advance(UUID(analysis_id))


@shared_task
def sweep() -> None:
    """Ring for everything that is due."""
    for pk in sweeping.sweep():
        publish(pk)
    housekeeping.tidy_if_due()


def ring(pk: UUID | None) -> None:
    """Wake a worker for one analysis once the transaction is committed. Never raises: the sweep rings again."""
    if pk is not None:
        transaction.on_commit(lambda: publish(pk))


def publish(pk: UUID) -> None:
    """Send the message; a broker that is away costs a log line and a delay."""
    try:
        advance.apply_async((str(pk),), expires=EXPIRES, retry=False)
    except Exception as error:  # noqa: BLE001  whatever a broker raises must not reach a person's upload
        log.warning("bell_not_rung", analysis=str(pk), error=str(error))
