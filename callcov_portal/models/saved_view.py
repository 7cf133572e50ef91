"""A saved view: filters of the list of calls under a name."""

from functools import lru_cache
from typing import NamedTuple, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from callcov_portal.models.people import User
from callcov_portal.models.prepared import Prepared, prepared

NAME_LENGTH = 60
QUERY_LENGTH = 4000


class Tab(NamedTuple):
    """What the list of calls shows of a view."""

    name: str
    query: str
    is_shared: bool


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Who sees which views, and who may change them."""

    def seen_by(self, user: User) -> list[Tab]:
        """Return a user's own views and those that are shared, by name."""
        return [Tab(*row) for row in seen().rows([user.pk])]

    def changed_by(self, user: User) -> Self:
        """Return the views that a user may rename and delete: the own ones, and for a lead the shared ones."""
        return self.filter(Q(owner=user) | Q(is_shared=True)) if user.is_lead else self.filter(owner=user)


class SavedView(models.Model):
    """Filters under a name; `query` is the query string of the list's address, without a page."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=NAME_LENGTH)
    query = models.CharField(max_length=QUERY_LENGTH, blank=True)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint("owner", "name", name="saved_view_name_once")]

    def __str__(self) -> str:
        return self.name


@lru_cache(maxsize=1)
def seen() -> Prepared:
    """Return the query of the views that somebody sees: every list of calls asks it."""
    rows = SavedView.objects.filter(Q(owner=0) | Q(is_shared=True)).order_by("name", "pk")
    return prepared(rows.values_list(*Tab._fields))
