"""What a row has that a worker is to do something about."""

from django.db import models


class Chore(models.Model):
    """A row that is due some time: `actions/chores.py` has it done, by one worker at a time.

    `due_at` is the next try, and the lease of whoever is at it; NULL when nothing is to be done, or nothing can be.
    """

    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)  # begun, since it last got on or a person asked
    detail = models.TextField(blank=True)  # the last trouble in words for people

    class Meta:
        abstract = True
