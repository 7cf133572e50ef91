"""Reads every dialect of the API into the values of `types`. Nothing here trusts a type or a key to be there.

The API's pages disagree with each other (`id` or `analysis_id`, `file_size` or `size_bytes`, a reason at the top or
in `metadata`, two error envelopes, two webhook bodies, three ways of paging). Both readings are taken everywhere.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from callcov_portal.client.documents import BadDocument, clean_text, glance, read_json
from callcov_portal.client.types import (
    AnalysisSnapshot,
    ListPage,
    RateLimit,
    SnapshotSegment,
    SnapshotWord,
    WebhookNews,
)

STATUSES = ("processing", "completed", "failed")
USABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", re.ASCII)
LONGEST_MESSAGE = 2000
CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


def parse_analysis(document: Any, rate: RateLimit | None = None) -> AnalysisSnapshot:
    """One analysis object. Raises BadDocument when it is no object or has no usable id; all else is optional."""
    if not isinstance(document, dict):
        raise BadDocument("The answer is not an analysis.")
    call, audio, metadata = (_object(document.get(name)) for name in ("call", "audio", "metadata"))
    transcript = _transcript(document.get("transcript"))
    stage, fraction = _progress(document.get("progress"))
    return AnalysisSnapshot(
        id=_usable_id(document),
        status=_status(document.get("status")),
        created=parse_time(document.get("created")),
        agent_id=_text(call.get("agent_id")),
        contact_id=_text(call.get("contact_id")),
        webhook_url=_text(metadata.get("webhook_url")) or None,
        duration_seconds=_duration(call, audio),
        language=_text(transcript.get("language")),
        text=_text(transcript.get("text")),
        segments=_segments(transcript.get("segments")),
        results=results if isinstance(results := document.get("results"), dict) else None,
        error_message=_reason(document.get("error_message"))
        or _reason(metadata.get("error_message"))
        or _sentence(_object(document.get("progress")).get("trouble")),
        completed_at=parse_time(metadata.get("completed_at")),
        stage=stage,
        fraction=fraction,
        document=document,
        rate=rate,
        size_bytes=_size(audio),
    )


def parse_list(document: Any, *, limit: int, offset: int = 0, rate: RateLimit | None = None) -> ListPage:
    """One page. Items without a usable id are left out. Raises BadDocument when there is no list in it.

    `more` follows `has_more`, else `total`, else whether the page was full; an empty page is always the last.
    """
    envelope = document if isinstance(document, dict) else {"data": document}
    items = envelope.get("data")
    if not isinstance(items, list):
        raise BadDocument("The answer is not a list of analyses.")
    snapshots = []
    for item in items:
        try:
            snapshots.append(parse_analysis(item, rate))
        except BadDocument:
            continue
    return ListPage(tuple(snapshots), _more(envelope, len(items), limit, offset), rate, len(items))


def _more(envelope: Mapping[str, Any], received: int, limit: int, offset: int) -> bool:
    if not received:
        return False
    for hints in (envelope, _object(envelope.get("pagination")), _object(envelope.get("meta"))):
        if isinstance(has_more := hints.get("has_more"), bool):
            return has_more
        if (total := _real(hints.get("total"))) is not None:
            return offset + received < total
    return received >= limit


def parse_webhook(body: bytes) -> WebhookNews | None:
    """What a webhook's body claims, wrapped in `data` or bare; None when it names no analysis. Never raises."""
    try:
        document = glance(body)
    except BadDocument:
        return None
    top = _object(document)
    for claim in (_object(top.get("data")), top):
        try:
            found = _usable_id(claim)
        except BadDocument:
            continue
        status = _text(claim.get("status")).strip().lower()
        event = _text(top.get("event"))[:100] or (f"analysis.{status}" if status in STATUSES else "")
        return WebhookNews(event, found, status if status in STATUSES else "")
    return None


@dataclass(frozen=True)
class ErrorBody:
    """What an error answer says: a sentence ("" when it says nothing) and what is wrong with which field."""

    message: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def parse_error(body: bytes) -> ErrorBody:
    """Either error envelope (`detail` as text or list; `error` with message and details). Never raises."""
    try:
        document = _object(read_json(body))
    except BadDocument:
        return ErrorBody()
    detail, error = document.get("detail"), document.get("error")
    fields = _listed(detail) | _missing(_object(error))
    said = _sentence(_object(error).get("message")) or _sentence(error) or _sentence(detail)
    return ErrorBody(said or _shorten("; ".join(f"{name}: {what}" for name, what in fields.items())), fields)


def _listed(detail: Any) -> dict[str, str]:
    entries = [entry for entry in detail if isinstance(entry, dict)] if isinstance(detail, list) else []
    return {_field_name(entry.get("loc")): _sentence(entry.get("msg")) or "is not accepted" for entry in entries[:50]}


def _field_name(location: Any) -> str:
    steps = [_text(step) for step in location] if isinstance(location, list) else [_text(location)]
    if len(steps) > 1 and steps[0] in {"body", "query", "path", "header"}:
        steps = steps[1:]
    return ".".join(step for step in steps if step)[:100] or "request"


def _missing(error: Mapping[str, Any]) -> dict[str, str]:
    names = _object(error.get("details")).get("missing_fields")
    return {_text(name)[:100]: "is missing" for name in names[:50]} if isinstance(names, list) else {}


def parse_time(value: Any) -> datetime | None:
    """A moment with a time zone, from Unix seconds (as number or text) or ISO 8601 (UTC if it names no zone)."""
    seconds = _real(value)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, tz=UTC)
        if not isinstance(value, str):
            return None
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _usable_id(document: Mapping[str, Any]) -> str:
    for name in ("id", "analysis_id"):
        value = document.get(name)
        if isinstance(value, str) and USABLE_ID.fullmatch(value.strip()):
            return value.strip()
    raise BadDocument("The answer names no analysis.")


def _status(value: Any) -> str:
    word = _text(value).strip().lower()
    return word if word in STATUSES else "processing"


def _duration(call: Mapping[str, Any], audio: Mapping[str, Any]) -> float | None:
    for source in (call, audio):
        if (seconds := _positive(source.get("duration_seconds"))) is not None:
            return seconds
        if (milliseconds := _positive(source.get("duration_ms"))) is not None:
            return milliseconds / 1000
    return None


def _size(audio: Mapping[str, Any]) -> int | None:
    sizes = (_positive(audio.get(name)) for name in ("file_size", "size_bytes"))
    return next((int(size) for size in sizes if size is not None), None)


def _transcript(value: Any) -> Mapping[str, Any]:
    return {"text": value} if isinstance(value, str) else _object(value)


def _segments(value: Any) -> tuple[SnapshotSegment, ...]:
    found: list[SnapshotSegment] = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            start, end = _span(item, found[-1].end if found else 0.0)
            text, speaker = _text(item.get("text")), _text(item.get("speaker"))
            words = _words(item.get("words"), start)
            found.append(SnapshotSegment(speaker, text, start, end, _confidence(item), words))
    return tuple(found)


def _words(value: Any, start: float) -> tuple[SnapshotWord, ...]:
    if not isinstance(value, list):
        return ()
    return _usual_words(value) or _any_words(value, start)


def _usual_words(items: list[Any]) -> tuple[SnapshotWord, ...] | None:
    """The words, if each is as our engine writes it: an hour's call has 10,000. None if one must be looked at closer."""
    try:
        words = [SnapshotWord(item["text"], item["start"], item["end"], item["confidence"]) for item in items]
    except (KeyError, TypeError, IndexError):
        return None
    return tuple(words) if all(map(_is_usual, words)) else None


def _is_usual(word: SnapshotWord) -> bool:
    text, start, end, confidence = word
    if not (type(text) is str and type(start) is type(end) is type(confidence) is float):
        return False
    is_clean = text != "" and text.isascii() and "\x00" not in text
    return is_clean and 0.0 <= start <= end < math.inf and 0.0 <= confidence <= 1.0


def _any_words(value: list[Any], start: float) -> tuple[SnapshotWord, ...]:
    found: list[SnapshotWord] = []
    for item in value:
        text = _text(item.get("text")) or _text(item.get("word")) if isinstance(item, dict) else ""
        if text:
            begin, end = _span(item, found[-1].end if found else start)
            found.append(SnapshotWord(text, begin, end, _confidence(item)))
    return tuple(found)


def _span(item: Mapping[str, Any], fallback: float) -> tuple[float, float]:
    start = _positive(item.get("start"))
    start = fallback if start is None else start
    end = _positive(item.get("end"))
    return start, start if end is None else max(start, end)


def _confidence(item: Mapping[str, Any]) -> float | None:
    value = _positive(item.get("confidence"))
    return value if value is not None and value <= 1 else None


def _reason(value: Any) -> str:
    """A failure's reason; the pages show a string, some readers got an object with a message."""
    return _sentence(value) or _sentence(_object(value).get("message"))


def _progress(value: Any) -> tuple[str, float]:
    """The embedded engine's stage and fraction; the hosted API has no such word."""
    progress = _object(value)
    stage = (_sentence(progress.get("stage")) or _sentence(value))[:100]
    return stage, min(_positive(progress.get("fraction")) or 0.0, 1.0)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """Text as it came; a whole number as its digits (ids are sometimes sent so); anything else is ""."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    return clean_text(value) if isinstance(value, str) else ""


def _sentence(value: Any) -> str:
    return _shorten(CONTROLS.sub(" ", clean_text(value)).strip()) if isinstance(value, str) else ""


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def _real(value: Any) -> float | None:
    """A finite number, also when it was sent as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or (isinstance(value, str) and "_" in value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _positive(value: Any) -> float | None:
    number = _real(value)
    return number if number is not None and number >= 0 else None
