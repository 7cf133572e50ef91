"""Looking a text up wherever an index or a short table allows: what it finds is bounded, and nothing is scanned."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from callcov_portal.models.analysis import Analysis
from callcov_portal.models.people import Agent, Contact, key_of
from callcov_portal.models.recording import Recording

MOST_CONTACTS = 20
MOST_FILES = 1000


@dataclass(frozen=True)
class Found:
    """What a text finds: calls by their numbers, agents, contacts; and whether there are more contacts than are looked at."""

    numbers: frozenset[int] = frozenset()
    agents: tuple[int, ...] = ()
    contacts: tuple[int, ...] = ()
    more_contacts: bool = False


def find(text: str) -> Found:
    """Return which calls, agents and contacts a text means.

    A call's number; any part of an agent's identifier or name; the begin of a contact's identifier; the begin of a
    file's name, as it is typed, in small or in capital letters; the whole id at the API.
    """
    word = text.strip()
    numbers = set(Analysis.objects.filter(external_id=word).order_by().values_list("recording", flat=True)[:MOST_FILES])
    number = word.removeprefix("#")
    if number.isdecimal() and len(number) < 19:
        numbers.add(int(number))
    for spelling in sorted({word, word.lower(), word.upper()}):
        named = Recording.objects.filter(begins("file_name", spelling)).order_by("file_name")
        numbers |= set(named.values_list("pk", flat=True)[:MOST_FILES])
    agents = Agent.objects.filter(Q(key__contains=key_of(word)) | Q(name__icontains=word)).order_by("key")
    contacts = Contact.objects.filter(begins("key", key_of(word))).order_by("key").values_list("pk", flat=True)
    first = tuple(contacts[: MOST_CONTACTS + 1])
    return Found(
        frozenset(numbers),
        tuple(agents.values_list("pk", flat=True)),
        first[:MOST_CONTACTS],
        len(first) > MOST_CONTACTS,
    )


def begins(column: str, text: str) -> Q:
    """Return the condition that a column begins with a text, as the database finds it in an index."""
    if connection.vendor == "sqlite":
        return Q(**{f"{column}__gte": text, f"{column}__lt": f"{text}\U0010ffff"})
    return Q(**{f"{column}__startswith": text})
