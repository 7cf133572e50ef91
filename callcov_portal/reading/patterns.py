"""What the names of files say about calls, by patterns that people write.

A pattern is a file's name with fields in it: `{agent}_{contact}_{date}_{time}`. All else stands for itself, `*` for
anything. A pattern with a `/` looks at folders too: `{agent}/{date} {time}*`. The ending (`.wav`) is not part of it.

A field of free text ends at the first place where what follows it fits; so a name is read in one go, however
strange it is, and never tried over and over.
"""

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

LONGEST = 2000  # characters of all patterns together
MOST = 20

# Fields of free text, and those whose text has a form. A date is year first unless the field says otherwise.
FREE = ("agent", "contact", "any")
YEAR, MONTH, DAY = "(?P<year>20[0-9]{2})", "(?P<month>0[1-9]|1[0-2])", "(?P<day>0[1-9]|[12][0-9]|3[01])"
GAP = "[-._ ]?"
FORMED = {
    "date": f"{YEAR}{GAP}{MONTH}{GAP}{DAY}",
    "date:dmy": f"{DAY}{GAP}{MONTH}{GAP}{YEAR}",
    "date:mdy": f"{MONTH}{GAP}{DAY}{GAP}{YEAR}",
    "time": r"(?P<hour>[01][0-9]|2[0-3])[-._:h]?(?P<minute>[0-5][0-9])(?:[-._:m]?(?P<second>[0-5][0-9])s?)?(?![0-9])",
    "direction": "(?P<direction>inbound|incoming|in|outbound|outgoing|out)",
}
DIRECTIONS = {"in": "inbound", "out": "outbound"}
PIECE = re.compile(r"\{(?P<field>[^{}]*)\}|(?P<star>\*)|(?P<brace>[{}])|(?P<text>[^{}*]+)")
ENDING = re.compile(r"\.[A-Za-z0-9]{2,5}$")


class PatternError(ValueError):
    """A pattern cannot be read: says what is wrong, in which line and at which character, both from 1."""

    def __init__(self, why: str, line: int, column: int) -> None:
        super().__init__(f"Line {line}, character {column}: {why}")
        self.line, self.column = line, column


@dataclass(frozen=True)
class Said:
    """What a name says about a call; empty what it does not."""

    agent: str = ""
    contact: str = ""
    called_at: datetime | None = None
    direction: str = ""


@dataclass(frozen=True)
class Pattern:
    """A pattern that can be read; it looks at the last `depth` parts of a path."""

    text: str
    depth: int
    expression: re.Pattern[str]

    def read(self, path: str, zone: tzinfo) -> Said | None:
        """Return what the name of a file, with its folders, says; None if the pattern does not fit all of it."""
        parts = ENDING.sub("", path.strip("/")).split("/")
        match = self.expression.fullmatch("/".join(parts[-self.depth :]))
        return said(match.groupdict(), zone) if match else None


def said(fields: dict[str, str | None], zone: tzinfo) -> Said | None:
    """Return what was found in words of calls; None for a date that does not exist."""
    try:
        called_at = moment_of(fields, zone)
    except ValueError:
        return None
    direction = (fields.get("direction") or "").lower()
    return Said(
        (fields.get("agent") or "").strip(),
        (fields.get("contact") or "").strip(),
        called_at,
        next((word for start, word in DIRECTIONS.items() if direction.startswith(start)), ""),
    )


def moment_of(fields: dict[str, str | None], zone: tzinfo) -> datetime | None:
    """Return the moment that was found, at midnight where only the day is named; None without a day."""
    if not fields.get("year"):
        return None
    names = ("year", "month", "day", "hour", "minute", "second")
    year, month, day, hour, minute, second = (int(fields.get(name) or 0) for name in names)
    return datetime(year, month, day, hour, minute, second, tzinfo=zone)


def read(patterns: str, path: str, zone: tzinfo) -> Said | None:
    """Return what the first pattern that fits reads in a path; None if none does. Raises `PatternError`."""
    found = (pattern.read(path, zone) for pattern in compiled(patterns))
    return next((said for said in found if said is not None), None)


@lru_cache(maxsize=64)
def compiled(patterns: str) -> tuple[Pattern, ...]:
    """Return the patterns of a text, one a line. Raises `PatternError` with the first that cannot be read."""
    lines = [(number, line.strip()) for number, line in enumerate(patterns.splitlines(), 1) if line.strip()]
    if len(patterns) > LONGEST or len(lines) > MOST:
        raise PatternError(f"At most {MOST} patterns, of {LONGEST} characters together.", max(1, len(lines)), 1)
    return tuple(compiled_line(line, number) for number, line in lines)


def compiled_line(text: str, line: int) -> Pattern:
    """Return one pattern."""
    pieces = pieces_of(ENDING.sub("", text), line)
    source = ""
    for piece in reversed(pieces):  # so that what follows a field is known where it is written
        source = piece.source(source) + source
    fields = {piece.field.partition(":")[0] for piece in pieces}
    if "time" in fields and "date" not in fields:
        raise PatternError("A {time} needs a {date} beside it.", line, text.index("{time}") + 1)
    if not fields & {"agent", "contact", "date", "direction"}:
        raise PatternError("Name at least one of {agent}, {contact}, {date}, {time}, {direction}.", line, 1)
    return Pattern(text, text.strip("/").count("/") + 1, re.compile(source, re.IGNORECASE))


@dataclass(frozen=True)
class Piece:
    """A field, or text that stands for itself."""

    field: str
    text: str = ""

    def source(self, rest: str) -> str:
        """Return the piece as an expression before `rest`, which is what follows it."""
        if not self.field:
            return re.escape(self.text)
        if self.field in FORMED:
            return FORMED[self.field]
        least = "*" if self.field == "any" else "+"
        text = rf"(?:(?!{following(rest)})[^/]){least}+"
        return text if self.field == "any" else f"(?P<{self.field}>{text})"


def following(rest: str) -> str:
    """Return where a field of free text ends: at what follows it up to the next such field, or at the end."""
    until_next, is_more, _ = rest.partition("(?:(?!")
    if not is_more:
        return without_names(rest) + r"\Z"
    return without_names(re.sub(r"\(\?P<\w+>$", "", until_next))


def without_names(source: str) -> str:
    """Return an expression that remembers nothing: a name may stand in it once only."""
    return re.sub(r"\(\?P<\w+>", "(?:", source)


def pieces_of(text: str, line: int) -> list[Piece]:
    """Return the pieces of a pattern. Raises `PatternError`."""
    pieces: list[Piece] = []
    seen: set[str] = set()
    for match in PIECE.finditer(text):
        piece, column = piece_of(match, line), match.start() + 1
        name = piece.field.partition(":")[0]
        if name in seen - {"", "any"}:
            raise PatternError(f"{{{name}}} is there twice.", line, column)
        if pieces and name in FREE and pieces[-1].field in FREE:
            raise PatternError("Put something between these two, or nobody knows where one ends.", line, column)
        seen.add(name)
        pieces.append(piece)
    return pieces


def piece_of(match: re.Match[str], line: int) -> Piece:
    """Return one piece. Raises `PatternError` for a field that is not known and for a brace alone."""
    column = match.start() + 1
    if match["brace"]:
        raise PatternError(f"A {match['brace']} stands alone: a field is written {{agent}}.", line, column)
    if match["star"]:
        return Piece("any")
    if match["text"]:
        return Piece("", match["text"])
    field = match["field"].strip().lower()
    if field not in FORMED and field not in FREE:
        known = ", ".join(f"{{{name}}}" for name in (*FREE, *FORMED))
        raise PatternError(f"{{{match['field']}}} is not known; these are: {known}.", line, column)
    return Piece(field)
