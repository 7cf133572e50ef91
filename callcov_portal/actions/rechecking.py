"""Checking calls again by the rules in force, from the words that are stored."""

import time
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from callcov_portal import rules
from callcov_portal.actions import comparing, tallying
from callcov_portal.actions.comparing import LAST, Changed, Comparison, last_completed, words_of
from callcov_portal.actions.judging import found_by
from callcov_portal.actions.recordings import note
from callcov_portal.actions.results import write_findings
from callcov_portal.actions.rules import in_force, kept
from callcov_portal.models import Analysis, Finding, LogEntry, State, User
from callcov_portal.reading.differing import Change, differences
from callcov_portal.reading.ruled import Found


class NotPossible(Exception):
    """The analysis has no words to check; says so in one sentence."""


def check_again(analysis: Analysis, user: User) -> list[Change]:
    """Put what the rules in force find in the place of an analysis's findings by rules, and return what changed.

    Findings without a rule (the API's documented results) stay, and so does the document as received. Logged if it
    changed anything; a second time it changes nothing. Raises `NotPossible` for what is not completed.
    """
    if analysis.state != State.COMPLETED:
        raise NotPossible("Only a completed analysis can be checked again.")
    ruleset = in_force()
    kept(ruleset)
    said = words_of(analysis.pk)
    found = found_by(ruleset, said, analysis.language, analysis.recording.duration_seconds)
    with transaction.atomic():
        as_read = Analysis.objects.filter(state=State.COMPLETED, speakers_swapped=analysis.speakers_swapped)
        if not as_read.select_for_update().filter(pk=analysis.pk).exists():
            raise NotPossible("The call was deleted, or its speakers were swapped, meanwhile. Look at it again.")
        by_rules = Finding.objects.filter(analysis=analysis).exclude(rule="")
        changes = differences(by_rules, found)
        rewrite(analysis, found)
        tallying.retally(analysis.recording_id)
        changed = Analysis.objects.filter(pk=analysis.pk).exclude(rules=ruleset.hash).update(rules=ruleset.hash)
        if changes or changed:
            note(user, "checked again", analysis.recording, told(ruleset, changes))
    return changes


def rewrite(analysis: Analysis, found: Sequence[Found]) -> None:
    """Write findings by rules in place of those that were there, after all others."""
    findings = Finding.objects.filter(analysis=analysis)
    findings.exclude(rule="").delete()
    last = findings.aggregate(last=Max("position"))["last"]
    write_findings(analysis.pk, found, first=0 if last is None else last + 1)


def told(ruleset: rules.RuleSet, changes: Sequence[Change]) -> str:
    """Return for the log by which rules and what changed."""
    said = [f"{change.title}: {change.before or 'not checked'} → {change.after or 'not checked'}" for change in changes]
    return f"by {ruleset.name} ({ruleset.hash[:12]}); " + ("; ".join(said) or "no outcome changed")


def check_last_again(user: User, last: int = LAST) -> Comparison:
    """Check the last completed calls again by the rules in force, each in a transaction of its own; logged."""
    began, done = time.monotonic(), Comparison()
    for analysis, long in last_completed(last):
        if long or time.monotonic() - began > comparing.MOST_SECONDS:
            done.left_out += 1
            continue
        try:
            changes = check_again(analysis, user)
        except NotPossible:  # deleted, or its speakers swapped, in this moment
            done.left_out += 1
            continue
        done.looked_at += 1
        if changes:
            done.changed.append(Changed(analysis.recording_id, str(analysis.recording.agent), changes))
    done.seconds = time.monotonic() - began
    text = f"{done.looked_at} calls, {len(done.changed)} changed, {done.left_out} left out"
    LogEntry.objects.create(user=user, act="checked the last calls again", text=text)
    return done
