"""How one cell is written: texts that no spreadsheet runs, times with their zone.

Cells are treated a column of a batch at a time: what can be said of the whole column at once costs next to nothing.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
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

MOST_KEPT = 10_000  # values of one column that are remembered

Values = Sequence[Any]


def safe_text(value: object) -> str:
    """Return a text that no spreadsheet takes for a formula: `'` goes before whatever could begin one."""
    text = "" if value is None else str(value)
    if text[:1].isalnum() and text.isprintable():  # one line that begins with a letter: nearly every cell
        return text
    safe = FORMULA_INSIDE.sub(r"\1'", text)
    return f"'{safe}" if FORMULA.match(text) else safe


class Guard(dict[Any, str]):
    """Makes the texts of a column safe, and remembers those it had to look at one by one."""

    def __missing__(self, value: Any) -> str:
        if len(self) >= MOST_KEPT:
            self.clear()
        safe = self[value] = safe_text(value)
        return safe

    def __call__(self, values: Values) -> Values:
        """Return the column with every text safe; None stays None, which is written as nothing."""
        texts = [value for value in values if value]
        try:
            begins = "".join([text[0] for text in texts])
            is_plain = begins.isalnum() and "".join(texts).isprintable()
        except (TypeError, IndexError):  # something that is no text
            is_plain = False
        return values if is_plain or not texts else list(map(self.__getitem__, values))


class Clock:
    """Writes moments, as the database driver gives them, as ISO 8601 with the offset of the portal's time zone.

    SQLite's driver gives text in UTC. Within an hour of UTC nearly every zone has one offset of whole hours, so that
    only the hour has to be looked up; where it has not, each moment is worked out.
    """

    def __init__(self) -> None:
        self.zone = timezone.get_current_timezone()
        self.hours: dict[str, Any] = {}  # of UTC: what `learnt` returned

    def __call__(self, values: Values) -> Values:
        """Return the column with every moment written; None stays None."""
        hours = self.hours
        try:
            for hour in {value[:13] for value in values if value} - hours.keys():
                self.learnt(hour)
            return [value and f"{(known := hours[value[:13]])[0]}{value[13:19]}{known[1]}" for value in values]
        except (TypeError, KeyError):  # moments of a driver that gives them as such, or an hour without one offset
            return [None if value is None else self.written(value) for value in values]

    def written(self, value: str | datetime) -> str:
        """Return one moment written to the second."""
        if isinstance(value, datetime):
            return moment_of(value).astimezone(self.zone).isoformat(timespec="seconds")
        hour = value[:13]
        known = self.hours[hour] if hour in self.hours else self.learnt(hour)
        return f"{known[0]}{value[13:19]}{known[1]}" if known else self.local(value).isoformat(timespec="seconds")

    def learnt(self, hour: str) -> tuple[str, str] | None:
        """Return what an hour of UTC begins and ends with here, None where it has no single offset of whole hours."""
        if len(self.hours) >= MOST_KEPT:
            self.hours.clear()
        first, last = self.local(f"{hour}:00:00"), self.local(f"{hour}:59:59")
        is_whole = first.utcoffset() == last.utcoffset() and first.minute == first.second == 0
        written = first.isoformat(timespec="seconds")
        self.hours[hour] = known = (written[:13], written[19:]) if is_whole else None
        return known

    def local(self, text: str) -> datetime:
        """Return a moment as SQLite keeps it in the portal's zone; the ends of time stay in UTC."""
        moment = moment_of(text)
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
    return [value and id_text(value) for value in values]


def as_they_are(values: Values) -> Values:
    """Return the column itself."""
    return values


def plain(kind: Kind) -> Callable[[Values], Values]:
    """Return what makes the plain values of a column, those of every format, out of what the driver gives."""
    if kind is Kind.TIME:
        return Clock()
    return ids if kind is Kind.ID else as_they_are


def guarded(kind: Kind) -> Callable[[Values], Values]:
    """Return what makes a column of plain values safe for a format that holds nothing but text."""
    return Guard() if kind is Kind.TEXT else as_they_are
