"""Taking over a list of agents: first what would change, then the change."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from callcov_portal.actions.people import edit
from callcov_portal.models import Agent, LogEntry, User
from callcov_portal.models.people import key_of
from callcov_portal.reading.rosters import Row

AT_ONCE = 500


@dataclass(frozen=True)
class Change:
    """What a row does: `new`, `changed` (with what, in words), `same`, or `wrong`."""

    row: Row
    kind: str
    text: str


def plan(rows: Sequence[Row]) -> list[Change]:
    """Return what every row would do; nothing is written."""
    known = agents_by_key([row for row in rows if not row.wrong])
    return [change_of(row, known.get(key_of(row.id))) for row in rows]


def agents_by_key(rows: Sequence[Row]) -> dict[str, Agent]:
    """Return the agents whom the rows mean; an alias means the one who was kept."""
    keys = [key_of(row.id) for row in rows]
    found: dict[str, Agent] = {}
    for at in range(0, len(keys), AT_ONCE):
        found |= Agent.objects.in_bulk(keys[at : at + AT_ONCE], field_name="key")
    kept = Agent.objects.in_bulk({agent.merged_into_id for agent in found.values() if agent.merged_into_id})
    return {key: kept[agent.merged_into_id] if agent.merged_into_id else agent for key, agent in found.items()}


def change_of(row: Row, agent: Agent | None) -> Change:
    """Return what a row does to the agent it means, or to nobody known."""
    if row.wrong:
        return Change(row, "wrong", row.wrong)
    if agent is None:
        return Change(row, "new", ", ".join(filter(None, (row.name, row.team))))
    wanted = (("name", row.name), ("team", row.team))
    changes = [
        f"{field}: {getattr(agent, field) or '–'} → {value or '–'}"
        for field, value in wanted
        if value is not None and value != getattr(agent, field)
    ]
    return Change(row, "changed" if changes else "same", "; ".join(changes))


@transaction.atomic
def take_over(rows: Sequence[Row], user: User) -> tuple[int, int]:
    """Do what `plan` says, wrong rows left out; all of it or nothing. Return how many are new, how many changed; logged."""
    new = changed = 0
    good = [row for row in rows if not row.wrong]
    known = agents_by_key(good)
    for row in good:
        agent = known.get(key_of(row.id))
        if agent is None:
            Agent.objects.create(identifier=row.id, name=row.name or "", team=row.team or "")
            new += 1
        elif edit(agent, user, agent.name if row.name is None else row.name, row.team):
            changed += 1
    if new or changed:
        LogEntry.objects.create(user=user, act="imported agents", text=f"{new} new, {changed} changed")
    return new, changed
