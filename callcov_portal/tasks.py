"""Doorbells: they wake a worker, and know nothing. What is due stands in the database."""

from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from django.db import transaction
from django.utils import timezone

from callcov_portal import choosing
from callcov_portal.actions import (
    advancing,
    bulk,
    drawing,
    errands,
    exporting,
    housekeeping,
    indexing,
    muting,
    recounting,
    scheduling,
    sweeping,
)

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
def index() -> None:
    """Take the words of some calls into the index; then ring for the next ones."""
    if indexing.index():
        send(index)


@shared_task
def work_on(job_id: str) -> None:
    """Do a bit of one act on many calls, then ring for the next bit."""
    if bulk.work(UUID(job_id)):
        send(work_on, job_id)


@shared_task
def draw(number: int) -> None:
    """Make the waveform of one recording, if it is due; then ring for the next one."""
    if drawing.draw(number):
        draw_next()


@shared_task
def make_export(pk: int) -> None:
    """Make one export, if it is due; then ring for the one that is due longest."""
    if exporting.make(pk, choosing.calls_of):
        for following in exporting.due(timezone.now())[:1]:
            send(make_export, following)


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
    if indexing.is_due():
        send(index)
    for job in bulk.due(timezone.now()):
        send(work_on, str(job))
    draw_next()
    scheduling.make_due(timezone.now())
    for export in exporting.due(timezone.now()):
        send(make_export, export)
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


def ring_bulk(pk: UUID) -> None:
    """Wake a worker for an act on many calls once the transaction is committed. Never raises."""
    transaction.on_commit(lambda: send(work_on, str(pk)))


def draw_next() -> None:
    """Ring for the newest recording that is to be drawn."""
    number = drawing.next_due(timezone.now())
    if number is not None:
        send(draw, number)


def ring_drawing(number: int) -> None:
    """Wake a worker for one waveform once the transaction is committed. Never raises."""
    transaction.on_commit(lambda: send(draw, number))


def ring_export(pk: int) -> None:
    """Wake a worker for one export once the transaction is committed. Never raises."""
    transaction.on_commit(lambda: send(make_export, pk))


def ring_errand(number: int) -> None:
    """Wake a worker for one errand once the transaction is committed. Never raises."""
    transaction.on_commit(lambda: send(go_on, number))


def publish(pk: UUID) -> None:
    """Send the message about one analysis."""
    send(advance, str(pk))


def send(task: Any, *arguments: str | int) -> None:
    """Send a message; a broker that is away costs a log line and a delay."""
    try:
        task.apply_async(arguments, expires=EXPIRES, retry=False)
    except Exception as error:  # noqa: BLE001  whatever a broker raises must not reach a person's upload
        log.warning("bell_not_rung", task=task.name, arguments=[*map(str, arguments)], error=str(error))
