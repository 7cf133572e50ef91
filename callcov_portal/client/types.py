"""Plain values that come out of the door: what the API said, in one spelling, whatever dialect it used."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(frozen=True)
class RateLimit:
    """What the `X-RateLimit-*` headers of one answer said; None where absent or unreadable. `reset`: Unix seconds."""

    limit: int | None
    remaining: int | None
    reset: float | None


class SnapshotWord(NamedTuple):
    """One word, in seconds from the start of the recording; confidence from 0 to 1, or None."""

    text: str
    start: float
    end: float
    confidence: float | None


@dataclass(frozen=True)
class SnapshotSegment:
    """One speaker's stretch of speech, in seconds; the speaker's label exactly as it came ("A", "Agent", …)."""

    speaker: str
    text: str
    start: float
    end: float
    confidence: float | None
    words: tuple[SnapshotWord, ...] = ()


@dataclass(frozen=True)
class AnalysisSnapshot:
    """What the API says about one analysis at one moment.

    `status` is "processing", "completed" or "failed" (an unknown word counts as processing: nothing is final yet).
    `stage` and `fraction` (0 to 1) are the embedded engine's extra word on how far it is; `error_message` says why it
    failed or, while it is processing, what keeps the engine from it.
    Texts are "" and values None when the API said nothing usable. Times carry a time zone. `document` is the
    answer as received, made storable: NUL and lone surrogates replaced, NaN and infinities None.
    """

    id: str
    status: str
    created: datetime | None = None
    agent_id: str = ""
    contact_id: str = ""
    webhook_url: str | None = None
    duration_seconds: float | None = None
    language: str = ""
    text: str = ""
    segments: tuple[SnapshotSegment, ...] = ()
    results: dict[str, Any] | None = None
    error_message: str = ""
    completed_at: datetime | None = None
    stage: str = ""
    fraction: float = 0.0
    document: dict[str, Any] = field(default_factory=dict)
    rate: RateLimit | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class ListPage:
    """One page of the list. `received` counts the items as they came, those without a usable id included."""

    snapshots: tuple[AnalysisSnapshot, ...]
    more: bool
    rate: RateLimit | None = None
    received: int = 0


@dataclass(frozen=True)
class WebhookNews:
    """What a webhook's body claims. Only a hint: nobody has proved who sent it. `event` and `status` may be ""."""

    event: str
    id: str
    status: str
