"""Who may open what."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from callcov_portal.views.rendering import PortalRequest

P = ParamSpec("P")
View = Callable[Concatenate[PortalRequest, P], HttpResponse]


def administrator_required(view: View[P]) -> View[P]:
    """Let administrators through; anybody else gets 403 with a sentence."""

    @wraps(view)
    def checked(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_administrator:
            raise PermissionDenied("Only an administrator manages people. Ask one to change a role or a password.")
        return view(request, *args, **kwargs)

    return checked


def lead_required(view: View[P]) -> View[P]:
    """Let leads and administrators through; anybody else gets 403 with a sentence."""

    @wraps(view)
    def checked(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_lead:
            raise PermissionDenied(
                "Only a lead changes the rules, checks calls by them, and keeps patterns of file names. Ask one."
            )
        return view(request, *args, **kwargs)

    return checked
