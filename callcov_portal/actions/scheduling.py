"""Exports that are made again and again: a schedule whose time has come makes one export due, exactly one."""

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode

import structlog
from django.db import transaction
from django.utils import timezone

from callcov_portal.exports import Wish
from callcov_portal.models import Every, Export, LogEntry, Schedule, User

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 50
PERIOD = ("since", "until")  # what a schedule chooses itself


class NotAllowed(Exception):
    """Who asks may not have it; says in one sentence who may."""


@transaction.atomic
def add(wish: Wish, user: User, every: Every, weekday: int, hour: int) -> Schedule:
    """Keep a schedule; its first export is made at the next of its hours. Raises `NotAllowed`.

    Scheduled exports are always masked; days among the filters are left out, because the schedule sets them.
    """
    filters = without_period(wish.filters)
    if not filters and not user.is_lead:
        raise NotAllowed("Only a lead schedules an export of all calls. Choose calls first, on the page Calls.")
    new = Schedule(
        table=wish.table.name, format=wish.format.name, columns=wish.keys, mark=wish.mark, filters=filters, user=user,
        every=every, weekday=weekday, hour=hour,
    )  # fmt: skip
    new.next_at = slot_after(new, timezone.now())
    new.save()
    note(user, "export scheduled", new)
    return new


@transaction.atomic
def remove(schedule: Schedule, by: User) -> None:
    """End a schedule; what it made stays."""
    note(by, "export schedule ended", schedule)
    schedule.delete()


def note(by: User, act: str, schedule: Schedule) -> None:
    """Write one line of the log."""
    LogEntry.objects.create(user=by, act=act, text=f"{schedule}: {schedule.filters or 'all calls'}")


def without_period(filters: str) -> str:
    """Return a query string without days."""
    return urlencode([(name, value) for name, value in parse_qsl(filters) if name not in PERIOD])


def make_due(now: datetime) -> None:
    """Write down the exports of every schedule whose time has come; what was missed is made up for, one at a time.

    Running it twice at once is harmless. A schedule that cannot be read does not stop the others.
    """
    for schedule in Schedule.objects.due(now).select_related("user")[:MOST_AT_ONCE]:
        try:
            order_of(schedule)
        except Exception:
            log.exception("schedule_failed", schedule=schedule.pk)


@transaction.atomic
def order_of(schedule: Schedule) -> None:
    """Move the schedule on and write down its export, both or neither; of several callers one does."""
    seen = Schedule.objects.filter(pk=schedule.pk, next_at=schedule.next_at)
    if not seen.update(next_at=slot_after(schedule, schedule.next_at)):
        return
    day = schedule.next_at.astimezone(timezone.get_default_timezone()).date()
    filters = "&".join(filter(None, (schedule.filters, urlencode(period(schedule, day)))))
    # The row is written as it stands in the schedule: whether it can be made is told there, where a person sees it.
    wanted = {name: getattr(schedule, name) for name in ("table", "format", "columns", "mark", "user")}
    made = {**wanted, "filters": filters, "due_at": timezone.now()}
    # There is one already if the portal's zone was changed, so that a day came twice.
    Export.objects.get_or_create(schedule=schedule, day=day, defaults=made)


def period(schedule: Schedule, day: date) -> dict[str, str]:
    """Return the filters for the day, or the seven days, before a day."""
    days = 1 if schedule.every == Every.DAY else 7
    return {"since": str(day - timedelta(days=days)), "until": str(day - timedelta(days=1))}


def slot_after(schedule: Schedule, moment: datetime) -> datetime:
    """Return the first time of a schedule after a moment. There is one on each of its days.

    An hour that the clocks leave out is the one after it; of one that they repeat, the first counts.
    """
    zone = timezone.get_default_timezone()
    day = moment.astimezone(zone).date()
    while True:
        at = datetime.combine(day, time(schedule.hour), tzinfo=zone).astimezone(UTC)
        if at > moment and (schedule.every == Every.DAY or day.weekday() == schedule.weekday):
            return at
        day += timedelta(days=1)
