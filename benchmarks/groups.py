"""All lines of `make bench`, by their groups."""

from benchmarks.exports import lines as exports
from benchmarks.pages.lines import MODULES as PAGES
from benchmarks.search import lines as search

GROUPS = (*PAGES, exports, search)
