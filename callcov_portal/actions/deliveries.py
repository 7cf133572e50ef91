"""A webhook is a poll that arrives early: it is written down and makes its analysis due. No result enters here."""

import hashlib
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from callcov_portal.actions.tokens import Token
from callcov_portal.client.documents import clean_text
from callcov_portal.client.parsing import parse_webhook
from callcov_portal.models import REVIVABLE, Analysis, Delivery, State
from callcov_portal.models.delivery import KEPT_BYTES, KEPT_PER_ANALYSIS

# One statement, so that of two alike that arrive at once one is kept and the other counted.
WRITE_DOWN = """
    INSERT INTO {table} (analysis_id, submission, received_at, times, event, external_id, status, body_sha256, body_size, body)
    SELECT %s, %s, %s, 1, %s, %s, %s, %s, %s, %s
    WHERE (SELECT COUNT(*) FROM {table} WHERE analysis_id = %s) < %s
       OR EXISTS (SELECT 1 FROM {table} WHERE analysis_id = %s AND body_sha256 = %s)
    ON CONFLICT (analysis_id, body_sha256) DO UPDATE SET times = {table}.times + 1
"""


def accept(named: Token, body: bytes) -> bool:
    """Take one webhook request for what its token names: write it down once, make the analysis due now.

    The body is only a hint and may be anything. The same body again is counted, not kept twice. False if the
    analysis is gone. The analysis is locked meanwhile: who sends it either finds the delivery, or is found done.
    """
    with transaction.atomic():
        rows = Analysis.objects.select_for_update().filter(pk=named.analysis_id, submissions__gte=named.submission)
        standing = rows.values_list("state", "failure").first()
        if standing is None:
            return False
        now = timezone.now()
        write_down(named, body, now)
        if waits_for_news(*standing):
            Analysis.objects.filter(pk=named.analysis_id).update(next_attempt_at=now)
    return True


def write_down(named: Token, body: bytes, now: datetime) -> None:
    """Keep what was received: at most 20 different bodies for an analysis, the first 64 kB of each."""
    digest, news = hashlib.sha256(body).hexdigest(), parse_webhook(body)
    analysis = Delivery._meta.get_field("analysis").get_db_prep_value(named.analysis_id, connection)
    values = [
        analysis,
        named.submission,
        connection.ops.adapt_datetimefield_value(now),
        news.event[:60] if news else "",
        news.id[:100] if news else "",
        news.status[:40] if news else "",
        digest,
        len(body),
        clean_text(body[:KEPT_BYTES].decode("utf-8", "replace")),
    ]
    with connection.cursor() as cursor:
        statement = WRITE_DOWN.format(table=Delivery._meta.db_table)
        cursor.execute(statement, [*values, analysis, KEPT_PER_ANALYSIS, analysis, digest])


def waits_for_news(state: str, failure: str) -> bool:
    """Say whether an analysis waits for news, or failed in a way that news may mend.

    One that is being sent is left to its sender, who looks for deliveries when the answer is there, or to
    reconciling, which asks about the id that came.
    """
    return state == State.PROCESSING or (state == State.FAILED and failure in REVIVABLE)
