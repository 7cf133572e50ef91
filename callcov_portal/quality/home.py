"""My work: what is to be reviewed, what needs attention, and which check goes wrong when."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from callcov_portal import standings, tasks
from callcov_portal.actions import bulk
from callcov_portal.models import RETRYABLE, BulkJob, BulkState, Failure, Recording, State
from callcov_portal.models import overview as questions
from callcov_portal.models.people import TEAM_LENGTH
from callcov_portal.reading import weeks
from callcov_portal.standings import Whose
from callcov_portal.views.agents import clean
from callcov_portal.views.causes import Failed
from callcov_portal.views.heatmap import heat_map, to_agents
from callcov_portal.views.paging import COUNT_CAP
from callcov_portal.views.rendering import PortalRequest


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
        "causes": causes(),
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


def causes() -> list[Failed]:
    """Return the causes of failure, the most frequent first; three queries."""
    running = BulkJob.objects.filter(state=BulkState.RUNNING).exclude(failure="")
    under_way = {job.failure: job for job in running}
    unsent = questions.retryable()
    return [
        Failed(
            cause=cause.code,
            label=cause.label,
            count=cause.count,
            link=f"{reverse('calls')}?state=failed&failure={cause.code}",
            what_to_do=cause.what_to_do,
            retryable=unsent.get(cause.code, 0),
            retry_at=reverse("retry_these", args=[cause.code]) if cause.code in RETRYABLE else "",
            retry=under_way.get(cause.code),
        )
        for cause in questions.causes(questions.failures())
    ]


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
