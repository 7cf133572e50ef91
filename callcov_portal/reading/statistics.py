"""What a share of a few calls can say of all: intervals, and whether two shares differ.

The arithmetic takes every assessed check for a draw of its own. Checks of one call go together a little, so that the
intervals are, if anything, too narrow: what overlaps is a tie for certain, what lies barely apart is not proven.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

Z = 1.959963984540054  # of the normal distribution: 95 % lie within


@dataclass(frozen=True)
class Interval:
    """Between which two shares (0..1) the true one lies, at 95 %."""

    low: float
    high: float


@dataclass(frozen=True)
class Share:
    """In how many (`met`) of `n` something was so."""

    met: int
    n: int

    @property
    def rate(self) -> float | None:
        """The share, 0..1; None of nothing."""
        return self.met / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """The Wilson interval; None of nothing."""
        return wilson(self.met, self.n) if self.n else None

    def __add__(self, other: "Share") -> "Share":
        return Share(self.met + other.met, self.n + other.n)

    def __sub__(self, other: "Share") -> "Share":
        return Share(self.met - other.met, self.n - other.n)


@dataclass(frozen=True)
class Places:
    """The best and the last place of a ranking that an interval leaves open."""

    best: int
    last: int

    @property
    def is_tied(self) -> bool:
        """Whether somebody else may stand on the same place."""
        return self.last > self.best


def wilson(met: int, n: int) -> Interval:
    """Return the score interval of a share of `n` > 0 draws.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927), 209-212. It keeps its 95 % for few draws and for shares near 0 and 1.
    """
    share, weight = met / n, Z * Z / n
    middle = (share + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * sqrt(share * (1 - share) / n + weight / (4 * n))
    return Interval(max(0.0, middle - half) if met else 0.0, min(1.0, middle + half) if met < n else 1.0)


def change(before: Share, after: Share) -> int:
    """Return 1 if the share rose, -1 if it fell, 0 if that cannot be told from chance at 95 % (or there is nothing).

    R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
    17 (1998), 873-890, method 10: the interval of the difference, made of both Wilson intervals, leaves out 0.
    """
    if not before.n or not after.n:
        return 0
    old, new = before.met / before.n, after.met / after.n
    of_old, of_new = wilson(before.met, before.n), wilson(after.met, after.n)
    difference = new - old
    if difference - sqrt((new - of_new.low) ** 2 + (of_old.high - old) ** 2) > 0:
        return 1
    return -1 if difference + sqrt((of_new.high - new) ** 2 + (old - of_old.low) ** 2) < 0 else 0


def places(intervals: Sequence[Interval]) -> list[Places]:
    """Return which places of the ranking each interval leaves open, 1 the highest.

    The best is one more than the number of those whose whole interval lies above; the last, the number of all less those
    whose whole interval lies below. Intervals that overlap are tied: nobody is put before somebody by chance.
    After H. Goldstein and D. J. Spiegelhalter, "League tables and their limitations", Journal of the Royal
    Statistical Society A 159 (1996), 385-443, who rank by intervals and not by points.
    """
    lows, highs = sorted(each.low for each in intervals), sorted(each.high for each in intervals)
    total = len(intervals)
    return [
        Places(1 + total - bisect_right(lows, each.high), total - bisect_left(highs, each.low)) for each in intervals
    ]
