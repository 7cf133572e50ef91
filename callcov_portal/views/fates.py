"""What became of a file or link, in words."""

from dataclasses import dataclass
from typing import Any

from callcov_portal.models import BatchItem, Fate, Recording

WORDS = {
    Fate.WAITING: "Waiting",
    Fate.STORED: "Stored as",
    Fate.DUPLICATE: "Duplicate of",
    Fate.REFUSED: "Refused:",
    Fate.CANCELLED: "Cancelled",
}


@dataclass(frozen=True)
class Became:
    """What became of one item: waiting, stored as a call, known already as one, refused, or cancelled."""

    name: str
    outcome: str
    words: str
    recording: Recording | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as static/js/upload.js reads it."""
        call = self.recording
        url = call.get_absolute_url() if call else ""
        return {"outcome": self.outcome, "words": self.words, "url": url, "call": str(call or "")}


def fate_of(item: BatchItem) -> Became:
    """Say what became of an item; a call that was deleted since is not named."""
    fate = Fate(item.fate)
    words = WORDS[fate]
    if fate in {Fate.REFUSED, Fate.CANCELLED}:
        words = f"{words} {item.detail}".strip()
    call = item.recording or item.duplicate_of
    if call is None and fate in {Fate.STORED, Fate.DUPLICATE}:
        words = "Stored, and deleted since" if fate == Fate.STORED else "Duplicate of a call that was deleted since"
    return Became(item.name or item.link, fate, words, call)
