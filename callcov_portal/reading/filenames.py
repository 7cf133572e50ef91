"""What a recording's file name says about the call."""

import re
from datetime import datetime, tzinfo

# 2026-03-02_14-30-05, 20260302-143005, 2026.03.02T14.30 and the like; digits must not run on at either end.
STAMP = re.compile(
    r"(?<!\d)(20\d\d)[-._]?(0[1-9]|1[0-2])[-._]?(0[1-9]|[12]\d|3[01])"
    r"[-._T ]{1,2}([01]\d|2[0-3])[-._:h]?([0-5]\d)(?:[-._:m]?([0-5]\d))?(?!\d)"
)


def called_at_in(file_name: str, zone: tzinfo) -> datetime | None:
    """Return the date and time in a file's name, read in the given zone; None if there is none that exists."""
    match = STAMP.search(file_name)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
