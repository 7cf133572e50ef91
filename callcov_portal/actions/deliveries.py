"""A webhook is a poll that arrives early: it is written down and makes its analysis due. No result enters here."""

import hashlib

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from callcov_portal.actions.tokens import Token
from callcov_portal.client.documents import clean_text
from callcov_portal.client.parsing import parse_webhook
from callcov_portal.models import REVIVABLE, Analysis, Delivery, State
from callcov_portal.models.delivery import KEPT_BYTES, KEPT_PER_ANALYSIS


def accept(named: Token, body: bytes) -> bool:
    """Take one webhook request for what its token names: write it down once, make the analysis due now.

    The body is only a hint and may be anything. The same body again is counted, not kept twice. False if the
    analysis is gone.
    """
    if not Analysis.objects.filter(pk=named.analysis_id, submissions__gte=named.submission).exists():
        return False
    write_down(named, body)
    make_due(named)
    return True


def write_down(named: Token, body: bytes) -> None:
    """Keep what was received: at most 20 different bodies for an analysis, the first 64 kB of each."""
    digest = hashlib.sha256(body).hexdigest()
    known = Delivery.objects.filter(analysis=named.analysis_id, body_sha256=digest)
    if known.update(times=F("times") + 1):
        return
    if Delivery.objects.filter(analysis=named.analysis_id).count() >= KEPT_PER_ANALYSIS:
        return
    news = parse_webhook(body)
    try:
        with transaction.atomic():
            Delivery.objects.create(
                analysis_id=named.analysis_id,
                submission=named.submission,
                received_at=timezone.now(),
                event=news.event[:60] if news else "",
                external_id=news.id[:100] if news else "",
                status=news.status[:40] if news else "",
                body_sha256=digest,
                body_size=len(body),
                body=clean_text(body[:KEPT_BYTES].decode("utf-8", "replace")),
            )
    except IntegrityError:
        known.update(times=F("times") + 1)


def make_due(named: Token) -> None:
    """Make the analysis due now, if it waits for news or failed in a way that news may mend.

    One that is being sent is left to its sender, who looks for deliveries when the answer is there, or to
    reconciling, which asks about the id that came.
    """
    waits = Q(state=State.PROCESSING) | Q(state=State.FAILED, failure__in=REVIVABLE)
    Analysis.objects.filter(waits, pk=named.analysis_id).update(next_attempt_at=timezone.now())
