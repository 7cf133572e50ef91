"""The verbs of judgement."""

from collections.abc import Sequence

from django.db import transaction

from callcov_portal.actions import marks
from callcov_portal.actions.pouring import Table
from callcov_portal.actions.seeding import Judged
from callcov_portal.models import Analysis, State, User
from callcov_portal.models.prepared import key, moment
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


def note_verdicts(judged: Sequence[Judged]) -> None:
    """Write down the verdicts of demo calls, whose marks are there already; in the caller's transaction."""
    reviews = Table(Review, "analysis", "reviewer", "verdict", "created_at")
    reviews.write((key(one.analysis), one.reviewer, one.verdict, moment(one.at)) for one in judged)
