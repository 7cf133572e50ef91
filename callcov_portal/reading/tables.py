"""Tables as spreadsheets write them: CSV in any of its encodings, line by line, in constant memory."""

import codecs
import csv
from collections.abc import Iterator
from contextlib import suppress
from io import TextIOWrapper
from itertools import chain
from typing import BinaryIO, TextIO

BLOCK = 64 * 1024
LONGEST_LINE = 1_000_000  # characters; what is longer is no table
MARKS = "=+-@"  # a spreadsheet that opens an export would take these for the beginning of a formula

Line = tuple[int, list[str]]  # its number, as an editor counts, and its cells


class NotATable(ValueError):
    """The table as a whole cannot be read; says what to do in one sentence."""


def encoding_of(file: BinaryIO) -> str:
    """Return how a text is encoded: by its mark, else UTF-8, else the old Western one of Windows. Reads from the start.

    Raises `NotATable` for a damaged UTF-16 text.
    """
    file.seek(0)
    is_wide = file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    try:
        check_encoding(file, "utf-16" if is_wide else "utf-8")
    except UnicodeDecodeError as error:
        if is_wide:
            raise NotATable("The file is damaged: save it again as CSV (UTF-8).") from error
        return "cp1252"
    return "utf-16" if is_wide else "utf-8-sig"


def check_encoding(file: BinaryIO, encoding: str) -> None:
    """Raise `UnicodeDecodeError` if a file is not encoded like that."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    while block := file.read(BLOCK):
        decoder.decode(block)
    decoder.decode(b"", final=True)


def text_of(file: BinaryIO) -> TextIOWrapper:
    """Return a file's text from its start; closing it closes the file."""
    encoding = encoding_of(file)
    file.seek(0)
    return TextIOWrapper(file, encoding, errors="replace", newline="")


def lines_in(file: BinaryIO) -> Iterator[Line]:
    """Return the lines of a CSV file as `lines_of` does; the file stays open."""
    text = text_of(file)
    try:
        yield from lines_of(text)
    finally:
        with suppress(ValueError):  # it was closed by whoever opened it
            text.detach()


def lines_of(text: TextIO) -> Iterator[Line]:
    """Return the lines of a CSV text that hold anything; the first of them tells the delimiter.

    Raises `NotATable` at the line that cannot be read.
    """
    raw = raw_lines(text)
    leading = []
    for line in raw:
        leading.append(line)
        if line.strip():
            break
    first = leading[-1] if leading else ""
    reader = csv.reader(chain(leading, raw), delimiter=max(",;\t", key=first.count))
    try:
        number = 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise NotATable(f"Line {reader.line_num} cannot be read ({error}). Save the table as CSV (UTF-8).") from error


def raw_lines(text: TextIO) -> Iterator[str]:
    """Return the lines as they are; raises `NotATable` for what cannot be one of a CSV."""
    while line := text.readline(LONGEST_LINE):
        if "\0" in line or len(line) == LONGEST_LINE:
            raise NotATable("This is no CSV file. Save the table as CSV (UTF-8).")
        yield line


def unquoted(value: str) -> str:
    """Return a cell without the apostrophe that our exports put before what could be a formula."""
    return value[1:] if value.startswith("'") and value[1:2] and value[1] in MARKS else value
