"""Where the API reaches us."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from callcov_portal import tasks
from callcov_portal.actions import deliveries, tokens

HOOKS = "/hooks/callcov/"
RECEIVED = b'{"received": true}'


def straight_to_hooks(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: hand a webhook to its view, past all that is there for pages and people.

    A webhook has no session, no user, no form and no markup; its token says whether it may come in. The limit of its
    size was looked at before.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        token = request.path_info.removeprefix(HOOKS)
        if not token or token == request.path_info or "/" in token:
            return get_response(request)
        request.get_host()  # raises for an address that is not ours
        response = webhook(request, token)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return middleware


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest, token: str) -> HttpResponse:
    """Take a delivery for the analysis that the token names. Any body is taken; none is believed.

    A stranger is turned away before the body is read: it may never come, and would hold up a thread.
    """
    named = tokens.read(token)
    if named is None:
        return JsonResponse({"detail": "Unknown token."}, status=401, headers={"Connection": "close"})
    if not deliveries.accept(named, request.body):
        return JsonResponse({"detail": "There is no such analysis any more."}, status=410)
    tasks.ring(named.analysis_id)
    return HttpResponse(RECEIVED, content_type="application/json")
