"""How checks came out over many calls.

Only each recording's current, completed analysis counts. A check counts once per call, by its worst finding: violated
before omitted before met. What was not assessed is in no denominator.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.fields import FloatField
from django.db.models.functions import Cast, Coalesce, NullIf

from callcov_portal.models.analysis import State
from callcov_portal.models.recording import Recording
from callcov_portal.models.transcript import Finding, Outcome

ASSESSED = "assessed"
ASSESSED_OUTCOMES = (Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED)


@dataclass(frozen=True)
class CheckRate:
    """In how many calls a check was met, violated or omitted. The three add up to `assessed`."""

    check_id: str
    title: str
    met: int
    violated: int
    omitted: int

    @property
    def assessed(self) -> int:
        """In how many calls the check came to anything."""
        return self.met + self.violated + self.omitted

    @property
    def met_rate(self) -> float:
        """The share of assessed calls in which the check was met, 0..1."""
        return self.met / self.assessed

    @property
    def violated_rate(self) -> float:
        """The share of assessed calls in which the check was violated, 0..1."""
        return self.violated / self.assessed

    @property
    def omitted_rate(self) -> float:
        """The share of assessed calls in which the check was omitted, 0..1."""
        return self.omitted / self.assessed


@dataclass(frozen=True)
class Totals:
    """What there is of some calls: how many, how many of them analysed, their minutes, and the newest."""

    calls: int
    analysed: int
    minutes: float
    last_call: datetime | None


def decisive(findings: QuerySet[Finding]) -> QuerySet[Finding]:
    """Leave out what was not assessed, and every finding beside a worse one of the same check and analysis."""
    same = Finding.objects.filter(analysis=OuterRef("analysis"), check_id=OuterRef("check_id"))
    violated, failed = (
        same.filter(outcome=Outcome.VIOLATED),
        same.filter(outcome__in=(Outcome.VIOLATED, Outcome.OMITTED)),
    )
    return findings.filter(
        Q(outcome=Outcome.VIOLATED)
        | (Q(outcome=Outcome.OMITTED) & ~Exists(violated))
        | (Q(outcome=Outcome.MET) & ~Exists(failed))
    )


def came_out(outcome: str, check_id: str = "", *, of: str = "") -> Q:
    """Return the condition of recordings in which a check (any, if none is named) came out like that.

    `outcome` is met, violated, omitted, heard, or "assessed" for any of the first three. `of` is the way to the recordings.
    """
    findings = Finding.objects.filter(analysis=OuterRef(f"{of}current_analysis"))
    if check_id:
        findings = findings.filter(check_id=check_id)
    if outcome == ASSESSED:
        findings = findings.filter(outcome__in=ASSESSED_OUTCOMES)
    elif outcome == Outcome.HEARD:
        findings = findings.filter(outcome=outcome)
    else:
        findings = decisive(findings.filter(outcome=outcome))
    if of:
        return Q(**{f"{of}state": State.COMPLETED}) & Q(Exists(findings))
    # Asked for outside, the state is where SQLite begins: it sorts all that is completed to show fifty (700 ms of
    # 100,000 calls; 50 ms so). For people it is the other way round: they are counted over all calls anyway.
    return Q(Exists(findings.filter(analysis__state=State.COMPLETED)))


def check_rates(recordings: QuerySet[Recording]) -> list[CheckRate]:
    """Return how each check came out in these calls, the worst first; checks that were never assessed are left out."""
    analyses = recordings.filter(state=State.COMPLETED).order_by().values("current_analysis")
    counts = {
        outcome.value: Count("analysis", distinct=True, filter=Q(outcome=outcome)) for outcome in ASSESSED_OUTCOMES
    }
    findings = decisive(Finding.objects.filter(analysis__in=analyses)).order_by().values("check_id")
    # A check that is met goes by its own name; one that is not may go by that of the rule that was broken.
    name = Coalesce(Max("title", filter=Q(outcome=Outcome.MET)), Max("title"))
    rows = findings.annotate(name=name, **counts).values_list("check_id", "name", *counts)
    found = [CheckRate(*row) for row in rows]
    return sorted(found, key=lambda rate: (rate.met_rate, rate.title))


def totals(recordings: QuerySet[Recording]) -> Totals:
    """Return what there is of these calls; one query."""
    sums = recordings.order_by().aggregate(
        calls=Count("pk"),
        analysed=Count("pk", filter=Q(state=State.COMPLETED)),
        seconds=Sum("duration_seconds"),
        last_call=Max("called_at"),
    )
    return Totals(sums["calls"], sums["analysed"], (sums["seconds"] or 0.0) / 60, sums["last_call"])


def with_calls(people: QuerySet[Any]) -> QuerySet[Any]:
    """Return agents or contacts that have calls, with `calls`, `analysed` and `last_call`."""
    analysed = Count("recordings", filter=Q(recordings__state=State.COMPLETED))
    counted: QuerySet[Any] = people.annotate(
        calls=Count("recordings"), analysed=analysed, last_call=Max("recordings__called_at")
    )
    return counted.filter(calls__gt=0)


def with_rates(people: QuerySet[Any]) -> QuerySet[Any]:
    """Add in how many calls anything was `assessed`, `violated`, `omitted`, and the two rates (NULL: none assessed)."""
    counts = {
        outcome: Count("recordings", filter=came_out(outcome, of="recordings__"))
        for outcome in (ASSESSED, Outcome.VIOLATED.value, Outcome.OMITTED.value)
    }
    assessed = NullIf(Cast(F(ASSESSED), FloatField()), 0.0)
    rates = {"violated_rate": F("violated") / assessed, "omitted_rate": F("omitted") / assessed}
    rated: QuerySet[Any] = people.annotate(**counts).annotate(**rates)
    return rated
