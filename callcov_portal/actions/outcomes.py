"""The small moves of an analysis that several actions share."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from callcov_portal.actions import schedule
from callcov_portal.models import Analysis, Failure, State


def fail(analysis: Analysis, failure: Failure, detail: str, **fields: object) -> bool:
    """End an analysis with a cause that people can read; False if it had moved on meanwhile."""
    return Analysis.objects.move(
        analysis.pk,
        State.FAILED,
        failure,
        detail=detail,
        next_attempt_at=None,
        finished_at=timezone.now(),
        attempts=0,
        **fields,
    )


def wait_until(analysis: Analysis, when: datetime | None, detail: str | None = None, **fields: object) -> None:
    """Put an analysis back on the schedule (None: off it), if it is still in the state in which it was claimed."""
    values: dict[str, object] = {"next_attempt_at": when, **fields}
    if detail is not None:
        values["detail"] = detail
    Analysis.objects.filter(pk=analysis.pk, state=analysis.state).update(**values)


def wait_longer(analysis: Analysis, detail: str) -> None:
    """Wait twice as long as the last time. The try was counted when the row was claimed."""
    wait_until(analysis, timezone.now() + schedule.back_off(analysis.attempts), detail)


def is_known_elsewhere(analysis_id: UUID, api_url: str, external_id: str) -> bool:
    """Say whether another analysis of ours has this id at the API."""
    others = Analysis.objects.exclude(pk=analysis_id)
    return others.filter(api_url=api_url, external_id=external_id).exists()
