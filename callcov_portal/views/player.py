"""The player of a call by itself, for when what may be heard changes while the page is open."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from callcov_portal import tasks
from callcov_portal.actions import muting
from callcov_portal.views.evidence import marks_context, player_context
from callcov_portal.views.listening import wants_all
from callcov_portal.views.recordings import recording_or_404
from callcov_portal.views.rendering import PortalRequest, wants_partial

READY = "sound-ready"  # the event upon which the page fetches the results with links to the sound


@require_safe
def call_player(request: PortalRequest, number: int) -> HttpResponse:
    """Answer the player; 204 if what it plays is what the page has already (`?seen=`)."""
    recording, is_lifted = recording_or_404(number), wants_all(request)
    if not wants_partial(request):
        return redirect(f"{recording.get_absolute_url()}{'?unmuted=1' if is_lifted else ''}")
    context = player_context(recording, request.user, is_lifted=is_lifted)
    if context["sound"].version == request.GET.get("seen"):
        return HttpResponse(status=204)
    context |= marks_context(recording, request.GET.get("analysis", ""))
    response = render(request, "analyses/_player.html", context)
    if "seen" in request.GET and context["sound"].url:
        response.headers["HX-Trigger-After-Swap"] = READY
    return response


@require_POST
def call_mute(request: PortalRequest, number: int) -> HttpResponse:
    """Make a muted copy due that could not be made."""
    recording = recording_or_404(number)
    if muting.try_again(recording):
        tasks.ring_chore("muting", recording.pk)
    if wants_partial(request):
        recording = recording_or_404(number)
        context = player_context(recording, request.user) | marks_context(recording, "")
        return render(request, "analyses/_player.html", context)
    return redirect(recording)
