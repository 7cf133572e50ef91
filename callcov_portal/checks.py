"""System checks: settings that are valid one by one and make no sense together."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register()
def settings_make_sense(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Name each contradiction with what to do about it."""
    found: list[checks.CheckMessage] = []
    if not settings.CALLCOV_EMBEDDED and not settings.CALLCOV_API_KEY:
        found.append(checks.Error("CALLCOV_API_URL is set but CALLCOV_API_KEY is not: set the key.", id="portal.E001"))
    if not settings.CALLCOV_EMBEDDED and not settings.CALLCOV_PUBLIC_URL:
        found.append(
            checks.Warning(
                "CALLCOV_PUBLIC_URL is not set: the hosted API cannot reach the webhook, so results come by polling.",
                id="portal.W001",
            )
        )
    return found
