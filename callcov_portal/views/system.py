"""How the system does: the status page and the health check."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from callcov_portal.actions import gateway, pace, storing, sweeping, watching
from callcov_portal.models import Delivery, LogEntry, Recording, Signal, User
from callcov_portal.models import overview as questions
from callcov_portal.storage import is_folder
from callcov_portal.uploads import KEEP_FREE_BYTES
from callcov_portal.views.rendering import PortalRequest, render_page
from callcov_portal.views.trouble import LITTLE_ROOM, SILENCE, is_silent

LOG_SHOWN = 15
A_WEEK = timedelta(days=6)  # with today
WATCHED_KEPT = timedelta(days=7)
UNMUTED_SHOWN = 20


@require_safe
@login_not_required
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the database answers, else 503; to anybody, and without saying why."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return JsonResponse({"status": "unavailable"}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
def status(request: PortalRequest) -> HttpResponse:
    """Show where all calls stand, why some failed, and whether worker, API and disk do their part."""
    counts = questions.standings()
    context = {
        "queue": questions.queue(counts),
        "causes": questions.causes(counts),
        "oldest_wait": questions.oldest_wait(),
        "sent": questions.sent_since(start_of_month()),
        "spent": questions.spent_since(timezone.localdate() - A_WEEK),
        "submissions": (pace.submissions_used(), pace.limit_of(pace.SUBMISSION)),
        "last_delivery": Delivery.objects.order_by("-pk").values("received_at", "event", "times").first(),
        "disk": disk(),
        "watched": watched_folders(),
        "unmuted": Recording.objects.unmuted().only("pk", "muting_detail")[:UNMUTED_SHOWN],
        "log": recent_log(request.user),
        **machinery(),
    }
    return render_page(request, "system/status.html", "system/_status.html", context)


def machinery() -> dict[str, Any]:
    """Return what worker, API and storage said last."""
    pauses = (pace.PAUSE, pace.pause_of(pace.SUBMISSION))
    found = questions.signals(sweeping.SWEPT, gateway.ANSWER, gateway.TROUBLE, storing.ANSWER, storing.TROUBLE, *pauses)
    swept: Signal | None = found.get(sweeping.SWEPT)
    on = [found[name] for name in pauses if name in found and is_ahead(found[name].until)]
    return {
        "swept": swept,
        "worker_is_silent": is_silent(swept),
        "answer": found.get(gateway.ANSWER),
        "api_trouble": found.get(gateway.TROUBLE),
        "pause": on[0] if on else None,
        "bucket": "" if is_folder() else settings.CALLCOV_STORAGE_BUCKET,
        "bucket_at": settings.CALLCOV_STORAGE_ENDPOINT,
        "storage_answer": found.get(storing.ANSWER),
        "storage_trouble": found.get(storing.TROUBLE),
        "is_embedded": settings.CALLCOV_EMBEDDED,
        "api_url": settings.CALLCOV_API_URL,
    }


def is_ahead(moment: datetime | None) -> bool:
    """Say whether a moment is yet to come."""
    return moment is not None and moment > timezone.now()


@dataclass(frozen=True)
class Watched:
    """A folder that is watched: when somebody looked last, and since when what hinders it ("" if nothing does)."""

    folder: str
    looked_at: datetime
    is_silent: bool
    trouble: str
    since: datetime | None


def watched_folders() -> list[Watched]:
    """Return the folders that were watched within a week, one query."""
    now = timezone.now()
    rows = Signal.objects.filter(name__startswith=watching.SIGNAL, at__gt=now - WATCHED_KEPT).order_by("text")
    found = [(row, *row.text.partition("\n")[::2]) for row in rows]
    return [Watched(folder, row.at, row.at < now - SILENCE, trouble, row.until) for row, folder, trouble in found]


def start_of_month() -> Any:
    """Return when this month began in the portal's time zone."""
    return timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def disk() -> dict[str, Any]:
    """Return how full the disk of the data folder is, in bytes; `is_full`: uploads are refused."""
    usage = shutil.disk_usage(settings.CALLCOV_DATA_DIR)
    return {
        "free": usage.free,
        "total": usage.total,
        "is_full": usage.free < KEEP_FREE_BYTES,
        "is_low": usage.free < LITTLE_ROOM,
    }


def recent_log(user: User) -> list[LogEntry]:
    """Return what people did last; leads alone see it."""
    return list(LogEntry.objects.select_related("user")[:LOG_SHOWN]) if user.is_lead else []
