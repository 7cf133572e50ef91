"""The documents that the engine sends, as `/api/v1/openapi.json` describes them.

The classes describe and do not serialise: the answers are written by `wire.py`, and a test holds one to the other. More fields than these may come: a reader ignores what it does not know.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from callcov_portal import sound
from callcov_portal.engine.results import Results, Seconds, Share, Speaker

Count = Annotated[int, Field(ge=0)]
Stage = Literal[
    "",
    "fetching",
    "stored",
    "decoding",
    "recognising",
    "separating speakers",
    "checking rules",
    "waiting for the speech model",
]  # in this order but for the last; "" is a link that waits to be fetched


class Progress(Schema):
    """How far a running analysis is: the stage, how much of it is done, what keeps it from going on (our addition)."""

    stage: Stage
    fraction: Share
    trouble: str


class Call(Schema):
    """The call, in the caller's words, and its measured length."""

    agent_id: str
    contact_id: str
    duration_ms: Count | None
    duration_seconds: Seconds | None
    call_type: Literal["inbound", "outbound"] | None = None
    call_timestamp: str | None = None
    metadata: dict[str, Any] | None = None


class Audio(Schema):
    """The recording. `format` is what the link's name says until the audio was read."""

    url: str
    duration_seconds: Seconds | None
    format: Literal[sound.FORMATS] | None  # type: ignore[valid-type]
    file_size: Count | None
    size_bytes: Count | None


class Word(Schema):
    """One word as it was heard (an addition of this engine)."""

    text: str
    start: Seconds
    end: Seconds
    confidence: Share


class Segment(Schema):
    """One speaker's stretch of speech; times in seconds. A is the agent, B the contact."""

    speaker: Speaker
    text: str
    start: Seconds
    end: Seconds
    confidence: Share
    words: list[Word]


class Transcript(Schema):
    """What was said; `language` is empty when nothing was."""

    text: str
    language: str
    segments: list[Segment]


class Metadata(Schema):
    """The analysis' own particulars; `completed_at` in Unix seconds."""

    processing_time_ms: Count | None
    version: str
    webhook_url: str | None
    completed_at: int | None
    error_message: str | None


class Analysis(Schema):
    """One analysis; `created` in Unix seconds. `analysis_id` stands in the answer of /calls/analyze only."""

    id: UUID
    object: Literal["analysis"]
    created: int
    status: Literal["processing", "completed", "failed"]
    livemode: bool
    call: Call
    audio: Audio
    transcript: Transcript | None
    results: Results | None
    metadata: Metadata
    error_message: str | None = None
    progress: Progress | None = None
    analysis_id: UUID | None = None


class Page(Schema):
    """One page of the list; the names of the paging fields are this engine's choice."""

    object: Literal["list"]
    data: list[Analysis]
    has_more: bool
    total: Count
    limit: Annotated[int, Field(ge=1, le=1000)]
    offset: Count


class Complaint(Schema):
    """What is wrong with one field; `input` is a glimpse of what was given."""

    type: str
    loc: list[str]
    msg: str
    input: Any


class Error(Schema):
    """Any error: one sentence, or one entry per field that cannot be used."""

    detail: Annotated[str, Field(min_length=1)] | Annotated[list[Complaint], Field(min_length=1)]


class Particulars(Schema):
    """What is wrong with this very request or file."""

    code: Literal["length_required", "file_too_large", "not_audio", "too_long"]
    message: Annotated[str, Field(min_length=1)]
    details: dict[str, Any] | None = None


class ErrorWithParticulars(Error):
    """An error of 411, 413 or 422: beside `detail` stands what is wrong with this very request or file."""

    error: Particulars
