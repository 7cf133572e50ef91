"""Whether a request gets the page or a part of it, and what every page knows."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString
from django_htmx.middleware import HtmxDetails

from callcov_portal.markup import Piece, joined
from callcov_portal.models import User
from callcov_portal.views.trouble import trouble


class PortalRequest(HttpRequest):
    """A request as our middleware leaves it, of a person who is signed in."""

    htmx: HtmxDetails
    user: User


# Label, URL name, whether administrators alone see it.
NAVIGATION = (
    ("My work", "home", False),
    ("Calls", "calls", False),
    ("Search", "search", False),
    ("Add calls", "add_calls", False),
    ("Batches", "batches", False),
    ("Agents", "agents", False),
    ("Contacts", "contacts", False),
    ("Exports", "exports", False),
    ("Rules", "rules", False),
    ("Status", "status", False),
    ("People", "people", True),
)
Addresses = tuple[tuple[str, str], ...]
ENTRY = Piece('<li><a href="{}"{}>{}</a></li>')
HERE = Piece(' aria-current="page"')()


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
    addresses = navigable(is_administrator=user.is_administrator)
    return {
        "navigation": navigation(addresses, here_among(addresses, request.path)),
        "trouble": trouble,  # asked only where a template shows it
    }


@lru_cache(maxsize=2)
def navigable(*, is_administrator: bool) -> Addresses:
    """Return the entries of the main navigation, label and address."""
    return tuple((label, reverse(name)) for label, name, is_theirs in NAVIGATION if is_administrator or not is_theirs)


def here_among(addresses: Addresses, path: str) -> str:
    """Return the longest of the addresses that a path begins with, "" for none.

    Every address begins with that of the home page: there we are only at exactly that one.
    """
    matching = (url for _, url in addresses if path == url or (url != "/" and path.startswith(url)))
    return max(matching, key=len, default="")


@lru_cache(maxsize=64)
def navigation(addresses: Addresses, here: str) -> SafeString:
    """Write the main navigation; it is the same for all with the same rights, wherever the same entry is marked."""
    return joined(ENTRY(url, HERE if url == here else "", label) for label, url in addresses)
