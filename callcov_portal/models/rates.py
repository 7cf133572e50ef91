"""How checks came out over many calls.

Only each recording's current, completed analysis counts. A check counts once per call, by its worst finding: violated
before omitted before met. What was not assessed is in no denominator.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from callcov_portal.models.states import State
from callcov_portal.models.transcript import Finding, Outcome

ASSESSED = "assessed"
ASSESSED_OUTCOMES = (Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED)


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
