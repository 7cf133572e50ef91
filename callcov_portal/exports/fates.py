"""What became of each item of a batch, as CSV: it is streamed, so memory is constant."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, NullIf

from callcov_portal.exports import quoting
from callcov_portal.exports.cells import plain
from callcov_portal.exports.columns import Column, Kind
from callcov_portal.exports.formats import BYTE_ORDER_MARK
from callcov_portal.exports.reading import columns_of, moments, raw, selected
from callcov_portal.models import Batch, BatchItem, Fate, Muting

AT_ONCE = 2000


def first_of(*sources: str) -> Combinable:
    """Return the first of some texts that says something."""
    some = (NullIf(Cast(source, TextField()), Value("", TextField())) for source in sources)
    return Coalesce(*some, output_field=TextField())


# A link to sound that is muted here is left out: it leads to the sound as it came.
UNMUTED = Case(When(Q(recording=None) | Q(recording__muting=Muting.NONE), then=F("link")), default=Value(""))
DELETED = Case(When(fate=Fate.STORED, recording=None, then=Value("deleted")), default=F("fate"))
COLUMNS = (
    Column("position", "Position", "position", Kind.NUMBER),
    Column("name", "Name", "name"),
    Column("link", "Link", UNMUTED),
    Column("size_bytes", "Size (bytes)", Coalesce("recording__size_bytes", "size_bytes"), Kind.NUMBER),
    Column("agent", "Agent", first_of("recording__agent__identifier", "agent", "batch__agent")),
    Column("contact", "Contact", first_of("recording__contact__identifier", "contact", "batch__contact")),
    Column("called_at", "Called at", Coalesce("recording__called_at", "called_at", "batch__called_at"), Kind.TIME),
    Column("fate", "Fate", DELETED),
    Column("cause", "Cause", first_of("cause", "recording__failure")),
    Column("detail", "What happened", first_of("detail", "recording__current_analysis__detail")),
    Column("call", "Call", "recording_id", Kind.NUMBER),
    Column(
        "duplicate_of",
        "Duplicate of",
        Coalesce("duplicate_of_id", "recording__current_analysis__duplicate_of_id"),
        Kind.NUMBER,
    ),
    Column("analysis", "Analysis", "recording__state"),
)


def fates_of(batch: Batch, *, mark: bool = False) -> Iterator[bytes]:
    """Yield the fate of every item, in the order in which they came; `mark` puts a byte order mark first."""
    kinds = [column.kind for column in COLUMNS]
    finish = plain(kinds)
    yield ((BYTE_ORDER_MARK if mark else "") + quoting.lines([[column.key] for column in COLUMNS])).encode()
    for block in blocks(batch.items.order_by("position")):
        yield quoting.written(kinds, [done(values) for done, values in zip(finish, block, strict=True)])


def blocks(items: QuerySet[BatchItem]) -> Iterator[list[Any]]:
    """Yield the columns' values, so many rows at a time; each query begins behind the last row of the one before."""
    sources = {column.key: source_of(column) for column in COLUMNS}
    last = 0
    while rows := raw(selected(items.filter(position__gt=last), sources)[:AT_ONCE]):
        values = columns_of(rows, sources)
        last = values["position"][-1]
        yield [values[column.key] for column in COLUMNS]


def source_of(column: Column) -> Any:
    """Return what is selected for a column."""
    return moments(column.source) if column.kind is Kind.TIME else column.source
