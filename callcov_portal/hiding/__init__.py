"""What the transcript hides, no other text tells: quotes, summaries, results of any shape."""

from callcov_portal.hiding.documents import hide_document, hide_quote, hide_results
from callcov_portal.hiding.hider import HIDDEN, MARK, Hider, Run, name_of, runs
from callcov_portal.hiding.looking import Looked, fingerprint, look

__all__ = [
    "HIDDEN",
    "MARK",
    "Hider",
    "Looked",
    "Run",
    "fingerprint",
    "hide_document",
    "hide_quote",
    "hide_results",
    "look",
    "name_of",
    "runs",
]
