"""Versions of the rule set: immutable, named by their content."""

from functools import lru_cache
from typing import Self

from django.conf import settings
from django.db import models

from callcov_portal.models.prepared import Prepared, prepared


class RuleVersionQuerySet(models.QuerySet["RuleVersion"]):
    """Questions about versions of the rule set."""

    def in_force(self) -> str:
        """Return the hash of the version that new analyses are checked by, "" while the built-in rules are."""
        found = newest_activated().rows()
        return str(found[0][0]) if found else ""

    def newest_first(self) -> Self:
        """Return all versions, the newest first."""
        return self.order_by("-created_at", "hash")


class RuleVersion(models.Model):
    """One text of the rule set. It is never changed or deleted; another text is another version.

    In force is the version that was activated last; without any, the rules built into the program are.
    """

    hash = models.CharField(max_length=64, primary_key=True)  # SHA-256 of the text, hexadecimal
    name = models.CharField(max_length=200)
    text = models.TextField()
    note = models.CharField(max_length=500, blank=True)  # why it was made
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    activated_at = models.DateTimeField(null=True, blank=True, db_index=True)

    objects = RuleVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "hash"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hash[:12]})"


@lru_cache(maxsize=1)
def newest_activated() -> Prepared:
    """Return the query for the hash of the version in force: every result asks it."""
    put = RuleVersion.objects.filter(activated_at__isnull=False).order_by("-activated_at")
    return prepared(put.values_list("hash")[:1])
