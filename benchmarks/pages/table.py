"""The table as people read it, and its place in the documents."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages.values import Verdict

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
HEADS = ("line", "asked", "measured", "", "CPU ms", "beside ms")


def cells(verdict: Verdict) -> tuple[str, ...]:
    """Return a row's cells."""
    mark = {True: "✓", False: "✗", None: "–"}[verdict.met]
    ratio = "–" if verdict.ratio is None else f"{verdict.ratio:.2f}"
    name = f"{verdict.name} ({verdict.note})" if verdict.note else verdict.name
    return name, verdict.bound, ratio, mark, amount(verdict.one, verdict.unit), amount(verdict.other, verdict.unit)


def amount(value: float | None, unit: str) -> str:
    """Return seconds as milliseconds, anything else with its unit, with as many digits as say something."""
    if value is None:
        return "–"
    return f"{value:.0f} {unit}" if unit else f"{1000 * value:.3g}"


def text(verdicts: Sequence[Verdict]) -> str:
    """Return the table for a terminal."""
    rows = [HEADS, *map(cells, verdicts)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(verdicts: Sequence[Verdict], about: str) -> str:
    """Return the table for a document, with a sentence on how it came about."""
    rows = [HEADS, ("---", "---", "---:", "---", "---:", "---:"), *map(cells, verdicts)]
    return "\n".join([about, "", *("| " + " | ".join(row) + " |" for row in rows)])


def put(path: Path, table: str) -> None:
    """Put the table between the markers of a document; raises `ValueError` for a document without them."""
    document = path.read_text(encoding="utf-8")
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for the table: {BEGIN} and {END}.")
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
