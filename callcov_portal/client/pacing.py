"""What an answer's headers say about asking again. Any header may be absent, garbage or hostile."""

import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from callcov_portal.client.types import RateLimit

LONGEST_WAIT = 15 * 60.0
NUMBER = re.compile(r"\d{1,4000}(\.\d{1,400})?", re.ASCII)


def rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """The three `X-RateLimit-*` headers; None when not one of them is readable."""
    limit, remaining, reset = (_number(headers.get(f"X-RateLimit-{name}")) for name in ("Limit", "Remaining", "Reset"))
    if limit is None and remaining is None and reset is None:
        return None
    return RateLimit(_count(limit), _count(remaining), reset)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait, from 0 to 15 minutes: `Retry-After` (seconds or a date), else until `X-RateLimit-Reset`."""
    now = time.time() if now is None else now
    text = (headers.get("Retry-After") or "").strip()
    wait = _plain(text) if NUMBER.fullmatch(text) else _until(text, now)
    if wait is None:
        reset = _number(headers.get("X-RateLimit-Reset"))
        wait = None if reset is None else reset - now
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT)


def _until(text: str, now: float) -> float | None:
    try:
        when = parsedate_to_datetime(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _plain(text: str) -> float:
    return float(text)  # a number too large becomes infinity, which the cap turns into 15 minutes


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    value = _plain(text) if NUMBER.fullmatch(text) else None
    return value if value is not None and value < 1e12 else None


def _count(value: float | None) -> int | None:
    return None if value is None else int(value)
