"""A database of its own for one run, filled with calls as the portal's own indexing writes them."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from benchmarks.search.corpus import AGENTS, CONTACTS, Corpus, agent_of, analysis_of, called_at

AT_ONCE = 500


@contextmanager
def own_database(postgres: str) -> Iterator[None]:
    """Set Django up on a new database, and remove that afterwards. Once in a process."""
    with tempfile.TemporaryDirectory(prefix="callcov-bench-search-") as folder:
        os.environ.update({"CALLCOV_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "callcov_portal.settings"})
        (Path(folder) / "static").mkdir()
        name = f"callcov_bench_search_{os.getpid()}"
        if postgres:
            told(postgres, f'CREATE DATABASE "{name}"')
            os.environ["CALLCOV_DATABASE_URL"] = urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))
        try:
            migrated()
            yield
        finally:
            if postgres:
                told(postgres, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def told(url: str, statement: str) -> None:
    """Run one statement outside of any transaction."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def migrated() -> None:
    """Set up Django and make the tables."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)


def fill(corpus: Corpus) -> None:
    """Write the calls of a corpus and their words."""
    from callcov_portal.models import Agent, Contact

    Agent.objects.bulk_create(Agent(pk=n, identifier=f"agent-{n}", key=f"agent-{n}") for n in range(1, AGENTS + 1))
    contacts = (Contact(pk=n, identifier=f"cust-{n}", key=f"cust-{n}") for n in range(1, CONTACTS + 1))
    Contact.objects.bulk_create(contacts, batch_size=AT_ONCE)
    batch = []
    for one in corpus.generate():
        batch.append(one)
        if len(batch) == AT_ONCE:
            write(batch, corpus.calls)
            batch = []
    write(batch, corpus.calls)


def write(batch: list, calls: int) -> float:  # type: ignore[type-arg]
    """Write some calls, and return how long (s) the transaction with their words took."""
    from django.db import transaction

    from callcov_portal.actions.indexing import spoken_row
    from callcov_portal.models import Recording, Spoken
    from callcov_portal.models.spoken import key_from
    from callcov_portal.searching.facets import EVERY, agent_facet, contact_facet

    recordings, rows = [], []
    for number, lines in batch:
        moment, agent, contact = called_at(number, calls), agent_of(number), 1 + number % CONTACTS
        recordings.append(
            Recording(
                pk=number, agent_id=agent, contact_id=contact, called_at=moment, file=f"{number}.wav",
                sha256=f"{number:064x}", duration_seconds=260.0,
            )
        )  # fmt: skip
        named = (EVERY, agent_facet(agent), contact_facet(contact))
        rows.append(spoken_row(key_from(moment, number), number, analysis_of(number), lines, named))
    Recording.objects.bulk_create(recordings)
    began = time.monotonic()
    with transaction.atomic():
        Spoken.objects.put(rows)
    return time.monotonic() - began


def index_more(corpus: Corpus, rounds: int) -> float:
    """Index 50 further calls at a time, and return how long (s) the longest of these transactions took."""
    from callcov_portal.actions.indexing import AT_ONCE as TOGETHER

    further, longest = Corpus(rounds * TOGETHER, seed=corpus.seed + 1), 0.0
    found = [(number + corpus.calls, lines) for number, lines in further.generate()]
    for at in range(0, len(found), TOGETHER):
        longest = max(longest, write(found[at : at + TOGETHER], corpus.calls))
    return longest


def settle() -> None:
    """Let the database tidy up, as it does by itself in the course of a day."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("INSERT INTO portal_spoken_index(portal_spoken_index, rank) VALUES ('merge', 5000)")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
