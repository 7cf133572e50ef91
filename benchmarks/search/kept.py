"""The databases of the search, filled once and kept: of SQLite a folder, of PostgreSQL a database of its server."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from benchmarks.engine.serving import ROOT
from benchmarks.pages import databases


def folder(calls: str, server: str) -> Path:
    """Return the data folder."""
    return databases.KEPT / f"search-{'postgres-' if server else ''}{calls}"


def environment(calls: str, server: str) -> dict[str, str]:
    """Return the environment of a process that works on a database."""
    found = databases.environment(calls) | {
        "CALLCOV_DATA_DIR": str(folder(calls, server)),
        "DJANGO_SETTINGS_MODULE": "callcov_portal.settings",
    }
    if server:
        found["CALLCOV_DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name(calls)}"))
    return found


def name(calls: str) -> str:
    """Return what PostgreSQL calls a database."""
    return f"callcov_bench_search_{calls}"


def build(calls: str, server: str, *, fresh: bool) -> None:
    """Make and fill a database unless it is there; the program brings it up to date otherwise."""
    began = time.monotonic()
    place = folder(calls, server)
    if fresh:
        shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, exist_ok=True)
    if server:
        make_database(server, name(calls), fresh=fresh)
    command = [sys.executable, "-m", "benchmarks.search.database", calls]
    subprocess.run(command, cwd=ROOT, env=environment(calls, server), check=True, stdout=2)
    print(f"{int(calls):,} calls to search: {time.monotonic() - began:.0f} s", file=sys.stderr)


def make_database(server: str, database: str, *, fresh: bool) -> None:
    """Make a database of PostgreSQL unless it is there."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        if fresh:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(f'CREATE DATABASE "{database}"'.encode())


def is_reachable(server: str) -> bool:
    """Say whether a server of PostgreSQL answers."""
    import psycopg

    try:
        psycopg.connect(server, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def planted_in() -> Path:
    """Return the file that says which words were planted in which calls of the database of this process."""
    return Path(os.environ["CALLCOV_DATA_DIR"]) / "planted.json"
