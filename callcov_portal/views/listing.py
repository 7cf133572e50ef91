"""A page of a list of calls, and how the states on it stay live."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from callcov_portal.models import User
from callcov_portal.views.columns import columns_of
from callcov_portal.views.paging import Calls, capped_count, page_of
from callcov_portal.views.rows import Row, Stages, head_of, rows_of, stages_of, written


@dataclass(frozen=True)
class Live:
    """The rows of a page whose states still change, and a mark of what the page shows of them."""

    ids: str
    seen: str
    count: int


def live_of(rows: Sequence[Row], stages: Stages) -> Live | None:
    """Return which of the rows still change, or None when nothing does and asking again is of no use."""
    changing = [row for row in rows if row.is_live]
    if not changing:
        return None
    facts = []
    for row in changing:
        stage, fraction = stages.get(row.analysis, ("", 0.0))
        facts.append((row.pk, row.state, stage, round(fraction, 2)))
    seen = hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
    return Live(",".join(str(row.pk) for row in changing), seen, len(changing))


def list_context(
    calls: Calls, parameters: QueryDict, user: User | None = None, *, picks: bool = False, within: str | None = None
) -> dict[str, Any]:
    """Return what `recordings/_calls.html` shows: one page of these calls, as the URL's parameters say.

    The columns are those that `user` chose; with `picks` rows can be selected.
    `within` is what the page of a call is told of the list it was opened from: a query of the list of calls.
    """
    page = page_of(calls, parameters)
    rows = rows_of(page.numbers)
    stages = stages_of(rows)
    columns = columns_of(user.call_columns if user else ())
    query = clean_query(parameters)
    within = query if within is None else within
    return {
        "page": page,
        "head": head_of(tuple(columns), picks=picks),
        "rows": rows,
        "written": written(rows, stages, columns, picks=picks, within=within),
        "live": live_of(rows, stages),
        "picks": picks,
        "count": capped_count(calls, page),
        "query": query,
        "within": within,
    }


def clean_query(parameters: Mapping[str, Any] | QueryDict, without: tuple[str, ...] = ("before", "after")) -> str:
    """Return the parameters as a query string, without empty ones and those named."""
    lists = parameters.lists() if isinstance(parameters, QueryDict) else ((k, [v]) for k, v in parameters.items())
    pairs = [(name, value) for name, values in lists for value in values if value and name not in without]
    return urlencode(pairs)
