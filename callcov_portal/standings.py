"""How agents and checks stand, from the sums by week: what it costs does not grow with the number of calls."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Case, F, IntegerField, Q, QuerySet, Sum, When

from callcov_portal.models import Agent, AgentWeek, CheckWeek
from callcov_portal.reading.statistics import Interval, Places, Share, change, places
from callcov_portal.reading.weeks import Period

CALLS = ("calls", "analysed", "assessed", "violated", "omitted")
MOST_WEEKS = 26  # columns of a heat map


@dataclass(frozen=True)
class Whose:
    """Whose calls count: one agent's, a team's, those of a team without one agent, or ("" and None) everybody's."""

    agent: int | None = None
    team: str = ""
    besides: int | None = None

    def __call__(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.agent is not None:
            rows = rows.filter(agent=self.agent)
        if self.team:
            rows = rows.filter(agent__team=self.team)
        return rows.exclude(agent=self.besides) if self.besides is not None else rows


@dataclass(frozen=True)
class Sums:
    """What there is of some calls. Of `calls`, those `analysed`, those with anything `assessed`, and of these the bad ones."""

    calls: int = 0
    minutes: float = 0.0
    analysed: int = 0
    assessed: int = 0
    violated: int = 0
    omitted: int = 0


@dataclass(frozen=True)
class Standing:
    """An agent in a period: their calls, the share of assessed checks that were met, and that of the period before.

    `checks` and what of them was violated or omitted count each check of each call; `sums` count calls.
    """

    agent: Agent
    sums: Sums
    score: Share
    before: Share
    places: Places | None = None

    @property
    def trend(self) -> int:
        """1 up, -1 down, 0 where no change can be told from chance."""
        return change(self.before, self.score)

    @property
    def interval(self) -> Interval | None:
        return self.score.interval


@dataclass(frozen=True)
class CheckSum:
    """In how many calls a check came out how. The first three add up to `assessed`."""

    check_id: str
    title: str
    met: int = 0
    violated: int = 0
    omitted: int = 0
    heard: int = 0

    @property
    def assessed(self) -> int:
        return self.met + self.violated + self.omitted

    @property
    def share(self) -> Share:
        """In how many of the assessed calls it was met."""
        return Share(self.met, self.assessed)


def within(rows: QuerySet[Any], period: Period) -> QuerySet[Any]:
    """Return the rows of the period's weeks."""
    return rows.filter(week_range(period))


def week_range(period: Period) -> Q:
    """Return the condition of a period's weeks; since ever is no condition."""
    return Q(week__gte=period.first, week__lte=period.last) if period.first else Q(week__isnull=False)


def sums_of(whose: Whose, period: Period) -> Sums:
    """Return what there is of these calls; one query."""
    rows = within(whose(AgentWeek.objects.order_by()), period)
    found = rows.aggregate(**{name: Sum(name) for name in (*CALLS, "milliseconds")})
    return sums(found)


def sums(row: dict[str, int | None]) -> Sums:
    """Return summed columns as a value."""
    return Sums(minutes=(row["milliseconds"] or 0) / 60_000, **{name: row[name] or 0 for name in CALLS})


def shares(whose: Whose, period: Period) -> tuple[Share, Share]:
    """Return the score in a period and in the one before; one query."""
    found = counted(whose(CheckWeek.objects.order_by()), period).aggregate(**share_sums(period))
    return Share(found["met_now"] or 0, found["n_now"] or 0), Share(found["met_before"] or 0, found["n_before"] or 0)


def counted(rows: QuerySet[Any], period: Period) -> QuerySet[Any]:
    """Return the rows of the period and of the one before it."""
    return rows.filter(week_range(period) | week_range(period.before)) if period.before else within(rows, period)


def share_sums(period: Period) -> dict[str, Any]:
    """Return the sums that make the two shares."""
    assessed = F("met") + F("violated") + F("omitted")
    then = week_range(period.before) if period.before else Q(pk__in=[])
    return {
        f"{name}_{when}": Sum(Case(When(condition, then=value), default=0, output_field=IntegerField()))
        for when, condition in (("now", week_range(period)), ("before", then))
        for name, value in (("met", F("met")), ("n", assessed))
    }


def standings(period: Period, team: str = "", check_id: str = "") -> list[Standing]:
    """Return every agent who has calls in the period, the best score first; with a check, those in whom it was assessed.

    Three queries, however many calls there are. Places are those among all that are returned.
    """
    whose = Whose(team=team)
    rows = counted(whose(CheckWeek.objects.order_by()), period)
    rows = rows.filter(check_ref__check_id=check_id) if check_id else rows
    outcomes = {
        name: Sum(Case(When(week_range(period), then=F(name)), default=0, output_field=IntegerField()))
        for name in ("violated", "omitted")
    }
    scores = {row["agent"]: row for row in rows.values("agent").annotate(**share_sums(period), **outcomes)}
    weeks = within(whose(AgentWeek.objects.order_by()), period)
    calls = weeks.values("agent").annotate(**{f"sum_{name}": Sum(name) for name in (*CALLS, "milliseconds")})
    sums_by_agent = {row["agent"]: {name[4:]: row[name] for name in row if name != "agent"} for row in calls}
    agents = Agent.objects.in_bulk([pk for pk, row in sums_by_agent.items() if row["calls"]])
    found = [standing(agents[pk], sums_by_agent[pk], scores.get(pk), bool(check_id)) for pk in agents]
    return placed([one for one in found if one.score.n or not check_id])


def standing(agent: Agent, row: dict[str, int], score: dict[str, int] | None, is_of_one_check: bool) -> Standing:
    """Return one agent's standing; of a single check, its calls stand for all."""
    now, before = Share(0, 0), Share(0, 0)
    if score:
        now, before = Share(score["met_now"], score["n_now"]), Share(score["met_before"], score["n_before"])
    if is_of_one_check:
        counts = {name: score[name] if score else 0 for name in ("violated", "omitted")}
        row = {**row, "assessed": now.n, **counts}
    return Standing(agent, sums(dict(row)), now, before)


def placed(found: list[Standing]) -> list[Standing]:
    """Return the standings with places, the best score first; who was never assessed comes last and has none."""
    ranked = [one for one in found if one.interval]
    open_places = places([one.interval for one in ranked if one.interval])
    with_places = [
        Standing(one.agent, one.sums, one.score, one.before, place)
        for one, place in zip(ranked, open_places, strict=True)
    ]
    with_places.sort(key=lambda one: (-(one.score.rate or 0), -one.score.n, one.agent.key))
    return with_places + sorted((one for one in found if not one.interval), key=lambda one: one.agent.key)


def check_sums(whose: Whose, period: Period) -> list[CheckSum]:
    """Return how each check came out, the worst first; those that were never assessed are left out. One query."""
    outcomes = ("met", "violated", "omitted", "heard")
    rows = within(whose(CheckWeek.objects.order_by()), period).values("check_ref__check_id", "check_ref__title")
    found = rows.annotate(**{f"sum_{name}": Sum(name) for name in outcomes})
    made = [
        CheckSum(row["check_ref__check_id"], row["check_ref__title"], **{name: row[f"sum_{name}"] for name in outcomes})
        for row in found
    ]
    return sorted((one for one in made if one.assessed), key=worst_first)


def worst_first(one: CheckSum) -> tuple[float, int, str]:
    """Return what orders checks: the smallest share met, then the most calls."""
    return one.share.rate or 0.0, -one.assessed, one.title


def checks_by_week(whose: Whose, period: Period) -> dict[tuple[str, date], CheckSum]:
    """Return how each check came out in each week of the period, of the last 26 at most; one query."""
    outcomes = ("met", "violated", "omitted")
    shown = shortened(period)
    rows = within(whose(CheckWeek.objects.order_by()), shown)
    found = rows.values("check_ref__check_id", "check_ref__title", "week").annotate(
        **{f"sum_{name}": Sum(name) for name in outcomes}
    )
    return {
        (row["check_ref__check_id"], row["week"]): CheckSum(
            row["check_ref__check_id"], row["check_ref__title"], **{name: row[f"sum_{name}"] for name in outcomes}
        )
        for row in found
    }


def shortened(period: Period) -> Period:
    """Return the period, or its last weeks where it has more than a map shows."""
    if period.count is not None and period.count <= MOST_WEEKS:
        return period
    return Period("", period.last - timedelta(weeks=MOST_WEEKS - 1), period.last)


def teams() -> list[str]:
    """Return the names of the teams that have agents, in order."""
    named = Agent.objects.exclude(team="").order_by("team")
    return list(named.values_list("team", flat=True).distinct())
