"""What an older backup does not know: which of the analyses that wait in it were sent after it was made."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from callcov_portal.models import Analysis, State

WHY = "The database was restored from a backup: the API is asked whether it has this already."


def doubt_what_waits() -> int:
    """Treat everything that waits to be sent as sent without an answer; return how many.

    So each is looked for at the API before anything is sent: found, it is bound; proven absent, it is sent.
    For a portal that is stopped, after a restore and before the first start. Twice is harmless.
    """
    now = timezone.now()
    waiting = Analysis.objects.filter(state=State.QUEUED, next_attempt_at__isnull=False)
    rows = waiting.select_related("recording__agent", "recording__contact").order_by("created_at")
    return sum(doubt(analysis, now) for analysis in rows.iterator(chunk_size=1000))


def doubt(analysis: Analysis, when: datetime) -> bool:
    """Let one analysis be looked for; the first submission counts as made, so that its webhooks are taken."""
    return Analysis.objects.move(
        analysis.pk,
        State.SENDING,
        sent_at=analysis.sent_at or analysis.created_at,
        api_url=settings.CALLCOV_API_IDENTITY,
        sent_agent=analysis.recording.agent.identifier,
        sent_contact=analysis.recording.contact_identifier,
        submissions=max(analysis.submissions, 1),
        looks=0,
        absences=0,
        detail=WHY,
        next_attempt_at=when,
    )
