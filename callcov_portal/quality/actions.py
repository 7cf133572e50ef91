"""The verbs of judgement."""

from django.db import transaction

from callcov_portal.actions import marks
from callcov_portal.models import Analysis, State, User
from callcov_portal.quality.models import Review, Verdict


class NotReviewable(Exception):
    """There is nothing to judge yet; says so in one sentence."""


@transaction.atomic
def give_verdict(analysis: Analysis, reviewer: User, verdict: Verdict, note: str) -> Review:
    """Add a review and mark the recording with it. Earlier reviews stay; the newest counts.

    Raises `NotReviewable` unless the analysis is completed.
    """
    if analysis.state != State.COMPLETED:
        raise NotReviewable("A verdict can be given once the analysis is done.")
    review = Review.objects.create(analysis=analysis, reviewer=reviewer, verdict=verdict, note=note)
    marks.mark_reviewed(analysis.recording, reviewer=reviewer, at=review.created_at, verdict=review.verdict)
    return review
