"""How one cell is written: texts that no spreadsheet runs, times with their zone.

Cells are treated a column of a batch at a time: what can be said of the whole column at once costs next to nothing.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from callcov_portal.exports.columns import Kind

# What a spreadsheet may take for the begin of a formula: a sign, also after blanks and invisible characters, at the
# begin of a cell or of a line inside it. (TAB, CR, LF and NUL at the begin of a cell count as signs.)
SIGNS = "=+\\-@\0\uff1d\uff0b\uff0d\uff20"
BLANKS = "(?:[^\\S\r\n]|[\ufeff\u200b-\u200f\u2060])*"
FORMULA = re.compile(f"{BLANKS}[{SIGNS}\t\r\n]")
# What ends a line is no blank in one, or many such ends in a row would take the square of their number.
ENDS = "\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
FORMULA_INSIDE = re.compile(f"([{ENDS}](?:[^\\S{ENDS}]|[\ufeff\u200b-\u200f\u2060])*)(?=[{SIGNS}])")

MOST_KEPT = 10_000  # hours of which is remembered how they are written

Values = Sequence[Any]
Plain = Callable[[Values], Values]


def safe_text(value: object) -> str:
    """Return a text that no spreadsheet takes for a formula: `'` goes before whatever could begin one."""
    text = "" if value is None else str(value)
    if text[:1].isalnum() and text.isprintable():  # one line that begins with a letter: nearly every cell
        return text
    safe = FORMULA_INSIDE.sub(r"\1'", text)
    return f"'{safe}" if FORMULA.match(text) else safe


class UnevenHour(Exception):
    """An hour of UTC that has no single offset of whole hours."""


class Shift(NamedTuple):
    """How the hours of a stretch of UTC are written here: from which hour on, on which days, with which offset."""

    first: int
    days: tuple[str, str]
    offset: str

    def __call__(self, hours: int) -> tuple[str, str]:
        """Return what a moment begins with, and what it ends with behind minutes and seconds, so many hours later."""
        day, hour = divmod(self.first + hours, 24)
        return f"{self.days[day]}T{hour:02}", self.offset


class Clock(dict[str, tuple[str, str]]):
    """Writes moments, as the database driver gives them, as ISO 8601 with the offset of the portal's time zone.

    SQLite's driver gives text in UTC. In nearly every hour of nearly every zone only day and hour have to be replaced; it
    remembers by what. Where the clocks change or differ by half an hour, moments are worked out one by one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.zone = timezone.get_current_timezone()
        self.days: dict[str, Shift | None] = {}  # of UTC

    def __call__(self, values: Values) -> Values:
        """Return the column with every moment written; None stays None."""
        if len(self) > MOST_KEPT:
            self.clear()
            self.days.clear()
        try:
            return [value and f"{(known := self[value[:13]])[0]}{value[13:19]}{known[1]}" for value in values]
        except (TypeError, UnevenHour):  # moments of a driver that gives them as such, or an hour without one offset
            return [None if value is None else self.local(value).isoformat(timespec="seconds") for value in values]

    def __missing__(self, hour: str) -> tuple[str, str]:
        """Remember how an hour of UTC is written here; raises `UnevenHour`."""
        day = hour[:10]
        if day not in self.days:
            self.days[day] = self.shift(f"{day} 00:00:00", f"{day} 23:59:59")
        if of_day := self.days[day]:
            written = of_day(int(hour[11:13]))
        elif of_hour := self.shift(f"{hour}:00:00", f"{hour}:59:59"):
            written = of_hour(0)
        else:
            raise UnevenHour(hour)
        self[hour] = written
        return written

    def shift(self, begin: str, end: str) -> Shift | None:
        """Return how hours between two moments are written; None without one offset of whole hours."""
        first, last = self.local(begin), self.local(end)
        if first.utcoffset() != last.utcoffset() or first.minute or first.second:
            return None
        written = first.isoformat(timespec="seconds")
        return Shift(first.hour, (written[:10], last.date().isoformat()), written[19:])

    def local(self, value: str | datetime) -> datetime:
        """Return a moment in the portal's zone; the ends of time stay in UTC."""
        moment = moment_of(value)
        try:
            return moment.astimezone(self.zone)
        except OverflowError:
            return moment


def moment_of(value: str | datetime) -> datetime:
    """Return a moment as the database driver gives it; where it names no zone it is UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def id_text(value: UUID | str) -> str:
    """Return an id as the database driver gives it (SQLite: 32 hexadecimal digits) as people know it."""
    if isinstance(value, UUID):
        return str(value)
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def ids(values: Values) -> Values:
    """Return the column with every id as people know it; None stays None."""
    try:
        return [v and f"{v[:8]}-{v[8:12]}-{v[12:16]}-{v[16:20]}-{v[20:]}" for v in values]
    except TypeError:  # a driver that gives UUIDs
        return [value and id_text(value) for value in values]


def as_they_are(values: Values) -> Values:
    """Return the column itself."""
    return values


def plain(kinds: Iterable[Kind]) -> list[Plain]:
    """Return what makes the plain values of columns, those of every format, out of what the driver gives."""
    ways: dict[Kind, Plain] = {Kind.TIME: Clock(), Kind.ID: ids}
    return [ways.get(kind, as_they_are) for kind in kinds]
