"""The columns of a list of calls: what they are called, how a cell is written, which of them a person sees."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column. `cell` is its markup; `{name}` stands for a value that `views/rows.py` writes."""

    key: str
    label: str
    cell: str
    css: str = ""
    hint: str = ""
    is_fixed: bool = False  # always shown: a row without it leads nowhere
    is_default: bool = True


COLUMNS = (
    Column(
        "call",
        "Call",
        '<td role="cell" class="nowrap"><a class="row-link" id="open-{pk}" href="{call}" title="{source}">#{pk}</a>{demo}</td>',
        is_fixed=True,
    ),
    Column("state", "State", '<td role="cell">{state}</td>'),
    Column("called_at", "Called at", '<td role="cell" class="nowrap">{called_at}</td>'),
    Column("agent", "Agent", '<td role="cell" class="long plain" data-label="Agent" title="{agent_id}">{agent}</td>'),
    Column(
        "contact",
        "Contact",
        '<td role="cell" class="long plain" data-label="Contact" title="{contact_id}">{contact}</td>',
    ),
    Column("duration", "Duration", '<td role="cell" class="num" title="Duration">{duration}</td>', css="num"),
    Column("moments", "Moments", '<td role="cell">{moments}</td>'),
    Column(
        "tone",
        "Tone",
        '<td role="cell" class="num narrow" data-label="Tone" title="{tone_title}">{tone}</td>',
        css="num narrow",
        hint="Share of the contact’s sentences with negative words",
    ),
    Column(
        "talk",
        "Talk",
        '<td role="cell" class="num narrow" data-label="Talk" title="{talk_title}">{talk}</td>',
        css="num narrow",
        hint="The agent’s share of the time in which anybody spoke",
    ),
    Column("review", "Review", '<td role="cell" class="review">{review}</td>'),
    Column("direction", "Direction", '<td role="cell">{direction}</td>', is_default=False),
    Column(
        "added_by",
        "Added by",
        '<td role="cell" class="long" data-label="Added by">{added_by}</td>',
        is_default=False,
    ),
    Column(
        "file",
        "File",
        '<td role="cell" class="long" data-label="File" title="{source}">{source}</td>',
        is_default=False,
    ),
)
BY_KEY = {column.key: column for column in COLUMNS}
DEFAULT = tuple(column for column in COLUMNS if column.is_default)


def columns_of(keys: Iterable[object]) -> Sequence[Column]:
    """Return the columns that a person chose, in their order; the usual ones if nothing was chosen.

    What is fixed is there whatever was chosen, and what is not known any more is left out.
    """
    chosen = [BY_KEY[key] for key in dict.fromkeys(keys) if isinstance(key, str) and key in BY_KEY]
    if not chosen:
        return DEFAULT
    return [*(column for column in COLUMNS if column.is_fixed and column not in chosen), *chosen]
