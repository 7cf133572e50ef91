"""Versions of the rule set: reading the one in force, saving another, and putting one in force."""

import logging
from dataclasses import dataclass
from functools import lru_cache

from django.db import transaction
from django.utils import timezone

from callcov_portal import rules
from callcov_portal.models import LogEntry, RuleVersion, User
from callcov_portal.rules import RuleSet

BUILT_IN = "built-in"  # in place of a hash: the rules of this program, whichever they are after an upgrade
BUILT_IN_NOTE = "Built into the program."
REMEMBERED = 32  # rule sets that a process keeps parsed
log = logging.getLogger(__name__)


class NotPossible(Exception):
    """There is no such version, or this program cannot read it; says so in one sentence."""


@dataclass(frozen=True)
class Standing:
    """The rules that are in force, and, where another version should be, why it is not ("" where none should)."""

    rules: RuleSet
    trouble: str = ""


def in_force() -> RuleSet:
    """Return the rules by which calls are checked now."""
    return standing().rules


def standing() -> Standing:
    """Return the rules in force. A version that cannot be read any more makes way for the built-in rules, and says so."""
    digest = RuleVersion.objects.in_force()
    if not digest:
        return Standing(rules.builtin())
    try:
        return Standing(parsed(digest))
    except rules.RuleError as error:
        log.warning("The rules in force cannot be read; the built-in ones are used", extra={"version": digest})
        put = RuleVersion.objects.defer("text").get(pk=digest)
        why = f"The version in force, {put}, cannot be read by this program ({error}) The built-in rules are used instead."
        return Standing(rules.builtin(), why)


def of_hash(digest: str) -> RuleSet:
    """Return the rules with that hash; raises `NotPossible` if nobody has them or this program cannot read them."""
    if digest in {BUILT_IN, rules.builtin().hash}:
        return rules.builtin()
    try:
        return parsed(digest)
    except RuleVersion.DoesNotExist as error:
        raise NotPossible("There is no such version of the rules.") from error
    except rules.RuleError as error:
        raise NotPossible(f"This program cannot read that version. {error}") from error


@lru_cache(maxsize=REMEMBERED)
def parsed(digest: str) -> RuleSet:
    """Return a stored version, parsed once in a process: what a hash names never changes.

    Raises `RuleVersion.DoesNotExist`, and `RuleError` for a text that an older program took and this one does not.
    """
    return rules.load(RuleVersion.objects.values_list("text", flat=True).get(pk=digest))


def save_version(text: str, note: str, user: User) -> RuleVersion:
    """Keep a text as a version; it is not in force by that. The same text again is the version that is there.

    Raises `rules.RuleError`, which names the line, for a text that is no rule set.
    """
    ruleset = rules.load(text)
    with transaction.atomic():
        version, is_new = kept(ruleset, note=note, by=user)
        if is_new:
            LogEntry.objects.create(user=user, act="rules saved", text=f"{version} {note}".strip())
    return version


def kept(ruleset: RuleSet, *, note: str = BUILT_IN_NOTE, by: User | None = None) -> tuple[RuleVersion, bool]:
    """Return the version with this rule set's text, written if it is new, and whether it is.

    So the rules by which a call was checked can be read for ever, those of an older program included.
    """
    fields = {"name": ruleset.name[:200], "text": ruleset.text, "note": note, "created_by": by}
    return RuleVersion.objects.get_or_create(hash=ruleset.hash, defaults=fields)


@transaction.atomic
def activate(digest: str, user: User) -> RuleSet:
    """Put a version, or with `BUILT_IN` the program's own rules, in force for calls to come, and return it.

    Logged, unless it is in force already. Raises `NotPossible`.
    """
    ruleset = of_hash(digest)
    before = RuleVersion.objects.in_force() or rules.builtin().hash
    if ruleset.hash == before:
        return ruleset
    RuleVersion.objects.exclude(activated_at=None).update(activated_at=None)
    if ruleset.hash != rules.builtin().hash:
        RuleVersion.objects.filter(pk=ruleset.hash).update(activated_at=timezone.now())
    text = f"{ruleset.name} ({ruleset.hash[:12]}), before: {before[:12]}"
    LogEntry.objects.create(user=user, act="rules put in force", text=text)
    return ruleset
