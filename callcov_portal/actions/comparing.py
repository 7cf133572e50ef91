"""What other rules would change: asked of the last calls, from the words that are stored. Nothing is written."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db.models import Count

from callcov_portal import rules
from callcov_portal.actions.judging import raw_findings, spoken, value_of
from callcov_portal.actions.rules import in_force
from callcov_portal.models import Analysis, Recording, Segment, State
from callcov_portal.reading.differing import Change, differences
from callcov_portal.reading.ruled import Found

LAST = 100  # calls that are looked at
MOST_SEGMENTS = 2000  # of one call; what is longer is left out and said so
MOST_SECONDS = 20.0  # after which the rest is left out: a page must answer


@dataclass(frozen=True)
class Changed:
    """A call with checks that come out differently."""

    number: int
    agent: str
    changes: list[Change]


@dataclass(frozen=True)
class CheckCount:
    """How often a check changes in one way."""

    title: str
    before: str
    after: str
    calls: int


@dataclass
class Comparison:
    """What other rules would change in some calls. `left_out`: calls that are too long or came after the time was up."""

    looked_at: int = 0
    left_out: int = 0
    changed: list[Changed] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def by_check(self) -> list[CheckCount]:
        """The ways in which checks change, the most frequent first."""
        ways = Counter((c.title, c.before, c.after) for call in self.changed for c in call.changes)
        return [CheckCount(*way, calls) for way, calls in ways.most_common()]


def what_if(ruleset: rules.RuleSet, last: int = LAST) -> Comparison:
    """Say which of the last completed calls would change if these rules were in force. Nothing is written.

    Both sets are run on the stored words, so that what differs is the rules' doing alone. One call is in memory at a
    time. All rules take some 30 ms for a call of 150 s, hence only the checks in which the sets differ are run.
    """
    began = time.monotonic()
    now, then = where_they_differ(in_force(), ruleset)
    compared = Comparison()
    for analysis, long in last_completed(last):
        if long or time.monotonic() - began > MOST_SECONDS:
            compared.left_out += 1
            continue
        said = words_of(analysis.pk)
        changes = differences(outcomes_by(now, analysis, said), outcomes_by(then, analysis, said))
        compared.looked_at += 1
        if changes:
            recording = analysis.recording
            compared.changed.append(Changed(recording.pk, str(recording.agent), changes))
    compared.seconds = time.monotonic() - began
    return compared


def where_they_differ(one: rules.RuleSet, other: rules.RuleSet) -> tuple[rules.RuleSet, rules.RuleSet]:
    """Return two rule sets without the checks that have the same rules in both, whose findings are the same."""
    if one.languages != other.languages:
        return one, other
    mine, theirs = by_check(one), by_check(other)
    same = {check for check, found in mine.items() if theirs.get(check) == found}
    return without(one, same), without(other, same)


def by_check(ruleset: rules.RuleSet) -> dict[str, list[rules.Rule]]:
    """Return the rules by the check they serve."""
    found: dict[str, list[rules.Rule]] = {}
    for rule in ruleset.rules:
        found.setdefault(rule.check_id, []).append(rule)
    return found


def without(ruleset: rules.RuleSet, checks: set[str]) -> rules.RuleSet:
    """Return a rule set without the rules of some checks."""
    return replace(ruleset, rules=tuple(rule for rule in ruleset.rules if rule.check_id not in checks))


def last_completed(last: int) -> Iterator[tuple[Analysis, bool]]:
    """Yield the analyses of the newest calls that are completed, and whether they are too long to be looked at."""
    chosen = newest(last)
    current = Analysis.objects.filter(pk__in=chosen).select_related("recording__agent")
    long = segments_over(MOST_SEGMENTS, chosen)
    for analysis in sorted(current, key=lambda a: (a.recording.called_at, a.recording_id), reverse=True):
        yield analysis, analysis.pk in long


def newest(last: int) -> list[UUID]:
    """Return the current analyses of the newest calls whose analysis is completed."""
    completed = Recording.objects.filter(state=State.COMPLETED).newest_first()
    return list(completed.values_list("current_analysis", flat=True)[:last])


def segments_over(most: int, analyses: Sequence[UUID]) -> set[UUID]:
    """Return those of the analyses that have more segments than `most`."""
    counted = Segment.objects.filter(analysis__in=analyses).order_by().values("analysis").annotate(n=Count("pk"))
    return set(counted.filter(n__gt=most).values_list("analysis", flat=True))


def words_of(analysis: UUID) -> list[rules.StoredSegment]:
    """Return what was said in a call, as the rules take it."""
    columns = ("speaker", "text", "start", "end", "words")
    rows = Segment.objects.filter(analysis=analysis).order_by("position").values_list(*columns)
    return [spoken(*row) for row in rows]


def outcomes_by(ruleset: rules.RuleSet, analysis: Analysis, said: Sequence[rules.StoredSegment]) -> list[Found]:
    """Return what a rule set finds in a stored call; nobody is to read the quotes."""
    found = raw_findings(ruleset, said, analysis.language, analysis.recording.duration_seconds)
    return [value_of(finding) for finding in found]
