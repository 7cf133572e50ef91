"""What can be downloaded: tables with one definition of their columns for every format."""

from callcov_portal.exports.cells import safe_text
from callcov_portal.exports.columns import Column, Kind
from callcov_portal.exports.fates import fates_of
from callcov_portal.exports.formats import BYTE_ORDER_MARK, CSV, FORMATS, JSONL, XLSX, ZIP, Format, csv_of, jsonl_of
from callcov_portal.exports.reading import Batch, batches
from callcov_portal.exports.table import Table, Tally
from callcov_portal.exports.tables import AGENTS, CALLS, FINDINGS, SEGMENTS, TABLES
from callcov_portal.exports.wishes import NotPossible, Wish, wish_for

__all__ = [
    "AGENTS",
    "BYTE_ORDER_MARK",
    "CALLS",
    "CSV",
    "FINDINGS",
    "FORMATS",
    "JSONL",
    "SEGMENTS",
    "TABLES",
    "XLSX",
    "ZIP",
    "Batch",
    "Column",
    "Format",
    "Kind",
    "NotPossible",
    "Table",
    "Tally",
    "Wish",
    "batches",
    "csv_of",
    "fates_of",
    "jsonl_of",
    "safe_text",
    "wish_for",
]
