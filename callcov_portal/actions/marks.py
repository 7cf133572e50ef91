"""The marks that judgement leaves on evidence, so that lists need no join."""

from datetime import datetime

from callcov_portal.models import Recording, User


def mark_reviewed(recording: Recording, *, reviewer: User, at: datetime, verdict: str) -> None:
    """Note the newest review on the recording; an older one than what is noted changes nothing."""
    rows = Recording.objects.filter(pk=recording.pk).exclude(reviewed_at__gt=at)
    rows.update(reviewed_by=reviewer, reviewed_at=at, verdict=verdict)
