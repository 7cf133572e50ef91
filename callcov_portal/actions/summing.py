"""Adding up: the sums by week of agents and checks, from what each call adds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from callcov_portal.actions import tally_rows
from callcov_portal.models import AgentWeek, CheckWeek, Outcome
from callcov_portal.models.prepared import done

ROWS_AT_ONCE = 1000  # databases bound the parameters of a statement
CALL_COUNTS = ("calls", *tally_rows.COUNTS)
CHECK_COUNTS = tuple(outcome.value for outcome in (Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED, Outcome.HEARD))


@dataclass(frozen=True)
class Share:
    """What one call adds: to which agent and week, how much of each count, and how each check (by its row) came out."""

    agent: int
    week: date
    counts: tuple[int, ...]
    checks: Mapping[int, str] = field(default_factory=dict)


def add_up(before: Share | None, after: Share | None) -> None:
    """Add to the sums by week what one call adds now, less what it added before."""
    add_all((share, sign) for share, sign in ((before, -1), (after, 1)) if share)


def add_all(shares: Iterable[tuple[Share, int]]) -> None:
    """Add the shares of calls to the sums by week, those with the sign -1 less; in the caller's transaction."""
    calls: dict[tuple[int, date], Counter[str]] = {}
    checks: dict[tuple[int, date, int], Counter[str]] = {}
    for share, sign in shares:
        own = calls.setdefault((share.agent, share.week), Counter())
        own.update({name: sign * count for name, count in zip(CALL_COUNTS, share.counts, strict=True)})
        for check, outcome in share.checks.items():
            checks.setdefault((share.agent, share.week, check), Counter())[outcome] += sign
    upsert(AgentWeek._meta.db_table, ("agent_id", "week"), CALL_COUNTS, calls)
    upsert(CheckWeek._meta.db_table, ("agent_id", "week", "check_ref_id"), CHECK_COUNTS, checks)


def upsert(
    table: str, keys: tuple[str, ...], names: tuple[str, ...], changes: Mapping[tuple[Any, ...], Counter[str]]
) -> None:
    """Add to counts, in rows that are made where they are missing, so that no other writer comes between.

    In the order of their keys, so that two writers never wait for each other.
    """
    changed = sorted((key, counts) for key, counts in changes.items() if any(counts.values()))
    for first in range(0, len(changed), ROWS_AT_ONCE):
        upsert_some(table, keys, names, changed[first : first + ROWS_AT_ONCE])


def upsert_some(
    table: str, keys: tuple[str, ...], names: tuple[str, ...], changed: Sequence[tuple[tuple[Any, ...], Counter[str]]]
) -> None:
    """Do what `upsert` promises for so few rows that one statement takes them."""
    columns, places = ", ".join((*keys, *names)), ", ".join(["%s"] * (len(keys) + len(names)))
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in names)
    rows = ", ".join([f"({places})"] * len(changed))
    values: list[Any] = [value for key, counts in changed for value in (*key, *(counts[name] for name in names))]
    done(f"INSERT INTO {table} ({columns}) VALUES {rows} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sums}", values)  # noqa: S608
