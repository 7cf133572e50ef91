"""Taking demo data away: only what is marked as such, a batch a transaction, with its counts."""

from collections.abc import Iterator, Sequence

from django.db import transaction
from django.db.models import ProtectedError

from callcov_portal import demodata
from callcov_portal.actions import shelving, summing
from callcov_portal.models import Agent, Analysis, CallCheck, CallTally, Contact, Recording, Spent, User

AT_ONCE = 200


def remove() -> Iterator[int]:
    """Delete all demo calls and yield how many are gone so far; at the end the people who have no other calls.

    Stopped in between, it goes on where it was. Calls that are none stay as they are.
    """
    gone = 0
    while removed := remove_some():
        gone += removed
        yield gone
    remove_people()


@transaction.atomic
def remove_some() -> int:
    """Delete some demo calls with all that belongs to them, and return how many.

    Analyses are locked first, as applying does. What was really sent of them, by a person who asked for another
    analysis, was billed all the same.
    """
    numbers = list(Recording.objects.filter(is_demo=True).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if not numbers:
        return 0
    analyses = list(Analysis.objects.select_for_update().filter(recording__in=numbers).order_by("pk"))
    held = {call.pk: call for call in Recording.objects.select_for_update().filter(pk__in=numbers).order_by("pk")}
    Spent.objects.bulk_create(
        Spent(sent_at=analysis.sent_at, seconds=held[analysis.recording_id].duration_seconds or 0)
        for analysis in analyses
        if analysis.sent_at and analysis.api_url != demodata.SOURCE
    )
    summing.add_all((share, -1) for share in counted(numbers))
    Recording.objects.filter(pk__in=numbers).update(current_analysis=None)
    Recording.objects.filter(pk__in=numbers).delete()
    for call in held.values():
        shelving.discard(call.stored_name)
        shelving.discard(call.muted_name)
    return len(numbers)


def counted(numbers: Sequence[int]) -> list[summing.Share]:
    """Return what was added for these calls."""
    checks: dict[int, dict[int, str]] = {}
    for number, check, outcome in CallCheck.objects.filter(recording__in=numbers).values_list(
        "recording", "check_ref", "outcome"
    ):
        checks.setdefault(number, {})[check] = outcome
    names = summing.CALL_COUNTS[1:]
    return [
        summing.Share(agent, week, (1, *counts), checks.get(number, {}))
        for number, agent, week, *counts in CallTally.objects.filter(recording__in=numbers).values_list(
            "recording", "agent", "week", *names
        )
    ]


@transaction.atomic
def remove_people() -> None:
    """Delete invented agents, contacts and reviewers; whoever has other calls by now is taken for real."""
    for people in (Agent, Contact):
        people.objects.filter(is_demo=True, recordings=None).delete()
        people.objects.filter(is_demo=True).update(is_demo=False)
    for user in User.objects.filter(is_demo=True):
        try:
            with transaction.atomic():
                user.delete()
        except ProtectedError:
            User.objects.filter(pk=user.pk).update(is_demo=False)
