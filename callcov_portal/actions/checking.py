"""A live round trip to the API, told line by line."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from callcov_portal.actions import gateway, pace
from callcov_portal.client.api import Api
from callcov_portal.client.errors import ApiError, Unavailable
from callcov_portal.client.types import AnalysisSnapshot, ListPage

POLL_EVERY = 3.0
LONGEST_WAIT = 600.0


class NoRoundTrip(Exception):
    """The API could not be used; says why, and what kind of trouble it is."""


def tell(recording: Path | None = None) -> Iterator[str]:
    """Look around, and submit a recording if one is given. Raises `NoRoundTrip` for any trouble with the API."""
    try:
        yield from look_around()
        if recording:
            yield from round_trip(recording)
    except ApiError as error:
        raise NoRoundTrip(f"{type(error).__name__}: {error}") from error
    except pace.TooSoon as error:
        raise NoRoundTrip(f"The API's limits leave no room: try again after {error.until:%H:%M:%S} UTC.") from error


def look_around() -> Iterator[str]:
    """Ask the API for one page of its list, which is free, and tell what it answered."""
    yield f"API: {settings.CALLCOV_API_URL} ({'the embedded engine' if settings.CALLCOV_EMBEDDED else 'hosted'})"
    yield f"Webhooks reach the portal at: {settings.CALLCOV_HOOK_ORIGIN}/hooks/callcov/…"
    started = time.monotonic()
    with gateway.speaking(pace.REQUEST) as api:
        page = api.list(limit=5)
    yield f"The key is accepted. The list answered in {time.monotonic() - started:.2f} s."
    yield from described(api, page)


def described(api: Api, page: ListPage) -> Iterator[str]:
    """Tell the limits that the answer named and what the list shows."""
    rate = api.last_rate
    if rate and rate.limit is not None:
        yield f"Limit: {rate.limit} requests a minute, {rate.remaining} left."
    else:
        yield "The answer names no rate limit."
    yield f"Analyses on the first page: {len(page.snapshots)}{' (and more)' if page.more else ''}."
    if page.snapshots:
        echoed = any(snapshot.webhook_url for snapshot in page.snapshots)
        yield f"The list {'echoes' if echoed else 'does not echo'} webhook_url."


def round_trip(path: Path) -> Iterator[str]:
    """Submit a recording for real, wait until it is finished, and tell what came. A hosted API bills it."""
    with gateway.speaking(pace.SUBMISSION, pace.REQUEST) as api:
        snapshot = api.create_from_file(
            path=path,
            file_name=path.name,
            agent_id="check_api",
            contact_id="check_api",
            webhook_url=None,
            idempotency_key=str(uuid.uuid4()),
        )
    yield f"Accepted as {snapshot.id}, {snapshot.status}."
    finished = wait_for(snapshot)
    yield f"Now {finished.status}. {finished.error_message}".strip()
    yield f"Transcript: {len(finished.segments)} segments, language {finished.language or 'not named'}."
    yield f"Results: {', '.join(sorted(finished.results or {})) or 'none'}."


def wait_for(snapshot: AnalysisSnapshot) -> AnalysisSnapshot:
    """Return the analysis when it is finished; raises `Unavailable` after ten minutes."""
    deadline = time.monotonic() + LONGEST_WAIT
    while snapshot.status == "processing":
        if time.monotonic() > deadline:
            raise Unavailable("The analysis was not finished within ten minutes.")
        time.sleep(POLL_EVERY)
        with gateway.speaking(pace.REQUEST) as api:
            snapshot = api.get(snapshot.id)
    return snapshot
