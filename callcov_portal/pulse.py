"""How a worker shows the supervisor that it still hears its broker, and the beat that it still ticks.

`serve` names each worker in CALLCOV_PULSE. Such a worker also consumes a private queue of that name; every task that
it takes from any queue, the supervisor's `pulse` among them, rewrites `<data dir>/run/<name>.pulse`. Without
CALLCOV_PULSE (a worker started by hand) nothing here does anything.
"""

import os
import threading
from pathlib import Path
from typing import Any

from celery import shared_task
from celery.beat import Scheduler
from celery.signals import beat_embedded_init, celeryd_after_setup, task_postrun, task_prerun
from django.conf import settings
from kombu import Queue

from callcov_portal.launch import die_with_parent

EXPIRES = 30  # seconds after which an unread pulse is thrown away
running = 0
lock = threading.Lock()


def run_file(name: str) -> Path:
    """Return the path in the data folder's `run`, which exists from `setup` on."""
    folder: Path = settings.CALLCOV_DATA_DIR / "run"
    return folder / name


def queue(name: str) -> Queue:
    """Return the private queue of the worker `name`; RabbitMQ drops it five minutes after the worker's end."""
    return Queue(f"pulse-{name}", routing_key=f"pulse-{name}", expires=300)


def send(name: str) -> None:
    """Ask the worker `name` for a sign of life; raises what the broker's library raises when it is away."""
    pulse.apply_async(queue=queue(name), expires=EXPIRES, retry=False)


@shared_task(name="callcov_portal.pulse.pulse", ignore_result=True, acks_late=False)
def pulse() -> None:
    """Do nothing: that it runs is the answer (see `count`)."""


@celeryd_after_setup.connect
def listen(instance: Any, **_: Any) -> None:
    """Let a worker of `serve` consume its private queue too."""
    if name := os.environ.get("CALLCOV_PULSE"):
        instance.app.amqp.queues.select_add(queue(name))


@task_prerun.connect
def task_starts(**_: Any) -> None:
    """One more is running."""
    count(+1)


@task_postrun.connect
def task_ends(**_: Any) -> None:
    """One fewer is running, however it ended."""
    count(-1)


def count(change: int) -> None:
    """Note that a task starts (+1) or ends (-1), and write the number of running ones to the pulse file."""
    global running  # noqa: PLW0603  one count per worker process, under the lock
    with lock:
        running = max(0, running + change)
        if name := os.environ.get("CALLCOV_PULSE"):
            run_file(f"{name}.pulse").write_text(f"{running}\n")


@beat_embedded_init.connect
def beat_dies_with_its_worker(**_: Any) -> None:
    """The embedded beat is a forked child of the worker; a killed worker must not leave it behind."""
    if "CALLCOV_SUPERVISED" in os.environ:
        die_with_parent()


class TickingScheduler(Scheduler):
    """Celery's in-memory scheduler, which shows on `<data dir>/run/<name>.tick` that it is awake."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if name := os.environ.get("CALLCOV_PULSE"):
            run_file(f"{name}.tick").write_text("tick\n")
        seconds: float = super().tick(*args, **kwargs)
        return seconds

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due, and write down whether that could be done: every page says when it cannot."""
        from callcov_portal.actions import bell  # noqa: PLC0415  Django's models are ready only now

        try:
            sent = super().apply_async(*args, **kwargs)
        except Exception as error:
            bell.note_trouble(error)
            raise
        bell.note_rung()
        return sent
