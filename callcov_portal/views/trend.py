"""The score week by week as a drawing: a line of shares within the band of their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from callcov_portal.reading.statistics import Share
from callcov_portal.standings import CheckSum

WIDTH, HEIGHT = 720, 150
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 24


@dataclass(frozen=True)
class Point:
    """One week of the drawing, in its own units; `low` and `high` are the ends of the interval."""

    week: date
    share: Share
    x: float
    y: float
    low: float
    high: float
    is_labelled: bool


@dataclass(frozen=True)
class Trend:
    """A drawing of at least two weeks. A week in which nothing was assessed is left out: nothing is made up for it."""

    points: list[Point]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def line(self) -> str:
        """The shares, as an SVG polyline takes them."""
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)

    @property
    def band(self) -> str:
        """The intervals, as an SVG polygon takes them."""
        there = [f"{point.x:.1f},{point.high:.1f}" for point in self.points]
        return " ".join([*there, *(f"{point.x:.1f},{point.low:.1f}" for point in reversed(self.points))])

    @property
    def rules(self) -> list[tuple[str, float]]:
        """The horizontal lines with their labels."""
        return [(f"{percent} %", height_of(percent / 100)) for percent in (0, 50, 100)]

    @property
    def ends(self) -> tuple[int, int]:
        """Where the horizontal lines begin and end."""
        return LEFT, WIDTH - RIGHT


def height_of(rate: float) -> float:
    """Return the height at which a share of 0..1 is drawn."""
    return TOP + (1 - rate) * (HEIGHT - TOP - BOTTOM)


def by_week(sums: Mapping[tuple[str, date], CheckSum]) -> dict[date, Share]:
    """Return the score of each week over all checks."""
    found: dict[date, Share] = {}
    for (_, week), one in sums.items():
        found[week] = found.get(week, Share(0, 0)) + one.share
    return found


def trend_of(shares: Mapping[date, Share], weeks: Sequence[date]) -> Trend | None:
    """Return the drawing of these weeks; None where fewer than two of them have anything to show."""
    step = (WIDTH - LEFT - RIGHT) / max(1, len(weeks) - 1)
    every = max(1, -(-len(weeks) // 9))
    points = []
    for at, week in enumerate(weeks):
        share = shares.get(week, Share(0, 0))
        if share.rate is None or share.interval is None:
            continue
        ends = height_of(share.interval.low), height_of(share.interval.high)
        points.append(Point(week, share, LEFT + step * at, height_of(share.rate), *ends, at % every == 0))
    return Trend(points) if len(points) > 1 else None
