"""The floor and the peers, each in a process of its own; CPU seconds come from the kernel."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from benchmarks.engine.usage import tree_usage

ROOT = Path(__file__).resolve().parent.parent.parent
INSTALLED = ROOT / ".venv" / "bench-exports"
# What all can write alike: the columns of the recordings' own table, under our key and under the table's name.
OWN = {
    "call": "id",
    "called_at": "called_at",
    "called_at_source": "called_at_source",
    "direction": "direction",
    "duration_seconds": "duration_seconds",
    "verdict": "verdict",
    "reviewed_at": "reviewed_at",
    "file_name": "file_name",
    "sha256": "sha256",
    "size_bytes": "size_bytes",
    "format": "format",
    "channels": "channels",
    "added_at": "created_at",
}
FEW = 5_000  # rows for django-import-export, whose time grows with them

IMPORT_EXPORT = """
import sys; sys.path.append(sys.argv[2])
from pathlib import Path
from benchmarks.exports.data import prepare
prepare(Path(sys.argv[1]))
import time
from import_export import resources
from import_export.fields import Field
from benchmarks.exports.peers import OWN
from callcov_portal.models import Recording
fields = {key: Field(attribute=path, column_name=key) for key, path in OWN.items()}
made = type("Calls", (resources.ModelResource,), {**fields, "Meta": type("Meta", (), {"model": Recording, "fields": list(fields)})})
rows = Recording.objects.newest_first()[:int(sys.argv[3])]
started = time.process_time()
made().export(queryset=rows).csv
print(time.process_time() - started)
"""


def statement(folder: Path) -> Path:
    """Write the statement whose rows the table of calls has, all of them at once, for the shell."""
    from django.db import connection

    from callcov_portal.exports import CALLS
    from callcov_portal.exports.reading import selected
    from callcov_portal.exports.table import source_of
    from callcov_portal.models import Recording

    sources = {column.key: source_of(column, unmasked=False) for column in CALLS.columns}
    sql, parameters = selected(Recording.objects.order_by("-called_at", "-pk"), sources).query.sql_with_params()
    with connection.cursor() as cursor:
        text = connection.ops.last_executed_query(cursor, sql, parameters)
    path = folder / "calls.sql"
    path.write_text(f".mode csv\n.headers on\n{text};\n")
    return path


def shell(folder: Path, sql: Path) -> tuple[float, int]:
    """Return the CPU seconds of the sqlite3 shell, and how many bytes it wrote."""
    before = os.times()
    command = ["sqlite3", "-readonly", str(folder / "callcov.sqlite3")]
    with sql.open() as orders:
        process = subprocess.Popen(command, stdin=orders, stdout=subprocess.PIPE)
        size = drained(process.stdout.fileno()) if process.stdout else 0
    process.wait()
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system, size


def drained(pipe: int) -> int:
    """Read a pipe to its end; return how much there was."""
    size = 0
    while block := os.read(pipe, 1 << 20):
        size += len(block)
    return size


def datasette(folder: Path) -> float | None:
    """Return the CPU seconds in which Datasette streams these columns; None where it is not installed."""
    program = INSTALLED / "bin" / "datasette"
    if not program.exists():
        return None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = ("max_csv_mb", "0", "sql_time_limit_ms", "600000")
    pairs = [word for at in (0, 2) for word in ("--setting", *settings[at : at + 2])]
    command = [str(program), "serve", str(folder / "callcov.sqlite3"), "-p", str(port), *pairs]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/-/versions.json")
        before, columns = tree_usage(process.pid).cpu, "&".join(f"_col={name}" for name in OWN.values())
        with urllib.request.urlopen(f"{address}/callcov/portal_recording.csv?_stream=on&_size=max&{columns}") as answer:  # noqa: S310
            while answer.read(1 << 20):
                pass
        return tree_usage(process.pid).cpu - before
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str) -> None:
    """Return once a server answers; raises after half a minute."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(address):  # noqa: S310
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


def import_export(folder: Path, rows: int) -> float | None:
    """Return the CPU seconds in which django-import-export exports so many calls; None where it is not installed."""
    place = INSTALLED / "django-import-export"
    if not place.exists():
        return None
    command = [sys.executable, "-c", IMPORT_EXPORT, str(folder), str(place), str(rows)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])
