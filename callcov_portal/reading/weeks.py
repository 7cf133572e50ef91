"""Stretches of whole weeks: what sums by week can answer for exactly."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

WEEK = timedelta(days=7)
PRESETS = (4, 13, 26, 52)
USUAL = 13
ALL = "all"
EARLIEST = date(1970, 1, 5)


@dataclass(frozen=True)
class Period:
    """Whole weeks from the Monday `first` to that of the last week, both included; `first` None: since ever.

    `word` is its value of the URL's `weeks`, "" for a single week that was named by its Monday.
    """

    word: str
    first: date | None
    last: date

    @property
    def count(self) -> int | None:
        """How many weeks; None since ever."""
        return (self.last - self.first).days // 7 + 1 if self.first else None

    @property
    def before(self) -> "Period | None":
        """As many weeks right before; None where there is no before."""
        if self.first is None or self.first - EARLIEST < WEEK * (self.count or 0):
            return None
        return Period("", self.first - WEEK * (self.count or 0), self.first - WEEK)

    @property
    def days(self) -> dict[str, str]:
        """First and last day as the list of calls takes them; nothing since ever."""
        if self.first is None:
            return {}
        return {"since": self.first.isoformat(), "until": self.until.isoformat()}

    @property
    def until(self) -> date:
        """The last day: a Sunday."""
        return self.last + WEEK - timedelta(days=1)

    @property
    def query(self) -> str:
        """What names it in the URL of a page by weeks."""
        return urlencode({"weeks": self.word} if self.word or self.first is None else {"week": self.first.isoformat()})

    @property
    def label(self) -> str:
        """What people call it."""
        if self.first is None:
            return "All time"
        return f"Last {self.count} weeks" if self.word else f"Week of {self.first:%-d %b %Y}"


def monday(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def read(parameters: Mapping[str, str], today: date) -> Period:
    """Return the weeks that `?weeks=` (a preset, or all) or `?week=` (a day of it) names; what cannot be read, the usual."""
    word = parameters.get("weeks", "")
    if word == ALL:
        return Period(ALL, None, monday(today))
    if not word and (named := named_week(parameters.get("week", ""))):
        return Period("", named, named)
    count = next((count for count in PRESETS if str(count) == word), USUAL)
    return last_weeks(count, today)


def last_weeks(count: int, today: date) -> Period:
    """Return the last `count` weeks, the running one included."""
    return Period(str(count), monday(today) - WEEK * (count - 1), monday(today))


def named_week(text: str) -> date | None:
    """Return the Monday of the week in which the day lies that the text names."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return monday(day) if EARLIEST <= day <= date(9000, 1, 1) else None


def choices(today: date) -> list[Period]:
    """Return the periods that are offered."""
    return [*(last_weeks(count, today) for count in PRESETS), Period(ALL, None, monday(today))]
