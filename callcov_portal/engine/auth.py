"""Who calls: an API key, as Bearer token or as X-API-Key."""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

LIVE, TEST = "sk_live_", "sk_test_"


@dataclass(frozen=True)
class ApiKey:
    """A key that was recognised; the secret itself is kept nowhere."""

    fingerprint: str
    livemode: bool


def secret(livemode: bool) -> str:
    """Return the engine's live key (`manage.py engine_key` shows it), or the test key that goes with it.

    The test key has the same random part; what it creates has `livemode` false and is seen by it alone. The key
    also signs the call-backs of its jobs, because it is the one secret that caller and engine share.
    """
    live = str(settings.CALLCOV_ENGINE_KEY)
    return live if livemode else TEST + live.removeprefix(LIVE)


def recognise(request: HttpRequest) -> ApiKey | None:
    """Return the caller's key, or None if the request carries none that is valid.

    Either header will do, and one valid key is enough when both are there. Compared in constant time.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = [request.headers.get("X-API-Key", "").strip()]
    if scheme.lower() == "bearer":
        given.append(token.strip())
    for livemode in (True, False):
        right = secret(livemode)
        if any(hmac.compare_digest(candidate.encode(errors="replace"), right.encode()) for candidate in given):
            return ApiKey(fingerprint(right), livemode)
    return None


def fingerprint(key: str) -> str:
    """Return 32 hexadecimal characters that name a key without revealing it."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
