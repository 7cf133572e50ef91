"""Sending a recording to the API: written down before it happens, never repeated blindly."""

from typing import BinaryIO

from django.conf import settings
from django.utils import timezone

from callcov_portal.actions import gateway, outcomes, pace, rules, schedule, shelving, tokens
from callcov_portal.actions.applying import Applied, apply_snapshot
from callcov_portal.client.api import Api
from callcov_portal.client.errors import Misconfigured, NotSent, Refused, Unsure
from callcov_portal.client.types import AnalysisSnapshot
from callcov_portal.models import Analysis, Failure, State


def submit(analysis: Analysis, place: pace.Place | None = None) -> None:
    """Send a queued analysis whose recording has its file.

    SENDING is committed before the first byte leaves, so that a crash leaves a row that is reconciled and not
    one that is sent again; before that its file is on this machine, so that a storage that is away, or goes while it
    is read, leaves nothing to be reconciled. Raises `StorageAway`, `uploads.DiskFull` and `FileNotFoundError` of the file,
    and `pace.TooSoon` when no place was taken for it before and the limits leave no room; with nothing written.
    """
    with shelving.on_disk(analysis.recording.stored_name) as path, path.open("rb") as stored:
        send(analysis, stored, place or pace.take(pace.SUBMISSION, pace.REQUEST))


def send(analysis: Analysis, stored: BinaryIO, place: pace.Place) -> None:
    """Do what `submit` promises, with the open file."""
    if not begin(analysis):
        pace.give_back(place)
        return
    place.is_used = True
    try:
        with gateway.submitting(place) as api:
            snapshot = post(api, analysis, stored)
    except (NotSent, Misconfigured) as error:
        never_arrived(analysis, error)
    except Refused as error:
        outcomes.fail(analysis, Failure.REFUSED, str(error))
    except Unsure as error:
        outcomes.wait_until(analysis, timezone.now() + schedule.back_off(1), str(error))
    else:
        accept(analysis, snapshot)


def begin(analysis: Analysis) -> bool:
    """Write down that a POST is about to leave; False if the analysis is not ours to send any more."""
    now = timezone.now()
    begun = Analysis.objects.move(
        analysis.pk,
        State.SENDING,
        submissions=analysis.submissions + 1,
        sent_at=now,
        api_url=settings.CALLCOV_API_IDENTITY,
        sent_agent=analysis.recording.agent.identifier,
        sent_contact=analysis.recording.contact_identifier,
        rules=rules_to_send(),
        looks=0,
        absences=0,
        detail="",
        next_attempt_at=now + schedule.LEASE,
    )
    if begun:
        analysis.refresh_from_db()
    return begun


def rules_to_send() -> str:
    """Return the hash of the rules that go along with a submission, "" where the API takes none."""
    if not settings.CALLCOV_API_TAKES_RULES:
        return ""
    version, _ = rules.kept(rules.in_force())
    return version.hash


def post(api: Api, analysis: Analysis, stored: BinaryIO) -> AnalysisSnapshot:
    """Stream the recording's file to the API."""
    recording = analysis.recording
    extra = {"call_timestamp": recording.called_at.isoformat()}
    if recording.direction:
        extra["call_direction"] = recording.direction
    if analysis.rules:
        extra |= {"rules": rules.of_hash(analysis.rules).text, "rules_sha256": analysis.rules}
    return api.create_from_file(
        path=stored,
        file_name=f"call-{recording.pk}.{recording.format}",
        agent_id=analysis.sent_agent,
        contact_id=analysis.sent_contact,
        webhook_url=tokens.webhook_url(analysis.pk, analysis.submissions),
        idempotency_key=str(analysis.pk),
        extra=extra,
    )


def accept(analysis: Analysis, snapshot: AnalysisSnapshot) -> Applied:
    """Bind an analysis to its id at the API. If a webhook has come already, news is fetched at once.

    An id that another call of ours has would bring that call's words: a person must look.
    """
    if outcomes.is_known_elsewhere(analysis.pk, analysis.api_url, snapshot.id):
        why = f"The API answered with {snapshot.id}, which is the analysis of another call."
        outcomes.fail(analysis, Failure.UNSURE, why)
        return Applied.STALE
    applied = apply_snapshot(analysis, snapshot)
    if applied is Applied.UNCHANGED and analysis.deliveries.exists():
        Analysis.objects.filter(pk=analysis.pk, state=State.PROCESSING).update(next_attempt_at=timezone.now())
    return applied


def never_arrived(analysis: Analysis, error: NotSent | Misconfigured) -> None:
    """Put back an analysis whose request certainly reached nobody. It burns no attempt that could end it.

    The submission does not count: nobody has seen its number, and only what may have arrived is limited.
    """
    attempts = min(analysis.attempts, schedule.MOST_WAITS)
    Analysis.objects.move(
        analysis.pk,
        State.QUEUED,
        detail=str(error),
        sent_at=None,
        submissions=analysis.submissions - 1,
        attempts=attempts,
        next_attempt_at=timezone.now() + schedule.back_off(attempts),
    )
