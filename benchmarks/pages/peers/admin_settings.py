"""Our settings with Django's admin in place of our pages: same database, sessions, middleware."""

from callcov_portal.settings import *  # noqa: F403
from callcov_portal.settings import INSTALLED_APPS as OURS
from callcov_portal.settings import STORAGES as STORED

INSTALLED_APPS = [*OURS, "django.contrib.admin"]
# Its static files were not collected; plain names cost it less than looking them up would.
STORAGES = {**STORED, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
ROOT_URLCONF = "benchmarks.pages.peers.admin"
