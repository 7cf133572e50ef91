"""What only one process may do at a time: each has a number, by which all processes know its lock."""

from django.db import connection

PACE = 0xCA11C0  # counting calls of the API
COMPARING = 0xCA11C1  # comparing recordings by their sound, and what comes of it


def lock(number: int) -> None:
    """Wait until no other process has this lock, and hold it until the transaction ends.

    On SQLite the IMMEDIATE transaction is the lock already.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
