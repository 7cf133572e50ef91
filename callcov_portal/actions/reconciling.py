"""Did it arrive? The answer to a POST was lost, so the API is asked before anything is sent again."""

from datetime import datetime, timedelta
from enum import Enum

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from callcov_portal.actions import gateway, outcomes, pace, recognising, schedule
from callcov_portal.actions.applying import Applied
from callcov_portal.actions.submitting import accept
from callcov_portal.client.api import Api
from callcov_portal.client.errors import NotFound
from callcov_portal.client.types import AnalysisSnapshot
from callcov_portal.models import Analysis, Failure, State
from callcov_portal.models.analysis import AnalysisQuerySet

log = structlog.get_logger(__name__)

CLOCKS_DIFFER = timedelta(minutes=5)
LATE_ENTRY = timedelta(days=1)  # so long an analysis of which we are unsure may still lay claim to an entry
PAGE = 200
MOST_LISTED = 10_000


class Verdict(Enum):
    """What a look at the API's list proves when nothing was found."""

    ABSENT = "absent"
    CANNOT_TELL = "cannot tell"


def find(analysis: Analysis) -> None:
    """Look for an analysis whose POST was never answered, and act on what is found.

    Found → bound. Proven absent (two looks with a grace between them) → queued again. If the list cannot
    tell after several looks → FAILED `unsure`, and a person decides. Raises `ApiError` while the API is away,
    which proves nothing and counts as nothing.
    """
    with gateway.speaking() as api:
        found = announced(api, analysis) or listed(api, analysis)
    if isinstance(found, AnalysisSnapshot):
        accept(analysis, found)
    elif found is Verdict.ABSENT:
        note_absence(analysis)
    else:
        note_doubt(analysis)


def look_again(analysis: Analysis) -> None:
    """Look after late news about an analysis that failed as lost, expired or unsure; without news it stays failed."""
    looked_at = timezone.now()
    with gateway.speaking() as api:
        snapshot = announced(api, analysis)
        if snapshot is None and analysis.external_id:
            snapshot = known(api, analysis.external_id)
    if snapshot is None or accept(analysis, snapshot) is Applied.STALE:
        # A delivery that came meanwhile has made it due again: that one was not looked at.
        came = analysis.deliveries.filter(received_at__gte=looked_at).exists()
        outcomes.wait_until(analysis, timezone.now() if came else None)


def arrived_after_all(analysis: Analysis) -> bool:
    """Bind what was taken for absent, before it is sent again, if a webhook has named it since; True if it is bound."""
    named = analysis.deliveries.exclude(external_id="")
    if not analysis.submissions or analysis.api_url != settings.CALLCOV_API_IDENTITY or not named.exists():
        return False
    with gateway.speaking() as api:
        snapshot = announced(api, analysis)
    if snapshot is None or not Analysis.objects.move(analysis.pk, State.SENDING):
        return False
    analysis.state = State.SENDING
    accept(analysis, snapshot)
    return True


def known(api: Api, external_id: str) -> AnalysisSnapshot | None:
    """Return an analysis by its id at the API, or None if the API does not know it. One request."""
    pace.take(pace.REQUEST)
    try:
        return api.get(external_id)
    except NotFound:
        return None


def announced(api: Api, analysis: Analysis) -> AnalysisSnapshot | None:
    """Return the analysis that a webhook with our token named, if the API shows it with our agent and contact."""
    for external_id in analysis.deliveries.exclude(external_id="").values_list("external_id", flat=True):
        if outcomes.is_known_elsewhere(analysis.pk, analysis.api_url, external_id):
            continue
        snapshot = known(api, external_id)
        if snapshot and is_about(snapshot, analysis):
            return snapshot
    return None


def listed(api: Api, analysis: Analysis) -> AnalysisSnapshot | Verdict:
    """Return the analysis out of the API's list, or what the list proves: one too long to be read proves nothing."""
    candidates, seen = [], 0
    people = {"agent_id": analysis.sent_agent, "contact_id": analysis.sent_contact}
    pace.take(pace.REQUEST)
    for seen, snapshot in enumerate(api.iterate(page=PAGE, cap=MOST_LISTED, **people), start=1):
        if str(analysis.pk) in (snapshot.webhook_url or ""):
            return snapshot
        if not snapshot.webhook_url and may_be(snapshot, analysis):
            candidates.append(snapshot)
        if seen % PAGE == 0:
            pace.take(pace.REQUEST)  # the next page
    return Verdict.CANNOT_TELL if seen >= MOST_LISTED else judge(analysis, candidates)


def may_be(snapshot: AnalysisSnapshot, analysis: Analysis) -> bool:
    """Say whether a listed analysis without an echoed URL could be ours: right people, right time, not known."""
    since = (analysis.sent_at or analysis.created_at) - CLOCKS_DIFFER
    new_enough = snapshot.created is None or snapshot.created >= since
    taken = outcomes.is_known_elsewhere(analysis.pk, analysis.api_url, snapshot.id)
    return is_about(snapshot, analysis) and new_enough and not taken


def judge(analysis: Analysis, candidates: list[AnalysisSnapshot]) -> AnalysisSnapshot | Verdict:
    """Return the only candidate if nobody else of ours could claim it; none at all proves absence."""
    if not candidates:
        return Verdict.ABSENT
    if len(candidates) == 1 and not rivals_of(analysis).exists():
        return candidates[0]
    return Verdict.CANNOT_TELL


def rivals_of(analysis: Analysis) -> AnalysisQuerySet:
    """Return the analyses of the same two people that an entry could belong to as well, so that nobody can tell."""
    since = (analysis.sent_at or analysis.created_at) - LATE_ENTRY
    unsure = Q(state=State.FAILED, failure=Failure.UNSURE, sent_at__gte=since) & ~Q(recording=analysis.recording_id)
    return Analysis.objects.filter(
        Q(state=State.SENDING) | unsure,
        api_url=settings.CALLCOV_API_IDENTITY,
        sent_agent=analysis.sent_agent,
        sent_contact=analysis.sent_contact,
    ).exclude(pk=analysis.pk)


def is_about(snapshot: AnalysisSnapshot, analysis: Analysis) -> bool:
    """Say whether the API's analysis names our agent and contact (and, where echoed, our webhook)."""
    ours = (snapshot.agent_id, snapshot.contact_id) == (analysis.sent_agent, analysis.sent_contact)
    return ours and (not snapshot.webhook_url or str(analysis.pk) in snapshot.webhook_url)


def note_absence(analysis: Analysis) -> None:
    """Count a look that found nothing; the second one, a grace later, is proof and queues it again."""
    now = timezone.now()
    if analysis.absences == 0:
        outcomes.wait_until(analysis, now + schedule.grace(), absences=1)
        return
    if analysis.submissions >= schedule.MOST_SUBMISSIONS:
        why = f"It was sent {analysis.submissions} times and never arrived. {analysis.detail}"
        outcomes.fail(analysis, Failure.UNSURE, why)
        return
    log.info("proven_absent", analysis=str(analysis.pk), submission=analysis.submissions)
    with transaction.atomic():
        put_back(analysis, now)


def put_back(analysis: Analysis, now: datetime) -> None:
    """Queue again what never arrived; what was still to be compared when it was taken for sent is compared now."""
    needs_comparing = analysis.needs_comparing and recognising.note_due(analysis.recording, analysis.urgency)
    Analysis.objects.move(
        analysis.pk,
        State.QUEUED,
        needs_comparing=needs_comparing,
        detail="It had not arrived; it is sent again.",
        next_attempt_at=now + schedule.before_sending_again(analysis.submissions),
        absences=0,
        attempts=0,
    )


def note_doubt(analysis: Analysis) -> None:
    """Count a look that could not tell; after several a person must decide."""
    looks = analysis.looks + 1
    if looks >= schedule.MOST_LOOKS:
        outcomes.fail(
            analysis,
            Failure.UNSURE,
            "The answer to the submission was lost and the API's list does not show which entry is ours.",
            looks=looks,
        )
        return
    outcomes.wait_until(analysis, timezone.now() + schedule.back_off(looks + 2), looks=looks)
