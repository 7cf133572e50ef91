"""WSGI entry of the portal."""

import os

from django.core.wsgi import get_wsgi_application

from callcov_portal.bodies import in_one_piece, whole_bodies
from callcov_portal.launch import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcov_portal.settings")

if "CALLCOV_SUPERVISED" in os.environ:  # granian forks its worker: a killed granian must not leave it behind
    die_with_parent()

django = get_wsgi_application()

from callcov_portal.views.straight import straight_to_sound  # noqa: E402  models wait for Django's set-up

application = straight_to_sound(in_one_piece(whole_bodies(django)))
