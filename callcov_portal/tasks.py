"""Doorbells: they wake a worker, and know nothing. What is due stands in the database."""

from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from django.db import transaction
from django.utils import timezone

from callcov_portal.actions import advancing, errands, housekeeping, muting, recounting, sweeping

log = structlog.get_logger(__name__)

EXPIRES = 30.0  # seconds; the sweep rings again, so an old ring is worth nothing


@shared_task
def advance(analysis_id: str) -> None:
    """Do the next thing for one analysis, if it is due."""
    advancing.advance(UUID(analysis_id))


@shared_task
def mute(number: int) -> None:
    """Make the muted copy of one recording, if it is due; then ring for the one that is due longest."""
    if muting.mute(number):
        for following in muting.due(timezone.now())[:1]:
            send(mute, following)


@shared_task
def go_on(number: int) -> None:
    """Go on with one errand, if it is due; ring again while there is more of it."""
    if errands.go_on(number):
        send(go_on, number)


@shared_task
def sweep() -> None:
    """Ring for everything that is due."""
    for pk in sweeping.sweep():
        publish(pk)
    for number in muting.due(timezone.now()):
        send(mute, number)
    for number in errands.due():
        send(go_on, number)
    housekeeping.tidy_if_due()
    recounting.catch_up()


def ring(pk: UUID | None) -> None:
    """Wake a worker for one analysis once the transaction is committed. Never raises: the sweep rings again."""
    if pk is not None:
        transaction.on_commit(lambda: publish(pk))


def ring_muting(number: int) -> None:
    """Wake a worker for one muted copy once the transaction is committed. Never raises."""
    transaction.on_commit(lambda: send(mute, number))


def ring_errand(number: int) -> None:
    """Wake a worker for one errand once the transaction is committed. Never raises."""
    transaction.on_commit(lambda: send(go_on, number))


def publish(pk: UUID) -> None:
    """Send the message about one analysis."""
    send(advance, str(pk))


def send(task: Any, argument: str | int) -> None:
    """Send a message; a broker that is away costs a log line and a delay."""
    try:
        task.apply_async((argument,), expires=EXPIRES, retry=False)
    except Exception as error:  # noqa: BLE001  whatever a broker raises must not reach a person's upload
        log.warning("bell_not_rung", task=task.name, argument=str(argument), error=str(error))
