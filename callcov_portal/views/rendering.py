"""Whether a request gets the page or a part of it, and what every page knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails

from callcov_portal.models import User
from callcov_portal.views.trouble import trouble


class PortalRequest(HttpRequest):
    """A request as our middleware leaves it, of a person who is signed in."""

    htmx: HtmxDetails
    user: User


@dataclass(frozen=True)
class NavigationItem:
    """One entry of the main navigation."""

    label: str
    url: str
    is_here: bool


# Label, URL name, whether administrators alone see it.
NAVIGATION = (
    ("My work", "home", False),
    ("Calls", "calls", False),
    ("Search", "search", False),
    ("Add calls", "add_calls", False),
    ("Agents", "agents", False),
    ("Contacts", "contacts", False),
    ("Exports", "exports", False),
    ("Rules", "rules", False),
    ("Status", "status", False),
    ("People", "people", True),
)


def wants_partial(request: HttpRequest) -> bool:
    """Say whether htmx will put the answer into a page that is there already."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest, page: str, partial: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render `partial` for an htmx request and `page`, which includes it, for any other."""
    template = partial if wants_partial(request) else page
    response = render(request, template, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what every page shows."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {
        "navigation": navigation(request.path, is_administrator=user.is_administrator),
        "trouble": trouble,  # asked only where a template shows it
    }


def navigation(path: str, *, is_administrator: bool) -> list[NavigationItem]:
    """Return the entries of the main navigation; the one with the longest matching address is where we are."""
    addresses = []
    for label, name, for_administrators in NAVIGATION:
        if is_administrator or not for_administrators:
            addresses.append((label, reverse(name)))
    # Every address begins with that of the home page: there we are only at exactly that address.
    here = max(
        (url for _, url in addresses if path == url or (url != "/" and path.startswith(url))), key=len, default=""
    )
    return [NavigationItem(label, url, url == here) for label, url in addresses]
