"""`python -m benchmarks.exports`: measure, print the table, and say by the exit status whether every goal was met."""

import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import benchmarks.exports as about
from benchmarks.exports import peers
from benchmarks.exports.data import fill, prepare

FORMATS = (("calls", "csv"), ("calls", "jsonl"), ("findings", "csv"), ("segments", "csv"), ("agents", "csv"))
FIRST_BYTE_MS = 50
MEMORY = 1.2


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="benchmarks.exports", description=(about.__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="keep the database there, and use it again")
    parser.add_argument(
        "--many", type=int, default=0, metavar="CALLS", help="also compare the memory with so many calls"
    )
    parser.add_argument("--xlsx", action="store_true", help="measure workbooks too; they take longest")
    return parser.parse_args()


def ours(folder: Path, table: str, form: str, *columns: str) -> dict[str, Any]:
    """Export once in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.exports.ours", str(folder), table, form, *columns]
    done = subprocess.run(command, cwd=peers.ROOT, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def compared(folder: Path, rounds: int) -> Iterator[tuple[str, float, float]]:
    """Yield name, ratio and goal: how many times faster by CPU we write the same rows."""
    sql, runs, peer_runs, slow = peers.statement(folder), [], [], []
    for _ in range(rounds):
        runs.append((ours(folder, "calls", "csv"), peers.shell(folder, sql)[0]))
        peer_runs.append((ours(folder, "calls", "csv", *peers.OWN)["cpu"], peers.datasette(folder)))
        slow.append(peers.import_export(folder, peers.FEW))
    rows = runs[0][0]["rows"]
    mine, floor = median(run["cpu"] for run, _ in runs), median(shell for _, shell in runs)
    print(
        f"calls as CSV, all columns, {rows:,} rows: {rows / mine:,.0f} a CPU second; sqlite3 shell {rows / floor:,.0f}"
    )
    yield "sqlite3 shell, all columns", floor / mine, 0.35
    mine = median(cpu for cpu, _ in peer_runs)
    print(f"calls as CSV, {len(peers.OWN)} columns of their own: {rows / mine:,.0f} rows a CPU second")
    if streams := [stream for _, stream in peer_runs if stream is not None]:
        yield "Datasette's stream, the same columns", median(streams) / mine, 2.0
    if done := [cpu for cpu in slow if cpu is not None]:
        yield "django-import-export, the same columns", (median(done) / min(peers.FEW, rows)) / (mine / rows), 30.0


def each(folder: Path, *, xlsx: bool) -> Iterator[tuple[str, float, float]]:
    """Print what each table takes; yield the wait for the first byte."""
    for table, form in (*FORMATS, *((("calls", "xlsx"),) if xlsx else ())):
        took = ours(folder, table, form)
        speed = took["rows"] / took["cpu"]
        print(
            f"{table:9} {form:5} {took['rows']:>10,} rows {speed:>9,.0f} rows/CPU s  peak {took['peak_mb']:.0f} MiB",
            end="",
        )
        print(f"  first byte {took['first_ms']:.1f} ms" if took["first_ms"] else "")
        if took["first_ms"]:
            yield f"first byte of {table} as {form}, ms", took["first_ms"], FIRST_BYTE_MS


def verdict(name: str, value: float, goal: float, *, at_most: bool) -> bool:
    """Print one figure beside its goal; return whether it is met."""
    met = value <= goal if at_most else value >= goal
    print(f"{'met   ' if met else 'MISSED'} {name}: {value:.2f} (goal {'at most' if at_most else 'at least'} {goal})")
    return met


def measure(folder: Path, asked: Namespace) -> bool:
    """Measure all; return whether every goal was met."""
    prepare(folder)
    fill(asked.calls)
    met = [verdict(*figure, at_most=True) for figure in each(folder, xlsx=asked.xlsx)]
    met += [verdict(*figure, at_most=False) for figure in compared(folder, asked.rounds)]
    if asked.many:
        few = {names: ours(folder, *names)["peak_mb"] for names in FORMATS}
        fill(asked.many)
        for (table, form), peak in few.items():
            ratio = ours(folder, table, form)["peak_mb"] / peak
            met.append(
                verdict(
                    f"memory of {table} as {form}, {asked.many:,} calls over {asked.calls:,}",
                    ratio,
                    MEMORY,
                    at_most=True,
                )
            )
    return all(met)


def main() -> int:
    """Return the exit status."""
    asked = arguments()
    if asked.data:
        asked.data.mkdir(parents=True, exist_ok=True)
        return 0 if measure(asked.data.resolve(), asked) else 1
    with tempfile.TemporaryDirectory(prefix="callcov-bench-") as place:
        return 0 if measure(Path(place), asked) else 1


if __name__ == "__main__":
    sys.exit(main())
