"""Which calls a query string chooses, for what is made later or elsewhere than in a request."""

from django.db.models import QuerySet
from django.http import QueryDict

from callcov_portal.exports import NotPossible
from callcov_portal.filters import CallFilter
from callcov_portal.models import Recording


def calls_of(query: str | QueryDict) -> QuerySet[Recording]:
    """Return the calls that the parameters of the page of calls choose; others are passed over.

    Raises `NotPossible` for a filter that cannot be read: all calls instead of a few would go unnoticed.
    """
    parameters = QueryDict(query) if isinstance(query, str) else query
    filters = CallFilter(parameters)
    if not filters.is_valid():
        named = "; ".join(f"{name}: {' '.join(map(str, errors))}" for name, errors in filters.errors.items())
        raise NotPossible(f"A filter of this export cannot be read ({named}). Set it again on the page of calls.")
    chosen: QuerySet[Recording] = filters.qs
    return chosen


def filters_of(parameters: QueryDict) -> str:
    """Return the part of the parameters that chooses calls as a query string, without empty ones."""
    kept = parameters.copy()
    for name in parameters:
        if name not in CallFilter.base_fields:
            del kept[name]
        else:
            kept.setlist(name, [value for value in kept.getlist(name) if value])
    return kept.urlencode()
