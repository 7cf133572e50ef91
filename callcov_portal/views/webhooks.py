"""Where the API reaches us."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from callcov_portal import tasks
from callcov_portal.actions.deliveries import Accepted, accept

ANSWERS = {
    Accepted.TAKEN: (200, {"received": True}),
    Accepted.FORGED: (401, {"detail": "Unknown token."}),
    Accepted.GONE: (410, {"detail": "There is no such analysis any more."}),
}


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest, token: str) -> JsonResponse:
    """Take a delivery for the analysis that the token names. Any body is taken; none is believed."""
    accepted, named = accept(token, request.body)
    if accepted is Accepted.TAKEN and named:
        tasks.ring(named.analysis_id)
    status, answer = ANSWERS[accepted]
    return JsonResponse(answer, status=status)
