"""One row of a batch: what an item is, and what became of it, in words."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString

from callcov_portal.models import Batch, BatchItem, Cause, Failure, Fate, Recording, State
from callcov_portal.templatetags.portal import chip_of

# Glyph, CSS class and word of what became of an item that is no call.
CHIPS = {
    Fate.WAITING: ("○", "waiting", "Waiting"),
    Fate.DUPLICATE: ("=", "cancelled", "Duplicate"),
    Fate.REFUSED: ("✕", "failed", "Not taken"),
    Fate.CANCELLED: ("–", "cancelled", "Cancelled"),
    Fate.STORED: ("–", "cancelled", "Deleted"),  # the call was, since
}
WHY = {choice.value: str(choice.label) for choice in (*Failure, *Cause)}
HIDDEN = "hidden: it leads to the sound as it came"


@dataclass(frozen=True)
class Row:
    """What the table shows of an item. `call` and `duplicate_of` are numbers of calls, None where there is none."""

    position: int
    name: str
    call: int | None
    size: int | None
    agent: str
    contact: str
    called_at: datetime | None
    chip: SafeString
    duplicate_of: int | None
    why: str


def row_of(item: BatchItem, batch: Batch, *, can_unmask: bool) -> Row:
    """Return the row of an item that was read with its call; a link to unmuted sound is for who may hear that."""
    call = item.recording
    duplicate_of, cause, detail = fate_of(item)
    return Row(
        position=item.position,
        name=item.name or (HIDDEN if call and call.muting and not can_unmask else item.link) or "unnamed",
        call=item.recording_id,
        size=call.size_bytes if call else item.size_bytes,
        agent=call.agent.identifier if call else item.agent or batch.agent,
        contact=call.contact_identifier if call else item.contact or batch.contact,
        called_at=call.called_at if call else item.called_at or batch.called_at,
        chip=chip_for(item, call),
        duplicate_of=duplicate_of,
        why=in_words(WHY.get(cause, cause), detail),
    )


def fate_of(item: BatchItem) -> tuple[int | None, str, str]:
    """Return of which call an item is a duplicate, the code of why it failed, and what happened in words."""
    call = item.recording
    if call is None:
        detail = "" if item.fate == Fate.DUPLICATE and item.duplicate_of_id else item.detail
        return item.duplicate_of_id, item.cause, detail
    if call.state != State.FAILED:
        return None, "", ""
    analysis = call.current_analysis
    detail, original = (analysis.detail, analysis.duplicate_of_id) if analysis else ("", None)
    if call.failure == Failure.DUPLICATE:
        return original, "", "" if original and not call.stored_name else detail
    return None, call.failure, detail


def in_words(cause: str, detail: str) -> str:
    """Return cause and detail as one text; the detail alone where it begins with the cause."""
    return detail if detail.startswith(cause) else f"{cause}: {detail}" if detail else cause


def chip_for(item: BatchItem, call: Recording | None) -> SafeString:
    """Write where an item stands, as the list of calls writes it."""
    if call and not (call.state == State.FAILED and call.failure == Failure.DUPLICATE):
        return chip_of(call.state, call.failure)
    glyph, css, word = CHIPS[Fate.DUPLICATE if call else Fate(item.fate)]
    return format_html(
        '<span class="chip {}"><span class="glyph" aria-hidden="true">{}</span>{}</span>', css, glyph, word
    )
