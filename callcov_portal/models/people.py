"""Who: users sign in; agents and contacts speak on the recordings."""

from functools import lru_cache
from typing import Any, Self

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Coalesce

from callcov_portal.models.prepared import Prepared, prepared

UNKNOWN_CONTACT = "unknown"
IDENTIFIER_LENGTH = 200
TEAM_LENGTH = 100


def key_of(identifier: str) -> str:
    """Return what two spellings of one identifier have in common: spaces around it and case are left out."""
    return identifier.strip().casefold()


class Role(models.TextChoices):
    """What a user may do: each role may do all that the one before it may."""

    REVIEWER = "reviewer", "Reviewer"
    LEAD = "lead", "Lead"
    ADMINISTRATOR = "administrator", "Administrator"


class User(AbstractUser):
    """A person who signs in."""

    role = models.CharField(max_length=20, choices=Role, default=Role.REVIEWER)
    must_change_password = models.BooleanField(default=False)
    may_unmask = models.BooleanField(default=False)  # may see and hear sensitive data; each time is logged
    call_columns = models.JSONField(default=list, blank=True)  # keys of the list's columns in order; [] the usual ones
    is_demo = models.BooleanField(default=False, db_default=False)  # invented by `seed_demo`; never signs in

    @property
    def is_lead(self) -> bool:
        """Whether the user may delete calls and change what others entered."""
        return self.role in {Role.LEAD, Role.ADMINISTRATOR}

    @property
    def can_unmask(self) -> bool:
        """Whether the user may see and hear sensitive data: administrators, and those to whom one gave the right."""
        return self.is_administrator or self.may_unmask

    @property
    def is_administrator(self) -> bool:
        """Whether the user may manage people."""
        return self.role == Role.ADMINISTRATOR


class PersonQuerySet(models.QuerySet["Agent | Contact"]):
    """Questions about agents and contacts."""

    def named(self, identifier: str) -> Self:
        """Return those with this identifier, without regard to case and to spaces around it."""
        return self.filter(key=key_of(identifier))

    def number_of(self, identifier: str) -> int | None:
        """Return the number of whoever goes by this identifier, of the kept one where it is an old one; None for nobody."""
        found = numbers_by_key(self.model).rows([key_of(identifier)])
        return found[0][0] if found else None


@lru_cache(maxsize=2)
def numbers_by_key(people: "type[Agent | Contact]") -> Prepared:
    """Return the query by which a filter finds somebody."""
    rows = people._default_manager.filter(key="").order_by()
    return prepared(rows.values_list(Coalesce("merged_into_id", "pk")))


class Person(models.Model):
    """Somebody who speaks on a recording, known by the identifier that the call centre uses.

    `key` is what makes an identifier unique; databases do not agree on what lower case is.
    """

    identifier = models.CharField(max_length=IDENTIFIER_LENGTH)
    key = models.CharField(max_length=2 * IDENTIFIER_LENGTH, unique=True, editable=False)
    name = models.CharField(max_length=200, blank=True)
    is_demo = models.BooleanField(default=False, db_default=False)  # invented by `seed_demo`
    created_at = models.DateTimeField(auto_now_add=True)
    # Whose other identifier this one is: no call is theirs, and what comes under it goes to the kept one.
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="aliases")

    class Meta:
        abstract = True
        ordering = ["identifier"]

    def __str__(self) -> str:
        return self.name or self.identifier

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.identifier = self.identifier.strip()
        self.key = key_of(self.identifier)
        super().save(*args, **kwargs)


class Agent(Person):
    """The person of ours who spoke, of one team (a name) or of none ("")."""

    team = models.CharField(max_length=TEAM_LENGTH, blank=True, db_index=True)

    objects = PersonQuerySet.as_manager()

    class Meta(Person.Meta):
        abstract = False


class Contact(Person):
    """The person on the other side."""

    objects = PersonQuerySet.as_manager()

    class Meta(Person.Meta):
        abstract = False
