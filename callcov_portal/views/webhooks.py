"""Where the API reaches us."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from callcov_portal import tasks
from callcov_portal.actions import deliveries, tokens


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest, token: str) -> JsonResponse:
    """Take a delivery for the analysis that the token names. Any body is taken; none is believed.

    A stranger is turned away before the body is read: it may never come, and would hold up a thread.
    """
    named = tokens.read(token)
    if named is None:
        return JsonResponse({"detail": "Unknown token."}, status=401, headers={"Connection": "close"})
    if not deliveries.accept(named, request.body):
        return JsonResponse({"detail": "There is no such analysis any more."}, status=410)
    tasks.ring(named.analysis_id)
    return JsonResponse({"received": True})
