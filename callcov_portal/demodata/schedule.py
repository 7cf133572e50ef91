"""When invented calls are made: in business hours, least on Saturdays, a little more of them every month."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from callcov_portal.demodata.plan import Plan

# How much of a weekday's calls begin in each hour from 8 on; the Saturday's morning is quiet.
HOURS = {8: 6, 9: 11, 10: 13, 11: 12, 12: 8, 13: 9, 14: 11, 15: 10, 16: 9, 17: 7, 18: 3, 19: 1}
DAYS = (1.25, 1.1, 1.0, 1.0, 0.9, 0.25, 0.0)  # Monday first
GROWTH = 0.6  # from the first day to the last


def moments(plan: Plan, dice: random.Random) -> Iterator[tuple[datetime, date, int]]:
    """Yield of every call, in their order, when it begins (UTC), the Monday of its week in the plan's zone, and the week's number."""
    hours = list(busy_hours(plan))
    sums = list(accumulate(weight for _, weight in hours))
    first = monday(hours[0][0].date())
    done = 0
    for at, (begin, _) in enumerate(hours):
        calls = round(plan.calls * sums[at] / sums[-1]) - done
        done += calls
        week = monday(begin.date())
        since = begin.astimezone(UTC)
        for second in sorted(int(3600 * dice.random()) for _ in range(calls)):
            yield since + timedelta(seconds=second), week, (week - first).days // 7


def busy_hours(plan: Plan) -> Iterator[tuple[datetime, float]]:
    """Yield each hour in which calls are made, in the plan's zone, with how many there are compared with others."""
    days = max(7, round(plan.months * 30.44))
    last = plan.until.astimezone(plan.zone).date()
    for number in range(days):
        day = last - timedelta(days=days - number)
        for hour, share in HOURS.items():
            weight = share * DAYS[day.weekday()] * (1 + GROWTH * number / days)
            if weight and not (day.weekday() == 5 and hour > 13):
                yield datetime(day.year, day.month, day.day, hour, tzinfo=plan.zone), weight


def monday(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())
