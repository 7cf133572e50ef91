"""The token in an analysis's webhook URL: `<analysis uuid>.<submission>.<mac>`.

The API documents no signature that we could check, so the URL itself proves where a delivery belongs.
"""

import re
import uuid
from typing import NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

FORM = re.compile(r"\A([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{1,6})\.([0-9a-f]{64})\Z")


class Token(NamedTuple):
    """What a good token names."""

    analysis_id: uuid.UUID
    submission: int


def mac(analysis_id: uuid.UUID, submission: int, key: str | bytes | None = None) -> str:
    """Return the 64 hexadecimal characters that only we can compute for this submission."""
    return salted_hmac("callcov-hook", f"{analysis_id}.{submission}", key, algorithm="sha256").hexdigest()


def make(analysis_id: uuid.UUID, submission: int) -> str:
    """Return the token of one submission of an analysis."""
    return f"{analysis_id}.{submission}.{mac(analysis_id, submission)}"


def read(token: str) -> Token | None:
    """Return what a token names, or None unless it is ours; in constant time and with no query."""
    match = FORM.match(token)
    if match is None:
        return None
    named = Token(uuid.UUID(match[1]), int(match[2]))
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    good = [constant_time_compare(mac(*named, key), match[3]) for key in keys]
    return named if any(good) else None


def webhook_url(analysis_id: uuid.UUID, submission: int) -> str:
    """Return the address at which the API reaches us about this submission."""
    path = reverse("webhook", args=[make(analysis_id, submission)], urlconf="callcov_portal.urls")
    return f"{settings.CALLCOV_HOOK_ORIGIN}{path}"
