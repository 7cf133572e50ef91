"""A manifest: a table of links to recordings, CSV or Excel, with whose call each was and when. Read row by row."""

import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from itertools import chain, islice
from typing import Any, BinaryIO

from callcov_portal.reading import tables, workbooks
from callcov_portal.reading.moments import Unclear, moment_of, seconds_of
from callcov_portal.reading.tables import Line, NotATable

MOST_ROWS = 200_000
LONGEST = {"link": 2000, "agent": 200, "contact": 200}
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
ADDRESS = re.compile(r"\s*https?://", re.IGNORECASE)
EMPTY = "The file holds no rows. Its first line names the columns, each further one is a recording."

# What a column may be, and the names by which it is recognised, best first, in small letters and digits alone.
NAMES: dict[str, tuple[str, ...]] = {
    "link": (
        *("link", "url", "recordingurl", "recordinglink", "audiourl", "audiolink", "callrecording", "recording"),
        *("audio", "fileurl", "downloadurl", "mediaurl", "href", "uri"),
    ),
    "agent": (
        *("agent", "agentid", "agentname", "agentemail", "rep", "representative", "salesrep", "user", "userid"),
        *("username", "operator", "advisor", "employee"),
    ),
    "contact": (
        *("contact", "contactid", "customer", "customerid", "customernumber", "customerphone", "client", "caller"),
        *("callerid", "phone", "phonenumber", "lead", "leadid"),
    ),
    "called_at": (
        *("calledat", "datetime", "calldatetime", "callstart", "startedat", "timestamp", "calldate", "date"),
        *("starttime", "calltime", "start", "time"),
    ),
    "time": ("time", "timeofday", "calltime", "starttime"),
    "direction": ("direction", "calldirection", "calltype"),
    "duration": ("duration", "durationseconds", "durations", "callduration", "talktime", "seconds", "length"),
}
DAYS_ALONE = ("date", "calldate")  # beside which a column may tell the time of day
DIRECTIONS = {
    "inbound": {"inbound", "in", "incoming", "received"},
    "outbound": {"outbound", "out", "outgoing", "dialed", "dialled"},
}


@dataclass(frozen=True)
class Head:
    """The names of a manifest's columns, and the first rows below them."""

    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Columns:
    """Which column is what, by its place from 0. `day_first`: 3/2/2026 is in February; None: that nobody said."""

    places: Mapping[str, int]
    day_first: bool | None = None

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Columns":
        """Return what `as_json` gave."""
        return cls(dict(kept.get("places", {})), kept.get("day_first"))

    def as_json(self) -> dict[str, Any]:
        """Return the same as a batch keeps it."""
        return {"places": dict(self.places), "day_first": self.day_first}


@dataclass(frozen=True)
class Row:
    """One line that holds anything. `wrong` says why it cannot be taken, naming the column."""

    line: int
    link: str = ""
    agent: str = ""
    contact: str = ""
    called_at: datetime | None = None
    direction: str = ""
    seconds: float | None = None
    wrong: str = ""


def lines_of(file: BinaryIO) -> Iterator[Line]:
    """Return the lines that hold anything, of the names of the columns first; `NotATable` for what cannot be read.

    A table without such a first line gets one, numbered 0: its columns are named by their letters.
    """
    file.seek(0)
    first = file.read(8)
    if first.startswith(b"\xd0\xcf\x11\xe0"):
        raise NotATable("This is an old or protected Excel file. Save it as Excel workbook (.xlsx) or CSV (UTF-8).")
    lines = workbooks.lines_of(file) if first.startswith(b"PK\x03\x04") else tables.lines_in(file)
    line = next(lines, None)
    if line is None:
        raise NotATable(EMPTY)
    if any(ADDRESS.match(cell) for cell in line[1]):
        yield 0, [letters(place) for place in range(len(line[1]))]
    yield from chain([line], lines)


def head_of(file: BinaryIO, rows: int = 3) -> Head:
    """Return the columns and the first rows of a manifest. Raises `NotATable`."""
    lines = lines_of(file)
    _, names = next(lines)
    found = [cells for _, cells in islice(lines, rows)]
    if not found:
        raise NotATable(EMPTY)
    width = min(max(map(len, [names, *found])), workbooks.MOST_COLUMNS)
    names = [" ".join(name.split())[:100] for name in names] + [""] * width
    return Head([names[place] or letters(place) for place in range(width)], found)


def letters(place: int) -> str:
    """Return what a spreadsheet calls a column without a name."""
    tens, ones = divmod(place, 26)
    return "Column " + (chr(64 + tens) if tens else "") + chr(65 + ones)


def guessed(head: Head) -> Columns:
    """Return which column is probably what: by its name, a link also by how it begins; what is not clear is left out."""
    names = [re.sub(r"[^a-z0-9]", "", name.casefold()) for name in head.columns]
    places: dict[str, int] = {}
    for field, known in NAMES.items():
        free = [name for name in known if name in names and names.index(name) not in places.values()]
        if free and (field != "time" or names[places.get("called_at", 0)] in DAYS_ALONE):
            places[field] = names.index(free[0])
    linked = [place for row in head.rows for place, cell in enumerate(row) if ADDRESS.match(cell)]
    if "link" not in places and linked:
        places["link"] = linked[0]
    return Columns(places)


def rows_of(
    file: BinaryIO, columns: Columns, zone: tzinfo, latest: datetime, after: int = 0
) -> Generator[Row, None, None]:
    """Return the rows below line `after`, each good or wrong; no call was after `latest`. Raises `NotATable`."""
    lines = lines_of(file)
    _, header = next(lines)
    judge = Judge(columns, [" ".join(name.split())[:60] for name in header], zone, latest)
    for count, (line, cells) in enumerate(lines, 1):
        if count > MOST_ROWS:
            raise NotATable(f"The manifest has more than {MOST_ROWS:,} rows. Split it.")
        if line > after:
            yield judge.row_of(line, cells)


@dataclass(frozen=True)
class Judge:
    """Says what a line means, or why it cannot be taken."""

    columns: Columns
    header: list[str]
    zone: tzinfo
    latest: datetime

    def row_of(self, line: int, cells: list[str]) -> Row:
        """Return what one line says. What is wrong with it is told; what can be shown of it is there all the same."""
        said = {field: cell_of(cells, place) for field, place in self.columns.places.items()}
        texts = {field: said.get(field, "") for field in LONGEST}
        link, agent, contact = (printable(text)[: LONGEST[field]] for field, text in texts.items())
        row = Row(line, link, agent, contact, seconds=seconds_of(said.get("duration", "")))
        if not texts["link"]:
            return replace(row, wrong=self.about("link", "There is no link."))
        for field, text in texts.items():
            if wrong := wrong_in(text, LONGEST[field]):
                return replace(row, wrong=self.about(field, wrong))
        try:
            return replace(row, called_at=self.moment(said), direction=self.direction(said.get("direction", "")))
        except Unclear as error:
            return replace(row, wrong=str(error))

    def moment(self, said: Mapping[str, str]) -> datetime | None:
        """Return when the call was, None if the row does not say. Raises `Unclear`, naming the column."""
        day, clock = said.get("called_at", ""), said.get("time", "")
        if not day and not clock:
            return None
        try:
            moment = moment_of(day, clock, self.zone, day_first=self.columns.day_first)
        except Unclear as error:
            raise Unclear(self.about("called_at", str(error))) from error
        if EARLIEST <= moment <= self.latest:
            return moment
        why = f"“{day}” cannot be: a call is made before it is added, and not before {EARLIEST.year}."
        raise Unclear(self.about("called_at", why))

    def direction(self, text: str) -> str:
        """Return who called whom, "" if the row does not say. Raises `Unclear`, naming the column."""
        word = text.casefold()
        for direction, known in DIRECTIONS.items():
            if word in known:
                return direction
        if word in {"", "unknown"}:
            return ""
        raise Unclear(self.about("direction", f"“{printable(text)[:60]}” is neither inbound nor outbound."))

    def about(self, field: str, why: str) -> str:
        """Return what is wrong with the column it stands in."""
        place = self.columns.places.get(field, -1)
        name = (self.header[place] if 0 <= place < len(self.header) else "") or letters(place)
        return f"{name}: {why}" if place >= 0 else why


def cell_of(cells: list[str], place: int) -> str:
    """Return one cell; a row may be shorter than the first."""
    return tables.unquoted(cells[place].strip()) if place < len(cells) else ""


def printable(text: str) -> str:
    """Return a text without what cannot be shown in a line."""
    return "".join(character for character in text if character.isprintable())


def wrong_in(text: str, most: int) -> str:
    """Say what is wrong with a text, "" for nothing."""
    if len(text) > most:
        return f"It is longer than {most:,} characters."
    return "" if text.isprintable() else "It holds a line break or another sign that cannot be printed."
