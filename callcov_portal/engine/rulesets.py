"""The rule sets that callers send along: read before they are taken, kept once each, found again by their hash."""

import hashlib
from functools import lru_cache

from callcov_portal import rules
from callcov_portal.engine.models import Job, Rules
from callcov_portal.engine.orders import BadRequest, Order, complaint, shortened


class Outdated(Exception):
    """Rules that an earlier version took and this one cannot read; `str()` is a sentence for people."""


def chosen(order: Order) -> str:
    """Return the hash of the rule set that a create asks for, which is kept by then; "" if it names none.

    Raises `BadRequest` for a text that is no rule set, a hash that is not the text's, and a hash alone that nobody
    has sent the text of. A text that is known is not read again.
    """
    if order.rules is None:
        return known(order.rules_sha256) if order.rules_sha256 else ""
    sha256 = hashlib.sha256(order.rules.encode()).hexdigest()
    if order.rules_sha256 not in {None, sha256}:
        raise refused("rules_sha256", "This is not the SHA-256 of the rules sent with it", order.rules_sha256)
    if not Rules.objects.filter(pk=sha256).exists():
        keep(read(order.rules))
    return sha256


def known(sha256: str) -> str:
    """Return the hash of a rule set that was sent earlier or is the built-in one; raises `BadRequest` for another."""
    if sha256 == rules.builtin().hash:
        keep(rules.builtin())
    elif not Rules.objects.filter(pk=sha256).exists():
        raise refused("rules_sha256", "This rule set is not known here: send its text as rules", sha256)
    return sha256


def read(text: str) -> rules.RuleSet:
    """Return the rule set; raises `BadRequest` with the sentence that names the line."""
    try:
        return rules.load(text)
    except rules.RuleError as error:
        raise refused("rules", str(error), text) from error


def keep(ruleset: rules.RuleSet) -> None:
    """Write the text down, once however often it comes: a job in the queue is checked by it also after an upgrade."""
    Rules.objects.bulk_create([Rules(hash=ruleset.hash, text=ruleset.text)], ignore_conflicts=True)


def of(job: Job) -> rules.RuleSet:
    """Return the rules to check a job by; raises `Outdated`."""
    return kept(job.rules_hash) if job.rules_hash else rules.builtin()


@lru_cache(maxsize=16)
def kept(sha256: str) -> rules.RuleSet:
    """Return a rule set that was kept; the text never changes, so it is read once in a process."""
    try:
        return rules.load(Rules.objects.get(pk=sha256).text)
    except rules.RuleError as error:
        raise Outdated(f"The rules that came with this call cannot be used by this version: {error}") from error


def refused(field: str, sentence: str, given: str | None) -> BadRequest:
    """Return the error about one field of the body."""
    return BadRequest([complaint("value_error", ["body", field], sentence, shortened(given))])
