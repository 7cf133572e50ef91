"""What every request to the engine passes: the key, the budget, and the promise that every error is JSON."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from callcov_portal.engine import auth, throttling, wire

logger = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponseBase]

API = "/api/"
OPEN = {"/api/v1/openapi.json"}
CREATES = {"/api/v1/analysis", "/api/v1/calls/analyze"}


class EngineRequest(HttpRequest):
    """A request that came through the gate: the views behind it know whose it is."""

    api_key: auth.ApiKey


def gate(get_response: Handler) -> Handler:
    """Recognise the key (401), count the request (429), write the rate-limit headers on whatever is answered.

    It stands outermost, so that the refusals of a body (411, 413) carry the headers too. `/health` and the
    OpenAPI document need no key and are not counted.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(API):
            return as_json(get_response(request))
        try:
            budget, refusal = admit(request)
        except DatabaseError:
            logger.exception("The database did not answer.")
            budget, refusal = (
                throttling.untouched(),
                wire.error(503, "The engine cannot reach its database; try again."),
            )
        # A refused body is not waited for: strangers who announce one and send none would occupy every thread.
        response = refusal or as_json(get_response(request))
        budget.write_to(response)
        return response

    return middleware


def admit(request: HttpRequest) -> tuple[throttling.Budget, HttpResponseBase | None]:
    """Return the budget to show and, if the request is not let in, the answer that says why."""
    if request.path in OPEN:
        return throttling.untouched(), None
    key = auth.recognise(request)
    if key is None:
        return throttling.untouched(), wire.error(401, wire.BAD_CREDENTIALS)
    cast("EngineRequest", request).api_key = key
    submission = request.method == "POST" and request.path.rstrip("/") in CREATES
    budget = throttling.take(key.fingerprint, submission=submission)
    if budget.refused:
        return budget, wire.error(429, f"Rate limit exceeded: {budget.limit} requests per minute.")
    return budget, None


def as_json(response: HttpResponseBase) -> HttpResponseBase:
    """Return the response, or, for an error that Django wrote as HTML or text, the same status as JSON."""
    if response.status_code < 400 or response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    answer = wire.error(response.status_code, HTTPStatus(response.status_code).phrase)
    if "Allow" in response.headers:
        answer["Allow"] = response.headers["Allow"]
    return answer
