"""callcov_portal: a call-QA dashboard on top of the CallCov API."""

from callcov_portal.celery import app as celery_app

__version__ = "0.1.0"  # as in pyproject.toml

__all__ = ["__version__", "celery_app"]
