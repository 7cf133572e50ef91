"""The Celery application: the doorbell. What is due stands in the database, never in a message."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcov_portal.settings")

app = Celery("callcov_portal", include=["callcov_portal.pulse"])
app.config_from_object("django.conf:settings", namespace="CELERY")
# What no installation decides. Nothing of a message is worth keeping: a lost one is rung again by the next sweep.
app.conf.update(
    broker_connection_timeout=1.0,
    broker_connection_retry_on_startup=True,
    task_publish_retry=False,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_soft_shutdown_timeout=10.0,
    beat_scheduler="celery.beat:Scheduler",
    # Celery's own values of what every message asks for: to find them among the defaults is a third of a ring.
    task_always_eager=False,
    task_send_sent_event=False,
    task_repr_maxlevels=3,
    broker_pool_acquire_timeout=None,
)
app.autodiscover_tasks(["callcov_portal", "callcov_portal.engine"])

# Each role's beat sweeps its own rows. Sweeping twice is harmless, so any number of beats may run.
SWEEPS = {
    "portal": ("callcov_portal.tasks.sweep", 5.0),
    "engine": ("callcov_portal.engine.tasks.sweep", 5.0),
}
task, seconds = SWEEPS[os.environ.get("CALLCOV_ROLE", "portal")]
app.conf.beat_schedule = {"sweep": {"task": task, "schedule": seconds, "options": {"expires": 30}}}
