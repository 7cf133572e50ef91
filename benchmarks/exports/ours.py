"""`python -m benchmarks.exports.ours FOLDER TABLE FORMAT [COLUMN…]`: export once in a process of its own, and print what it took."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.engine.usage import peak_mb
from benchmarks.exports.data import prepare


def main(folder: Path, table: str, form: str, *columns: str) -> dict[str, Any]:
    """Return rows, bytes, CPU and wall seconds, milliseconds to the first byte, and the peak of memory in MiB."""
    prepare(folder)
    from callcov_portal.exports import Tally, wish_for
    from callcov_portal.models import Recording

    wish, tally, size, first = wish_for(table, form, columns), Tally(), 0, 0.0
    calls = Recording.objects.all()
    list(wish.chunks(calls.filter(pk__lt=0), Tally())) if wish.format.streams else None  # what is loaded once is loaded
    cpu, wall = time.process_time(), time.perf_counter()
    if wish.format.streams:
        with Path("/dev/null").open("wb") as out:
            for chunk in wish.chunks(calls, tally):
                first = first or time.perf_counter() - wall
                size += out.write(chunk)
    else:
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "file"
            wish.write(path, calls, tally, {})
            size = path.stat().st_size
    return {
        "rows": tally.rows,
        "bytes": size,
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "first_ms": 1000 * first,
        "peak_mb": peak_mb(os.getpid()),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])))
