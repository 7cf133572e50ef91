"""The one table: measures down, conditions across, engine and peer side by side."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add

from benchmarks.engine import gates
from benchmarks.engine.gates import Figures, Verdict
from benchmarks.engine.masking import KINDS
from benchmarks.engine.measuring import Measured, percent, pooled_hiding
from benchmarks.engine.places import REPORTED

ENGINE, PEER = "engine", "plain"
NOTHING = "–"
DECIMALS = {gates.MEMORY: 0, gates.ERRORS: 1, gates.SPEAKERS: 1, gates.OTHERS: 1, gates.CPU: 3}

Column = tuple[str, str]
"""Condition and who."""
Row = tuple[str, dict[Column, str], str]
"""A label, cells, and what was asked for."""


def table(
    by_condition: Mapping[str, Sequence[Measured]],
    figures: Mapping[str, Figures],
    peer: Mapping[str, Figures],
    verdicts: Sequence[Verdict],
) -> str:
    """Everything measured on recordings, as text."""
    columns = [(condition, who) for condition in by_condition for who in (ENGINE, PEER)]
    rows: list[Row] = []
    for row in measure_rows(figures, peer, verdicts):
        rows += [row, *(DETAILS[row[0]](by_condition) if row[0] in DETAILS else ())]
    return "\n".join(laid_out(columns, rows))


def measure_rows(
    figures: Mapping[str, Figures], peer: Mapping[str, Figures], verdicts: Sequence[Verdict]
) -> Iterator[Row]:
    """A row for every measure, with its verdicts."""
    judged = {(verdict.measure, verdict.condition): verdict for verdict in verdicts}
    for measure in dict.fromkeys(name for each in figures.values() for name in each):
        cells = {}
        for condition in figures:
            if measure in figures[condition]:
                mark = mark_of(judged.get((measure, condition)))
                cells[condition, ENGINE] = f"{number(measure, figures[condition][measure])}{mark}"
            if measure in peer.get(condition, {}):
                cells[condition, PEER] = number(measure, peer[condition][measure])
        yield measure, cells, asked(verdict for verdict in verdicts if verdict.measure == measure)


def mark_of(verdict: Verdict | None) -> str:
    """A tick or a cross; nothing where nothing was asked for."""
    if verdict is None:
        return ""
    return " ✓" if verdict.met else " ✗"


def asked(verdicts: Iterable[Verdict]) -> str:
    """The limits, conditions with the same one together."""
    limits: dict[str, list[str]] = defaultdict(list)
    for verdict in verdicts:
        limits[f"{'≤' if verdict.at_most else '≥'} {verdict.limit:g}"].append(verdict.condition)
    return "; ".join(f"{limit} {', '.join(filter(None, where))}".strip() for limit, where in limits.items())


def number(measure: str, value: float | None) -> str:
    """With as many decimals as say something."""
    return NOTHING if value is None else f"{value:.{DECIMALS.get(measure, 2)}f}"


def file_rows(by_condition: Mapping[str, Sequence[Measured]]) -> list[Row]:
    """Word errors of each call."""
    cells: dict[str, dict[Column, str]] = defaultdict(dict)
    for condition, measured in by_condition.items():
        for each in measured:
            row = cells[f"  {each.recording.call.id}"]
            row[condition, ENGINE] = number(gates.ERRORS, percent(each.fit.error_rate))
            row[condition, PEER] = number(gates.ERRORS, percent(each.peer_fit.error_rate))
    return [(label, row, "") for label, row in cells.items()]


def event_rows(by_condition: Mapping[str, Sequence[Measured]]) -> list[Row]:
    """For each kind: found of planted, and false alarms."""
    cells: dict[str, dict[Column, str]] = defaultdict(dict)
    for condition, measured in by_condition.items():
        for kind in dict.fromkeys(kind for each in measured for kind in each.events):
            whole = reduce(add, (each.events[kind] for each in measured))
            if whole.planted or whole.false:
                label = f"  {kind}{' (not counted)' if kind in REPORTED else ''}".replace("_", " ")
                cells[label][condition, ENGINE] = (
                    f"{whole.found}/{whole.planted}{f' +{whole.false}' * bool(whole.false)}"
                )
    return [(label, row, "") for label, row in cells.items()]


def kind_rows(by_condition: Mapping[str, Sequence[Measured]]) -> list[Row]:
    """For each kind of sensitive data: how many were masked, and in brackets how many as what they are."""
    cells: dict[str, dict[Column, str]] = defaultdict(dict)
    for condition, measured in by_condition.items():
        hidden = pooled_hiding(measured)
        for kind in KINDS:
            if kind in hidden:
                one = hidden[kind]
                text = f"{one.masked}/{one.planted} ({one.exact})"
                cells[f"  {KINDS[kind].replace('_', ' ')}, as such"][condition, ENGINE] = text
    return [(label, row, "") for label, row in cells.items()]


DETAILS = {gates.ERRORS: file_rows, gates.PRECISION: event_rows, gates.OTHERS: kind_rows}
"""Rows below the row of a measure."""


def laid_out(columns: Sequence[Column], rows: Sequence[Row]) -> Iterator[str]:
    """Lines of equal columns."""
    heads = [["", *(condition for condition, _ in columns), ""], ["", *(who for _, who in columns), "asked for"]]
    lines = heads + [[label, *(cells.get(column, NOTHING) for column in columns), ask] for label, cells, ask in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        first, *middle, last = line
        cells = (cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True))
        yield "  ".join([first.ljust(widths[0]), *cells, last]).rstrip()
