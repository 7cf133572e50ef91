"""What a user keeps of the list of calls: views under a name, and the columns."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from callcov_portal.models import SavedView, User
from callcov_portal.models.saved_view import NAME_LENGTH, QUERY_LENGTH


class NotSaved(Exception):
    """A view was not kept, or not changed; says why in one sentence."""


def save_view(user: User, name: str, query: str, *, is_shared: bool) -> SavedView:
    """Keep filters under a name; an own view of that name then holds these. Only a lead's views are shared.

    Raises `NotSaved` for filters too long to keep.
    """
    if len(query) > QUERY_LENGTH:
        raise NotSaved("These are too many filters to keep. Name fewer calls one by one.")
    values = {"query": query, "is_shared": is_shared and user.is_lead}
    return SavedView.objects.update_or_create(owner=user, name=name[:NAME_LENGTH], defaults=values)[0]


def change_view(view: SavedView, user: User, name: str, *, is_shared: bool) -> None:
    """Rename a view, and share it or not; raises `NotSaved` if its owner has another one of that name."""
    values = {"name": name[:NAME_LENGTH], "is_shared": is_shared if user.is_lead else view.is_shared}
    try:
        with transaction.atomic():
            SavedView.objects.filter(pk=view.pk).update(**values)
    except IntegrityError as error:
        raise NotSaved(f"There is a view named {name} already.") from error


def keep_columns(user: User, keys: Sequence[str]) -> None:
    """Keep which columns a user sees, in their order; none means the usual ones."""
    user.call_columns = list(keys)
    user.save(update_fields=["call_columns"])
