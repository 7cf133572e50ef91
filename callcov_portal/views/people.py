"""What agents and contacts have in common."""

from typing import Any

from django.db.models import Q, QuerySet

from callcov_portal.models.people import key_of


def matching(people: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Return those whose identifier or name contains the text, without regard to case."""
    return people.filter(Q(key__contains=key_of(text)) | Q(name__icontains=text)) if text else people
