"""Checks by weeks: a table of shares, the worst check first; a tile is a number, and its colour says the same again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.urls import reverse

from callcov_portal.reading.statistics import Share
from callcov_portal.reading.weeks import WEEK, Period
from callcov_portal.standings import CheckSum, worst_first

STEPS = 5  # colours


@dataclass(frozen=True)
class Tile:
    """How often one check was met in one week; `url` leads to what is behind it, and there is none of nothing."""

    week: date
    share: Share
    url: str = ""

    @property
    def css(self) -> str:
        """The class of its colour: the worst is `heat-0`."""
        return f"heat-{min(STEPS - 1, int((self.share.rate or 0) * STEPS))}" if self.share.n else "heat-none"


@dataclass(frozen=True)
class Line:
    """One check in all weeks; the sum of the weeks that are shown."""

    check: CheckSum
    url: str
    tiles: list[Tile]


@dataclass(frozen=True)
class HeatMap:
    """What the table shows: its columns and rows."""

    weeks: list[date]
    lines: list[Line]


Address = Callable[[str, Period], str]


def to_agents(team: str) -> Address:
    """Return addresses of the agents of a team (or all), worst first, for one check."""
    return lambda check, period: (
        f"{reverse('agents')}?{urlencode({'check': check, **({'team': team} if team else {})})}&{period.query}"
    )


def to_calls(**who: str) -> Address:
    """Return addresses of the calls in which one check came to anything."""
    return lambda check, period: f"{reverse('calls')}?{urlencode({**who, 'check': check, **period.days})}"


def heat_map(sums: Mapping[tuple[str, date], CheckSum], address: Address, shown: Period) -> HeatMap:
    """Return the table of these sums, by check and week; `shown` are the weeks of its columns."""
    first = shown.first or shown.last
    weeks = [first + WEEK * at for at in range((shown.last - first).days // 7 + 1)]
    by_check: dict[str, dict[date, CheckSum]] = {}
    for (check_id, week), one in sums.items():
        by_check.setdefault(check_id, {})[week] = one
    lines = [line(of_week, weeks, address, shown) for of_week in by_check.values()]
    found = [one for one in lines if one.check.assessed]
    return HeatMap(weeks, sorted(found, key=lambda one: worst_first(one.check)))


def line(of_week: Mapping[date, CheckSum], weeks: list[date], address: Address, shown: Period) -> Line:
    """Return one check's row."""
    some = next(iter(of_week.values()))
    total = CheckSum(
        some.check_id,
        some.title,
        *(sum(getattr(one, name) for one in of_week.values()) for name in ("met", "violated", "omitted")),
    )
    return Line(total, address(total.check_id, shown), [tile(of_week.get(week), week, address) for week in weeks])


def tile(one: CheckSum | None, week: date, address: Address) -> Tile:
    """Return one week of a check."""
    if one is None or not one.assessed:
        return Tile(week, Share(0, 0))
    return Tile(week, one.share, address(one.check_id, Period("", week, week)))
