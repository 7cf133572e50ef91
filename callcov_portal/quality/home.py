"""My work: what is to be reviewed, what needs attention, and which check goes wrong when."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from callcov_portal import standings, tasks
from callcov_portal.actions import bulk
from callcov_portal.models import RETRYABLE, BulkJob, BulkState, Failure, Recording, State
from callcov_portal.models import overview as questions
from callcov_portal.models.overview import Cause
from callcov_portal.models.people import TEAM_LENGTH
from callcov_portal.reading import weeks
from callcov_portal.standings import Whose
from callcov_portal.views.agents import clean
from callcov_portal.views.heatmap import heat_map, to_agents
from callcov_portal.views.paging import COUNT_CAP
from callcov_portal.views.rendering import PortalRequest


@dataclass(frozen=True)
class Trouble:
    """One cause of failure, how many of its calls can be retried, and how far a retry of them is, if one is under way."""

    cause: Cause
    retryable: int
    retry: BulkJob | None


@require_safe
def home(request: PortalRequest) -> HttpResponse:
    """Show what to do next. `?weeks=` and `?team=` are those of the heat map."""
    period = weeks.read(request.GET, timezone.localdate())
    team = clean(request, "team", TEAM_LENGTH)
    shown = standings.shortened(period)
    unreviewed = to_review()
    context = {
        "unreviewed": min(unreviewed, COUNT_CAP),
        "are_more": unreviewed > COUNT_CAP,
        "troubles": troubles(),
        "has_calls": unreviewed > 0 or Recording.objects.exists(),
        "period": period,
        "periods": weeks.choices(timezone.localdate()),
        "team": team,
        "teams": standings.teams(),
        "map": heat_map(standings.checks_by_week(Whose(team=team), shown), to_agents(team), shown),
    }
    return render(request, "quality/home.html", context)


def to_review() -> int:
    """Return how many analysed calls nobody has reviewed; counting stops beyond 1,000."""
    return Recording.objects.filter(state=State.COMPLETED, reviewed_at=None).order_by()[: COUNT_CAP + 1].count()


def troubles() -> list[Trouble]:
    """Return the causes of failure, the most frequent first; three queries."""
    causes = questions.causes(questions.failures())
    running = BulkJob.objects.filter(state=BulkState.RUNNING).exclude(failure="")
    under_way = {job.failure: job for job in running}
    unsent = questions.retryable()
    return [Trouble(cause, unsent.get(cause.code, 0), under_way.get(cause.code)) for cause in causes]


@require_POST
def retry_these(request: PortalRequest, failure: str) -> HttpResponse:
    """Retry everything that failed for a cause, as far as nothing of it was sent; a second press changes nothing."""
    if failure not in RETRYABLE:
        raise Http404("Nothing that failed for this cause can be retried.")
    job = bulk.retry_all(failure, request.user)
    if job:
        tasks.ring_chore("bulk", job.pk)
        messages.success(request, f"They are being retried, one after the other: {Failure(failure).label}.")
    else:
        messages.info(request, "Nothing is left to retry, or somebody has asked for it already.")
    return redirect("home")
