"""WSGI entry of the portal."""

import os

from django.core.wsgi import get_wsgi_application

from callcov_portal.launch import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcov_portal.settings")

if "CALLCOV_SUPERVISED" in os.environ:  # granian forks its worker: a killed granian must not leave it behind
    die_with_parent()

django = get_wsgi_application()

from callcov_portal.views.straight import portal  # noqa: E402  it reads models, which wait for Django's set-up

application = portal(django)
