"""WSGI entry of the embedded engine: the same settings in the engine's role."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcov_portal.settings")
os.environ["CALLCOV_ROLE"] = "engine"

application = get_wsgi_application()
