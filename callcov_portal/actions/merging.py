"""Two agents, or two contacts, that are one: from now on at once, and the calls there are bit by bit, which is a chore.

Every call is moved in a transaction of its own that asks whether it is still to be moved. So a kill loses nothing and
doubles nothing, and two workers at one merge are harmless.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from callcov_portal.actions import tallying
from callcov_portal.actions.chores import Kind, Turn, bit_by_bit
from callcov_portal.models import Agent, Contact, LogEntry, Merge, Recording, Side, User

AT_ONCE = 50
KEPT = timedelta(days=30)


class CannotMerge(Exception):
    """Two are not made one; nothing was changed. Says why in one sentence."""


@transaction.atomic
def merge(source: Agent | Contact, target: Agent | Contact, user: User) -> Merge:
    """Make `source` another identifier of `target`, from now on; its calls follow bit by bit. Logged.

    Raises `CannotMerge` if one of the two is an alias already, or both are the same.
    """
    people = type(source)._default_manager
    locked = {
        person.pk: person for person in people.select_for_update().filter(pk__in=[source.pk, target.pk]).order_by("pk")
    }
    if len(locked) != 2:
        raise CannotMerge("One cannot be merged with itself.")
    if any(person.merged_into_id for person in locked.values()):
        raise CannotMerge("One of the two was merged into another already.")
    people.filter(merged_into=source.pk).update(merged_into=target.pk)
    people.filter(pk=source.pk).update(merged_into=target.pk)
    LogEntry.objects.create(user=user, act="merged", text=f"{source.identifier} into {target.identifier}")
    side = Side.AGENT if isinstance(source, Agent) else Side.CONTACT
    return Merge.objects.create(side=side, source=source.pk, user=user, due_at=timezone.now())


def work(turn: Turn[Merge]) -> None:
    """Do a bit of a merge."""
    one = turn.row
    if bit_by_bit(lambda: left(one), lambda number: move(one, number)):
        turn.finish(finished_at=timezone.now())
    else:
        turn.go_on()


# Never given up: half a merge would leave calls with one who is no more.
KIND = Kind(name="merging", model=Merge, act=work)


def left(one: Merge) -> list[int]:
    """Return some of the calls that are still to be moved."""
    calls = Recording.objects.filter(**{one.side: one.source}).order_by("pk")
    return list(calls.values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def move(one: Merge, number: int) -> None:
    """Give one call to the one who is kept, unless somebody changed it meanwhile; what is counted moves with it."""
    people = Agent.objects if one.side == Side.AGENT else Contact.objects
    source = people.select_for_update(no_key=True).get(pk=one.source)
    if source.merged_into_id is None:
        return
    calls = Recording.objects.filter(pk=number, **{one.side: source.pk})
    if calls.update(**{f"{one.side}_id": source.merged_into_id}):
        if one.side == Side.AGENT:
            tallying.retally(number)
        Merge.objects.filter(pk=one.pk).update(done=F("done") + 1)


def forget_old(now: datetime) -> None:
    """Forget merges that were done long ago; the log keeps who asked for them."""
    Merge.objects.filter(finished_at__lt=now - KEPT).delete()
