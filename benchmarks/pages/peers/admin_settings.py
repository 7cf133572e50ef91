"""Our settings with Django's admin in place of our pages: same database, sessions, middleware."""

from callcov_portal.settings import *  # noqa: F403
from callcov_portal.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = [*OURS, "django.contrib.admin"]
ROOT_URLCONF = "benchmarks.pages.peers.admin"
