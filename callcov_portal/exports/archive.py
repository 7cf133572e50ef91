"""A table as one CSV for each agent, in one ZIP that is written from front to back in constant memory."""

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import orjson
from django.db.models import QuerySet
from django.utils import timezone

from callcov_portal.exports.columns import Column
from callcov_portal.exports.formats import csv_of
from callcov_portal.exports.reading import agent_batches
from callcov_portal.exports.table import Table, Tally
from callcov_portal.models import Agent, Recording

AGENTS_AT_ONCE = 200
LONGEST_NAME = 60
QUICK = 3  # of the nine levels: nearly as small as the usual six at half the time


def write_archive(
    path: Path,
    table: Table,
    recordings: QuerySet[Recording],
    columns: tuple[Column, ...],
    tally: Tally,
    *,
    manifest: Callable[[Tally], dict[str, Any]],
    mark: bool = False,
    unmasked: bool = False,
) -> None:
    """Write `<agent>-<number>.csv` for each agent who has one of the calls, and at last `manifest.json`.

    That holds what `manifest` returns, and the name, rows, size and SHA-256 of every file.
    """
    files = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICK) as archive:
        for agent in agents_of(recordings):
            before, calls = tally.rows, recordings.filter(agent=agent.pk)
            with member(archive, file_name(agent)) as file:
                chunks = csv_of(table, calls, columns, tally, mark=mark, unmasked=unmasked)
                files.append({"name": file_name(agent), "agent": agent.identifier} | written(file, chunks))
            files[-1]["rows"] = tally.rows - before
        with member(archive, "manifest.json") as file:
            file.write(orjson.dumps(manifest(tally) | {"files": files}, option=orjson.OPT_INDENT_2))


def agents_of(recordings: QuerySet[Recording]) -> Iterator[Agent]:
    """Yield the agents who have one of the calls."""
    for batch in agent_batches(recordings, AGENTS_AT_ONCE):
        found: QuerySet[Any] = Agent.objects.filter(pk__in=batch.numbers)
        yield from found.order_by("key")


def member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """Open a file of the archive for writing, however large it will be."""
    info = zipfile.ZipInfo(name, timezone.localtime().timetuple()[:6])
    info.compress_type, info._compresslevel = zipfile.ZIP_DEFLATED, QUICK  # type: ignore[attr-defined]  # 3.13 names it
    info.external_attr = 0o600 << 16
    return archive.open(info, "w", force_zip64=True)


def written(file: IO[bytes], chunks: Iterator[bytes]) -> dict[str, Any]:
    """Write the chunks, and return their size and hash."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        file.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return {"size_bytes": size, "sha256": digest.hexdigest()}


def file_name(agent: Agent) -> str:
    """Return a name that every system takes and no two agents share, whatever they are called."""
    plain = re.sub(r"[^A-Za-z0-9._@+-]+", "_", agent.identifier).strip("._-+@")[:LONGEST_NAME]
    return f"{plain or 'agent'}-{agent.pk}.csv"
