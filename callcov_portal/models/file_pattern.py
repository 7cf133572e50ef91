"""A pattern by which the names of files are read, kept for a team or for all."""

from django.db import models

from callcov_portal.models.people import TEAM_LENGTH


class FilePattern(models.Model):
    """One pattern (reading/patterns.py); of a team's, the first by position that fits a name reads it."""

    team = models.CharField(max_length=TEAM_LENGTH, blank=True)  # "" for all
    name = models.CharField(max_length=100)
    pattern = models.CharField(max_length=300)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["team", "position", "id"]

    def __str__(self) -> str:
        return self.name
