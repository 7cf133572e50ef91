"""A time and a length as tables write them. What could mean two things is refused, never guessed."""

import re
from datetime import UTC, date, datetime, time, tzinfo

DAY = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})\b")
CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(?:([ap])\.?m\.?)?", re.IGNORECASE)
NAMED_DAYS = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y")
LENGTH = re.compile(r"(?:(\d+):)?(\d+):(\d\d(?:[.,]\d+)?)")
LONGEST = 7 * 24 * 3600  # seconds
HOW = "Write it like 2026-03-02 14:30."


class Unclear(ValueError):
    """What stands there is no time, or could be two; says what to do."""


def moment_of(text: str, clock: str, zone: tzinfo, *, day_first: bool | None) -> datetime:
    """Return the time that a cell tells, or two: the day, and the time of day in the other.

    Without an offset it is in `zone`. `day_first`: 3/2/2026 is in February; None: that nobody said. Raises `Unclear`.
    """
    try:
        moment = of_seconds(text) or of_iso(text) or of_parts(text, day_first=day_first)
        if clock.strip():
            moment = datetime.combine(moment.date(), time_of(clock), moment.tzinfo)
    except (OverflowError, OSError) as error:
        raise Unclear(f"“{text[:60]}” is no time. {HOW}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def of_seconds(text: str) -> datetime | None:
    """Read seconds or milliseconds since 1970, of the digits that these have in our time."""
    if re.fullmatch(r"\d{10}|\d{13}", text, re.ASCII):
        return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)
    return None


def of_iso(text: str) -> datetime | None:
    """Read ISO 8601."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def of_parts(text: str, *, day_first: bool | None) -> datetime:
    """Read a day with dots, strokes or the month's name, and a time of day behind it if there is one."""
    words = " ".join(text.replace(",", " ").split())
    if found := DAY.match(words):
        day, rest = day_of(found, day_first=day_first), words[found.end() :]
    else:
        day, rest = named_day_of(words)
    return datetime.combine(day, time_of(rest) if rest.strip(" T") else time())


def day_of(found: re.Match[str], *, day_first: bool | None) -> date:
    """Return the day of three numbers."""
    day, _, month, year = found.groups()
    if len(day) == 4:
        day, year = year, day
    elif is_month_first(found, day_first=day_first):
        day, month = month, day
    try:
        return date(int(year) + {2: 2000, 4: 0}[len(year)], int(month), int(day))
    except (ValueError, KeyError) as error:
        raise Unclear(f"{found[0]} is no day. {HOW}") from error


def is_month_first(found: re.Match[str], *, day_first: bool | None) -> bool:
    """Say whether a day that ends with its year begins with its month; raises `Unclear` where nobody can."""
    one, mark, two, _ = found.groups()
    if mark == "." or int(one) > 12 or one == two:
        return False
    if int(two) <= 12 and day_first is None:
        raise Unclear(f"{found[0]} could be two days: say below whether day or month comes first.")
    return int(two) > 12 or not day_first


def named_day_of(words: str) -> tuple[date, str]:
    """Return the day whose month is named, and what stands behind it."""
    parts = words.replace("-", " ", 2).split(" ", 3)
    for form in NAMED_DAYS:
        try:
            day = datetime.strptime(" ".join(parts[:3]), form)  # noqa: DTZ007 - its zone comes later
        except ValueError:
            continue
        return day.date(), " ".join(parts[3:])
    raise Unclear(f"“{words[:60]}” is no time. {HOW}")


def time_of(text: str) -> time:
    """Return a time of day, of 24 hours or of twice 12."""
    found = CLOCK.fullmatch(text.strip(" T"))
    if found:
        hour, half = int(found[1]), (found[4] or "").lower()
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "p" else 0)
        if hour < 24 and int(found[2]) < 60 and int(found[3] or 0) < 60:
            return time(hour, int(found[2]), int(found[3] or 0))
    raise Unclear(f"“{text.strip()[:60]}” is no time of day. Write it like 14:30.")


def seconds_of(text: str) -> float | None:
    """Return a length in seconds, told as such or as 1:02:03; None for anything else: it is only for the sum."""
    if found := LENGTH.fullmatch(text):
        seconds = int(found[1] or 0) * 3600 + int(found[2]) * 60 + float(found[3].replace(",", "."))
    elif re.fullmatch(r"\d{1,7}([.,]\d+)?", text, re.ASCII):
        seconds = float(text.replace(",", "."))
    else:
        return None
    return seconds if 0 < seconds <= LONGEST else None
