"""A webhook is a poll that arrives early: it is written down and makes its analysis due. No result enters here."""

import hashlib
from datetime import timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from callcov_portal.actions.tokens import Token
from callcov_portal.client.documents import clean_text
from callcov_portal.client.parsing import parse_webhook
from callcov_portal.models import REVIVABLE, Analysis, Delivery, State
from callcov_portal.models.delivery import KEPT_BYTES, KEPT_PER_ANALYSIS
from callcov_portal.models.prepared import key, moment

LATELY = timedelta(minutes=10)

# Written by hand: twice as many webhooks as results come, and Django's own way costs more than all else of it.
# The row is locked by it until the end: who sends the analysis either finds the delivery, or is found done.
MAKE_DUE = """
    UPDATE {analyses}
    SET next_attempt_at = CASE WHEN state = %s OR (state = %s AND failure IN ({failures})) THEN %s ELSE next_attempt_at END
    WHERE id = %s AND submissions >= %s
"""
# One statement, so that of two alike that arrive at once one is kept and the other counted.
WRITE_DOWN = """
    INSERT INTO {deliveries} (analysis_id, submission, received_at, times, event, external_id, status, body_sha256, body_size, body)
    SELECT %s, %s, %s, 1, %s, %s, %s, %s, %s, %s
    WHERE (SELECT COUNT(*) FROM {deliveries} WHERE analysis_id = %s) < %s
       OR EXISTS (SELECT 1 FROM {deliveries} WHERE analysis_id = %s AND body_sha256 = %s)
    ON CONFLICT (analysis_id, body_sha256) DO UPDATE SET times = {deliveries}.times + 1
"""
NAMES = {
    "analyses": Analysis._meta.db_table,
    "deliveries": Delivery._meta.db_table,
    "failures": ", ".join(["%s"] * len(REVIVABLE)),
}
MAKE_DUE, WRITE_DOWN = MAKE_DUE.format(**NAMES), WRITE_DOWN.format(**NAMES)


def accept(named: Token, body: bytes) -> bool:
    """Take one webhook request for what its token names: write it down once, make the analysis due now.

    The body is only a hint and may be anything. The same body again is counted, not kept twice. False if the
    analysis is gone. Due now is one that waits for news, or failed in a way that news may mend; one that is being sent is
    left to its sender, who looks for deliveries when the answer is there, or to reconciling, which asks about the id.
    """
    hint = hint_of(body)
    analysis = key(named.analysis_id)
    with transaction.atomic(), connection.cursor() as cursor:
        now = moment(timezone.now())
        cursor.execute(MAKE_DUE, [State.PROCESSING, State.FAILED, *REVIVABLE, now, analysis, named.submission])
        if not cursor.rowcount:
            return False
        values = [analysis, named.submission, now, *hint, analysis, KEPT_PER_ANALYSIS, analysis, hint.body_sha256]
        cursor.execute(WRITE_DOWN, values)
    return True


def come() -> bool:
    """Say whether webhooks come as they should: one did in the last minutes."""
    last = Delivery.objects.order_by("-pk").values_list("received_at", flat=True).first()
    return last is not None and last > timezone.now() - LATELY


class Hint(NamedTuple):
    """What is kept of a webhook's body: at most 20 different ones for an analysis, the first 64 kB of each."""

    event: str
    external_id: str
    status: str
    body_sha256: str
    body_size: int
    body: str


def hint_of(body: bytes) -> Hint:
    """Return what is kept of a body; whatever it is, some of it can be."""
    news = parse_webhook(body)
    said = (news.event[:60], news.id[:100], news.status[:40]) if news else ("", "", "")
    kept = clean_text(body[:KEPT_BYTES].decode("utf-8", "replace"))
    return Hint(*said, hashlib.sha256(body).hexdigest(), len(body), kept)
