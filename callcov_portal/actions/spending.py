"""What a day's analyses cost in requests: counted where the calls themselves are written down."""

from datetime import date, timedelta

from django.db.models import F
from django.utils import timezone

from callcov_portal.models import Spending


def count(*, requests: int = 0, submissions: int = 0, completed: int = 0) -> None:
    """Add to today's counts, in the caller's transaction."""
    added = {"requests": requests, "submissions": submissions, "completed": completed}
    today = timezone.localdate()
    rows = Spending.objects.filter(day=today)
    values = {name: F(name) + number for name, number in added.items() if number}
    if not values or rows.update(**values):
        return
    Spending.objects.get_or_create(day=today)
    rows.update(**values)


def forget_old(today: date) -> None:
    """Remove the counts of days that nobody asks about any more."""
    Spending.objects.filter(day__lt=today - timedelta(days=400)).delete()
