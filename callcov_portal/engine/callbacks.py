"""Telling the caller's webhook that an analysis is final: signed, guarded, tried again, given up in the end.

The API documents that a call-back is a POST and that 200 to 299 within 30 seconds is success. Everything else here
is this engine's own: the signature (`X-CallCov-Engine-Signature: sha256=<hex>`, the HMAC-SHA256 of the raw body,
keyed with the API key that created the analysis), the delivery number, and the schedule of attempts.
"""

import hashlib
import hmac
import logging
import threading
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from callcov_portal import safefetch
from callcov_portal.engine import auth, wire
from callcov_portal.engine.models import Callback, Job

logger = logging.getLogger(__name__)

CALLING = threading.Lock()  # one at a time in a process: a dead receiver must not occupy every thread
ANSWER_WITHIN = 30.0  # seconds
LEASE = timedelta(seconds=90)
PAUSES = (5, 30, 120, 600, 3600, 6 * 3600)  # seconds after each failed attempt; then it is given up
SIGNATURE, DELIVERY = "X-CallCov-Engine-Signature", "X-CallCov-Engine-Delivery"


@dataclass(frozen=True)
class Attempt:
    """What came of one POST: the status if there was an answer, what went wrong, whether more tries are useless."""

    status: int | None = None
    error: str = ""
    final: bool = False


def deliver(pk: uuid.UUID) -> bool:
    """Make one attempt at a job's call-back, if it is due and this process is free; say whether one was made.

    The attempt is counted before the POST. No outcome of it touches the job.
    """
    if not CALLING.acquire(blocking=False):
        return False
    try:
        now = timezone.now()
        if not Callback.objects.claim(pk, now, until=now + LEASE):
            return False
        callback = Callback.objects.select_related("job__outcome").get(pk=pk)
        record(callback, post(callback.job, callback.attempts))
        return True
    finally:
        CALLING.release()


def post(job: Job, number: int) -> Attempt:
    """POST the news once; redirects are not followed and count as failures."""
    body = wire.news(job)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"callcov-portal-engine/{wire.VERSION}",
        SIGNATURE: signature(body, auth.secret(job.livemode)),
        DELIVERY: f"{job.pk}.{number}",
    }
    guard = safefetch.Guard(allow=(*settings.CALLCOV_FETCH_ALLOW, settings.CALLCOV_HOOK_ORIGIN))
    try:
        status = safefetch.post(job.webhook_url, body=body, headers=headers, guard=guard, timeout=ANSWER_WITHIN)
    except safefetch.Blocked as error:
        return Attempt(error=str(error), final=True)
    except safefetch.FetchError as error:
        return Attempt(status=getattr(error, "status", None), error=str(error))
    except Exception:  # whatever it is, it counts as an attempt: otherwise it would be made for ever
        logger.exception("The call-back of job %s failed unexpectedly.", job.pk)
        return Attempt(error="The call-back could not be made (internal error; see the engine's log).")
    return Attempt(status, "" if 200 <= status < 300 else f"The receiver answered {status}.")


def signature(body: bytes, secret: str) -> str:
    """Return the signature header's value for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def record(callback: Callback, attempt: Attempt) -> None:
    """Settle the call-back, or set the time of its next attempt."""
    now = timezone.now()
    callback.last_status, callback.last_error = attempt.status, attempt.error
    callback.delivered = not attempt.error
    if callback.delivered or attempt.final or callback.attempts > len(PAUSES):
        callback.settled_at = now
    else:
        callback.next_attempt_at = now + timedelta(seconds=PAUSES[callback.attempts - 1])
    if attempt.error:
        logger.warning("Call-back of job %s, attempt %s: %s", callback.job_id, callback.attempts, attempt.error)
    callback.save(update_fields=["last_status", "last_error", "delivered", "settled_at", "next_attempt_at"])
