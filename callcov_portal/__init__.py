"""callcov_portal: a call-QA dashboard on top of the CallCov API."""

from callcov_portal.celery import app as celery_app

__all__ = ["celery_app"]
