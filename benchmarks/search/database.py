"""`python -m benchmarks.search.database CALLS`: fill the database of the environment as the portal's own indexing does."""

import json
import sys

from benchmarks.search.corpus import AGENTS, CONTACTS, Corpus, agent_of, analysis_of, called_at
from benchmarks.search.kept import planted_in

AT_ONCE = 500


def main(calls: int) -> None:
    """Make the tables and fill them, unless all calls are there."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    from callcov_portal.models import Spoken

    if planted_in().exists() and Spoken.objects.count() == calls:
        return
    call_command("flush", interactive=False, verbosity=0)
    corpus = Corpus(calls)
    fill(corpus)
    settle()
    planted_in().write_text(json.dumps(corpus.planted))


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


def write(batch: list, calls: int) -> None:  # type: ignore[type-arg]
    """Write some calls and their words."""
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
    with transaction.atomic():
        Spoken.objects.put(rows)


def settle() -> None:
    """Let the database tidy up, as it does by itself in the course of a day."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("INSERT INTO portal_spoken_index(portal_spoken_index, rank) VALUES ('merge', 5000)")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


if __name__ == "__main__":
    main(int(sys.argv[1]))
