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
    bell,
    bulk,
    chores,
    collecting,
    drawing,
    exporting,
    fetching,
    housekeeping,
    importing,
    indexing,
    merging,
    muting,
    recognising,
    recounting,
    scheduling,
    storing,
    sweeping,
    turns,
)
from callcov_portal.actions.chores import Kind

log = structlog.get_logger(__name__)

EXPIRES = 30.0  # seconds; the sweep rings again, so an old ring is worth nothing
# What the sweep rings for, beside analyses and the index of words.
KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        muting.KIND,
        recognising.KIND,
        drawing.KIND,
        exporting.kind(choosing.calls_of),
        bulk.KIND,
        merging.KIND,
        importing.KIND,
    )
}


@shared_task
def advance(analysis_id: str) -> None:
    """Do the next thing for one analysis, if it is due."""
    advancing.advance(UUID(analysis_id))
    ring_next(recognising.KIND.name, 1)  # what came with it, while this was compared with other calls


@shared_task
def send_next() -> None:
    """Wait for room, and send what is most urgent then; before that takes its time, ring for the next one."""
    if turn := turns.stand():
        send(send_next)
        turns.send(turn)


@shared_task
def fetch_next() -> None:
    """Fetch the copy of one link; then ring for the next one."""
    if turns.fetch():
        send(fetch_next)
        ring_next(recognising.KIND.name, 1)


@shared_task
def collect(offset: int = 0) -> None:
    """Take the results out of one page of the API's list; then ring for the next page."""
    following = collecting.collect(offset)
    if following is not None:
        send(collect, following)


@shared_task
def chore(kind: str, pk: str) -> None:
    """Have a turn at one chore, if it is due; then ring for the one of its kind that is next."""
    if chores.work(KINDS[kind], pk):
        ring_next(kind, 1)
        if kind == recognising.KIND.name:
            send(send_next)


@shared_task
def index() -> None:
    """Take the words of some calls into the index; then ring for the next ones."""
    if indexing.index():
        send(index)


@shared_task
def look_at_storage() -> None:
    """Ask the storage whether it lets us in."""
    storing.look()


@shared_task
def sweep() -> None:
    """Ring for everything that is due."""
    for pk in sweeping.sweep():
        publish(pk)
    if collecting.take_turn():
        send(collect)
    if turns.waiting(for_a_copy=False):
        send(send_next)
    if turns.waiting(for_a_copy=True):
        for _ in range(fetching.MOST_AT_ONCE):
            send(fetch_next)
    if indexing.is_due():
        send(index)
    if storing.take_turn():
        send(look_at_storage)
    scheduling.make_due(timezone.now())
    for name, kind in KINDS.items():
        ring_next(name, kind.at_once)
    housekeeping.tidy_if_due()
    recounting.catch_up()


def ring(pk: UUID | None) -> None:
    """Wake a worker for one analysis once the transaction is committed. Never raises: the sweep rings again."""
    if pk is not None:
        transaction.on_commit(lambda: publish(pk))


def ring_chore(kind: str, pk: object) -> None:
    """Wake a worker for one chore once the transaction is committed. Never raises: the sweep rings again."""
    transaction.on_commit(lambda: send(chore, kind, str(pk)))


def ring_next(kind: str, most: int) -> None:
    """Wake workers for the chores of a kind that are next."""
    for pk in KINDS[kind].next(timezone.now(), most):
        send(chore, kind, str(pk))


def publish(pk: UUID) -> None:
    """Send the message about one analysis."""
    send(advance, str(pk))


def send(task: Any, *arguments: str | int) -> None:
    """Send a message; a broker that is away costs a log line and a delay."""
    try:
        task.apply_async(arguments, expires=EXPIRES, retry=False)
    except Exception as error:  # noqa: BLE001  whatever a broker raises must not reach a person's upload
        log.warning("bell_not_rung", task=task.name, arguments=[*map(str, arguments)], error=str(error))
        bell.note_trouble(error)
