"""What a day's analyses cost in requests: counted where the calls themselves are written down."""

from datetime import date, timedelta

from django.utils import timezone

from callcov_portal.models import Spending
from callcov_portal.models.prepared import done


def count(*, requests: int = 0, submissions: int = 0, completed: int = 0) -> None:
    """Add to today's counts, in the caller's transaction."""
    if requests or submissions or completed:
        done(COUNT, [timezone.localdate(), requests, submissions, completed])


TABLE = Spending._meta.db_table
COUNT = f"""
    INSERT INTO {TABLE} (day, requests, submissions, completed) VALUES (%s, %s, %s, %s)
    ON CONFLICT (day) DO UPDATE SET requests = {TABLE}.requests + excluded.requests,
    submissions = {TABLE}.submissions + excluded.submissions, completed = {TABLE}.completed + excluded.completed
"""  # noqa: S608


def forget_old(today: date) -> None:
    """Remove the counts of days that nobody asks about any more."""
    Spending.objects.filter(day__lt=today - timedelta(days=400)).delete()
