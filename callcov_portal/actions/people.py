"""What leads change about agents and contacts."""

from django.db import transaction

from callcov_portal.actions import merging
from callcov_portal.models import Agent, Contact, LogEntry, Merge, User


class NotFound(Exception):
    """Nobody has the identifier; says so in one sentence."""


@transaction.atomic
def edit(person: Agent | Contact, user: User, name: str, team: str | None = None) -> list[str]:
    """Change name and (of an agent) team; log what changed and return it in words. A team keeps the spelling it has already."""
    changes = change(person, "name", name)
    if isinstance(person, Agent) and team is not None:
        changes += change(person, "team", spelled(team))
    if changes:
        person.save(update_fields=["name", "team"] if isinstance(person, Agent) else ["name"])
        LogEntry.objects.create(user=user, act="edited", text=f"{person.identifier}: {'; '.join(changes)}")
    return changes


def change(person: Agent | Contact, field: str, value: str) -> list[str]:
    """Set a field, and say so if that changes it."""
    before = getattr(person, field)
    setattr(person, field, value)
    return [f"{field}: {before or '–'} → {value or '–'}"] if before != value else []


def spelled(team: str) -> str:
    """Return the name of the team that differs at most in case, or the name as it is."""
    known = Agent.objects.exclude(team="").order_by("team").values_list("team", flat=True).distinct()
    return next((one for one in known if one.casefold() == team.casefold()), team)


def merge_into(person: Agent | Contact, identifier: str, user: User) -> Merge:
    """Make a person another identifier of the one named. Raises `NotFound`, or `merging.CannotMerge`; then nothing changed."""
    target = type(person).objects.named(identifier).first()
    if target is None:
        raise NotFound("Nobody has this identifier.")
    return merging.merge(person, type(person).objects.get(pk=target.merged_into_id or target.pk), user)
