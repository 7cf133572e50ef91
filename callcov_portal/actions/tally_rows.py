"""What is counted of one call, read and written by statements that are put together once: every result needs them."""

from functools import lru_cache

from callcov_portal.actions.pouring import Table
from callcov_portal.models import CallCheck, CallTally, Check, Recording
from callcov_portal.models.prepared import Prepared, PreparedModels, Update, prepared, prepared_models

COUNTS = ("milliseconds", "analysed", "assessed", "violated", "omitted")


@lru_cache(maxsize=1)
def held_call(*names: str) -> PreparedModels[Recording]:
    """Return the query for these columns of a call, which is held until the transaction ends."""
    return prepared_models(Recording.objects.select_for_update().filter(pk=0), "id", *names)


@lru_cache(maxsize=1)
def tally_of_call() -> Prepared:
    """Return the query for what was added for a call: agent, week and counts."""
    return prepared(CallTally.objects.filter(recording=0).values_list("agent_id", "week", *COUNTS))


@lru_cache(maxsize=1)
def checks_of_call() -> Prepared:
    """Return the query for the checks of a call and how each came out."""
    return prepared(CallCheck.objects.filter(recording=0).values_list("check_ref", "outcome"))


@lru_cache(maxsize=64)
def checks_by_id(count: int) -> Prepared:
    """Return the query for so many checks."""
    rows = Check.objects.filter(check_id__in=[str(at) for at in range(count)]).order_by()
    return prepared(rows.values_list("check_id", "id", "title"))


@lru_cache(maxsize=1)
def update_of_shown(names: tuple[str, ...]) -> Update:
    """Return the UPDATE of what lists show of a call."""
    return Update(Recording, names, "id = %s")


@lru_cache(maxsize=1)
def update_of_tally() -> Update:
    """Return the UPDATE of what was added for a call."""
    return Update(CallTally, ("agent", "week", *COUNTS), "recording_id = %s")


@lru_cache(maxsize=1)
def call_tallies() -> Table:
    """Return the table of what was added for each call."""
    return Table(CallTally, "recording", "agent", "week", *COUNTS)


@lru_cache(maxsize=1)
def call_checks() -> Table:
    """Return the table of how checks came out in calls."""
    return Table(CallCheck, "recording", "check_ref", "outcome", "agent", "called_at")
