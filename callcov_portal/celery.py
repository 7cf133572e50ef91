"""The Celery application: the doorbell. What is due stands in the database, never in a message."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcov_portal.settings")

app = Celery("callcov_portal", include=["callcov_portal.pulse"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["callcov_portal", "callcov_portal.engine"])

# Each role's beat sweeps its own rows. Sweeping twice is harmless, so any number of beats may run.
SWEEPS = {
    "portal": ("callcov_portal.tasks.sweep", 5.0),
    "engine": ("callcov_portal.engine.tasks.sweep", 5.0),
}
task, seconds = SWEEPS[os.environ.get("CALLCOV_ROLE", "portal")]
app.conf.beat_schedule = {"sweep": {"task": task, "schedule": seconds, "options": {"expires": 30}}}
