"""Excel workbooks row by row, in constant memory, whatever they pretend to be.

openpyxl knows what a cell means. Its own reading keeps all texts of a workbook and something of every row, and fills
gaps of any size; so the texts lie on disk here, rows are let go, and every part of the archive is held to a size.
"""

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time, timedelta
from typing import IO, Any, BinaryIO
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.worksheet._reader import ROW_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from callcov_portal.reading.tables import Line, NotATable

MB = 1_000_000
MOST_BYTES = 400 * MB  # of the table or of its texts, unpacked
MOST_BYTES_ELSEWHERE = 20 * MB  # of every other part, which is read whole
LONGEST_RUN = 1 * MB  # bytes without a mark of XML: one text; Excel itself writes no longer ones than 32,767 characters
MOST_COLUMNS = 200
LAST_ROW = 1_048_576  # of Excel
TEXT_TAG = f"{{{SHEET_MAIN_NS}}}si"
DAMAGED = "The workbook cannot be read. Save it again as Excel workbook (.xlsx), or as CSV (UTF-8)."


class Texts:
    """The texts of a workbook, which its cells name by number: read as far as they are asked for, and kept in a file."""

    def __init__(self, file: IO[bytes], texts: Iterator[str]) -> None:
        self.file, self.texts, self.starts = file, texts, array("Q", [0])

    def __getitem__(self, index: int) -> str:
        if index < 0:
            raise NotATable(DAMAGED)
        while index >= len(self.starts) - 1:
            self.append(next(self.texts))
        self.file.seek(self.starts[index])
        return self.file.read(self.starts[index + 1] - self.starts[index]).decode()

    def append(self, text: str) -> None:
        """Write one more."""
        self.file.seek(self.starts[-1])
        self.starts.append(self.starts[-1] + self.file.write(text.encode("utf-8", "replace")))


class Held:
    """A part of an archive, held to a size and to texts of a length."""

    def __init__(self, part: IO[bytes], most: int) -> None:
        self.part, self.left, self.run = part, most, 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; raises `NotATable` beyond what is allowed."""
        content = self.part.read(min(65536, self.left + 1) if size < 0 else size)
        self.left -= len(content)
        last = content.rfind(b"<")
        self.run = self.run + len(content) if last < 0 else len(content) - last
        if self.left < 0 or self.run > LONGEST_RUN:
            raise NotATable("The workbook is larger than it may be. Save the table as CSV (UTF-8), or split it.")
        return content

    def close(self) -> None:
        """Be done with it."""
        self.part.close()


class Archive(ZipFile):
    """A ZIP whose parts are held."""

    def open(self, name: Any, *_: Any, **__: Any) -> Any:
        """Return a part as it is read bit by bit."""
        return Held(super().open(name), MOST_BYTES)

    def read(self, name: Any, pwd: bytes | None = None) -> bytes:
        """Return a part whole; never that of the table."""
        with super().open(name, pwd=pwd) as part:
            content = part.read(MOST_BYTES_ELSEWHERE + 1)
        if len(content) > MOST_BYTES_ELSEWHERE:
            raise NotATable(DAMAGED)
        return content


class Reader(ExcelReader):  # type: ignore[misc]
    """openpyxl's reader, with what lies around the tables read and the texts on disk."""

    def __init__(self, file: BinaryIO, texts: IO[bytes]) -> None:
        super().__init__(file, read_only=True, data_only=True, keep_links=False)
        self.archive = Archive(file)
        self.read_manifest()
        self.shared_strings = Texts(texts, self.texts())
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)

    def texts(self) -> Iterator[str]:
        """Return the texts in their order; what a cell names beyond them is damage."""
        found = self.package.find(SHARED_STRINGS)
        if found is not None:
            with closing(self.archive.open(found.PartName[1:])) as source:
                for element in ended(source, TEXT_TAG):
                    yield Text.from_tree(element).content.replace("x005F_", "")
        raise NotATable(DAMAGED)

    def first_sheet(self) -> str:
        """Return the part that holds the first table that is shown."""
        for sheet, relation in self.parser.find_sheets():
            if sheet.state == "visible" and "chartsheet" not in relation.Type:
                return str(relation.target)
        raise NotATable("The workbook shows no sheet with a table.")


def ended(source: Held, tag: str) -> Iterator[Element]:
    """Return the elements of a kind as they end; each and what lies before it is let go."""
    path: list[Element] = []
    for event, element in iterparse(source, events=("start", "end")):
        if event == "start":
            path.append(element)
            continue
        path.pop()
        if element.tag == tag:
            yield element
        if path and (element.tag == tag or len(path) == 1):
            path[-1].clear()


def lines_of(file: BinaryIO) -> Iterator[Line]:
    """Return the rows of the first visible table that hold anything, with their numbers, every cell as text.

    Raises `NotATable` at what cannot be read.
    """
    try:
        with tempfile.TemporaryFile() as texts:
            reader = Reader(file, texts)
            with closing(reader.archive.open(reader.first_sheet())) as source:
                yield from rows_of(source, reader)
    except NotATable:
        raise
    except Exception as error:  # what a broken workbook makes zipfile, expat and openpyxl raise is without end
        raise NotATable(DAMAGED) from error


def rows_of(source: Held, reader: Reader) -> Iterator[Line]:
    """Return the rows of one table that hold anything."""
    wb = reader.wb
    kinds = {"date_formats": wb._date_formats, "timedelta_formats": wb._timedelta_formats}
    parser = WorkSheetParser(source, reader.shared_strings, data_only=True, epoch=wb.epoch, **kinds)
    last = 0
    for element in ended(source, ROW_TAG):
        number, cells = parser.parse_row(element)
        parser.row_dimensions.clear()
        if not last < number <= LAST_ROW:
            raise NotATable(DAMAGED)
        last = number
        values = texts_of(cells)
        if any(values):
            yield number, values


def texts_of(cells: Sequence[dict[str, Any]]) -> list[str]:
    """Return the cells of a row as texts, those that are left out as empty ones."""
    texts: list[str] = []
    for cell in cells:
        if not len(texts) < cell["column"] <= MOST_COLUMNS:
            break
        texts += [""] * (cell["column"] - 1 - len(texts))
        texts.append(text_of(cell["value"]))
    return texts


def text_of(value: object) -> str:
    """Return what a cell holds as a CSV would say it: whole numbers without a point, times in ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
