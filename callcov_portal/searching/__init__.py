"""What somebody looks for in the words spoken, how it is said to a database, and where in a transcript it is."""

from callcov_portal.searching.query import LONGEST, Query, Term, Who, parse
from callcov_portal.searching.snippets import Piece, Snippet, marked, snippets
from callcov_portal.searching.transcript import HIDDEN, Line, Transcript, of_lines, seconds_of

__all__ = [
    "HIDDEN",
    "LONGEST",
    "Line",
    "Piece",
    "Query",
    "Snippet",
    "Term",
    "Transcript",
    "Who",
    "marked",
    "of_lines",
    "parse",
    "seconds_of",
    "snippets",
]
