"""Sending: written down first, never repeated blindly."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils import timezone

from callcov_portal.actions import gateway, pace, schedule, tokens
from callcov_portal.actions.advancing import advance
from callcov_portal.client.errors import Misconfigured, NotSent, RateLimited, Refused, Unsure
from callcov_portal.models import Analysis, Failure, Signal, State
from tests.factories import ProcessingFactory
from tests.sounds import wav
from tests.working import again, forget_the_limits, make_due

pytestmark = pytest.mark.django_db


def test_a_queued_analysis_is_sent_with_its_file_and_bound_to_the_api_s_id(api, queued) -> None:
    assert advance(queued.pk)
    after = again(queued)
    assert (after.state, after.submissions, after.attempts) == (State.PROCESSING, 1, 0)
    assert after.external_id in api.created
    sent = api.sent[0]
    assert sent["bytes"] == wav()
    assert sent["agent_id"] == queued.recording.agent.identifier
    assert sent["idempotency_key"] == str(queued.pk)
    assert tokens.read(sent["webhook_url"].rpartition("/")[2]) == (queued.pk, 1)


def test_an_unknown_contact_is_sent_as_unknown(api, queued) -> None:
    queued.recording.contact = None
    queued.recording.save()
    advance(queued.pk)
    assert api.sent[0]["contact_id"] == "unknown"


def test_what_is_not_due_is_left_alone(api, queued) -> None:
    Analysis.objects.update(next_attempt_at=timezone.now() + timedelta(seconds=5))
    assert not advance(queued.pk)
    assert api.calls == []


def test_the_state_is_sending_while_the_request_is_on_its_way(api, queued, monkeypatch) -> None:
    seen = []
    create = api.create_from_file
    monkeypatch.setattr(api, "create_from_file", lambda **kw: (seen.append(again(queued).state), create(**kw))[1])
    advance(queued.pk)
    assert seen == [State.SENDING]


@pytest.mark.parametrize(
    "trouble",
    [
        NotSent("No such host."),
        RateLimited("Too many requests.", status=429, retry_after=3),
        Misconfigured("The key is refused.", status=401),
    ],
)
def test_a_request_that_never_arrived_leaves_the_analysis_queued(api, queued, trouble) -> None:
    api.trouble = [trouble]
    advance(queued.pk)
    after = again(queued)
    assert (after.state, after.was_sent, after.detail) == (State.QUEUED, False, str(trouble))
    assert after.next_attempt_at > timezone.now()
    assert Signal.objects.get(name=gateway.TROUBLE).text == str(trouble)


def test_after_an_outage_the_trouble_is_forgotten_and_the_analysis_is_sent_once(api, queued) -> None:
    for _ in range(20):
        forget_the_limits()  # they are not what this is about
        api.trouble = [NotSent("Connection refused.")]
        make_due(queued)
        advance(queued.pk)
    forget_the_limits()
    make_due(queued)
    advance(queued.pk)
    assert again(queued).state == State.PROCESSING
    assert len(api.sent) == 1
    assert not Signal.objects.filter(name=gateway.TROUBLE).exists()


@pytest.mark.parametrize("trouble", [RateLimited("Slow down.", retry_after=7), Misconfigured("Bad key.", status=403)])
def test_a_429_or_a_bad_key_makes_every_worker_pause(api, queued, trouble) -> None:
    api.trouble = [trouble]
    advance(queued.pk)
    with pytest.raises(pace.TooSoon):
        pace.take(pace.REQUEST)


def test_a_refusal_ends_the_analysis_with_the_api_s_reason(api, queued) -> None:
    api.trouble = [Refused("agent_id: too long", status=422)]
    advance(queued.pk)
    after = again(queued)
    assert (after.state, after.failure, after.detail) == (State.FAILED, Failure.REFUSED, "agent_id: too long")
    assert after.may_analyse_again
    assert not after.may_retry


def test_a_lost_answer_leaves_sending_and_is_not_sent_again(api, queued) -> None:
    api.lose_answer = Unsure("The connection broke.")
    advance(queued.pk)
    assert again(queued).state == State.SENDING
    make_due(queued)
    advance(queued.pk)
    after = again(queued)
    assert (after.state, len(api.sent)) == (State.PROCESSING, 1)
    assert after.external_id in api.created


def test_full_limits_leave_the_analysis_untouched_at_its_place_in_the_line(api, queued, settings) -> None:
    settings.CALLCOV_API_SUBMISSIONS_PER_MINUTE = 1
    pace.take(pace.SUBMISSION)
    assert not advance(queued.pk)
    after = again(queued)
    assert (after.state, after.attempts, api.calls) == (State.QUEUED, 0, [])
    assert after.next_attempt_at == again(queued).next_attempt_at <= timezone.now()


def test_a_recording_whose_file_is_gone_says_so(api, queued) -> None:
    default_storage.delete(queued.recording.stored_name)
    advance(queued.pk)
    after = again(queued)
    assert (after.failure, api.calls) == (Failure.GAVE_UP, [])
    assert "missing" in after.detail


def test_an_error_in_our_own_code_pushes_the_row_away_and_ends_after_many_tries(api, queued, monkeypatch) -> None:
    monkeypatch.setattr(FileSystemStorage, "exists", lambda _self, _name: 1 / 0)
    advance(queued.pk)
    assert again(queued).state == State.QUEUED
    assert "ZeroDivisionError" in again(queued).detail
    for _ in range(12):
        make_due(queued)
        advance(queued.pk)
    assert again(queued).failure == Failure.GAVE_UP
    assert again(queued).may_retry


def test_an_analysis_that_was_deleted_meanwhile_is_no_error(queued) -> None:
    queued.recording.delete()
    assert not advance(queued.pk)


def test_an_id_that_another_call_has_is_not_taken_and_nothing_is_sent_again(api, queued, monkeypatch) -> None:
    create = api.create_from_file
    other = ProcessingFactory()
    monkeypatch.setattr(api, "create_from_file", lambda **kw: replace(create(**kw), id=other.external_id))
    for _ in range(4):
        make_due(queued)
        advance(queued.pk)
        Analysis.objects.filter(state=State.FAILED).update(next_attempt_at=None)
    after = again(queued)
    assert (after.state, after.failure, len(api.sent)) == (State.FAILED, Failure.UNSURE, 1)
    assert other.external_id in after.detail


def test_an_answer_that_is_finished_at_once_is_taken_in(api, queued, monkeypatch) -> None:
    create = api.create_from_file

    def finished(**kwargs):
        snapshot = create(**kwargs)
        api.finish(snapshot.id)
        return api.created[snapshot.id]

    monkeypatch.setattr(api, "create_from_file", finished)
    advance(queued.pk)
    after = again(queued)
    assert (after.state, after.next_attempt_at, after.segments.count()) == (State.COMPLETED, None, 3)


def test_what_kills_its_worker_each_time_is_given_up(api, queued) -> None:
    for _ in range(schedule.MOST_TRIES):
        assert Analysis.objects.claim(queued.pk, again(queued).next_attempt_at, timezone.now())
    advance(queued.pk)
    after = again(queued)
    assert (after.failure, api.calls) == (Failure.GAVE_UP, [])
    assert f"{schedule.MOST_TRIES} times" in after.detail


def test_a_key_that_cannot_be_one_is_shown_and_makes_every_worker_pause(queued, settings) -> None:
    settings.CALLCOV_API_KEY = "sk live"
    advance(queued.pk)
    assert again(queued).state == State.QUEUED
    assert "CALLCOV_API_KEY" in Signal.objects.get(name=gateway.TROUBLE).text
    with pytest.raises(pace.TooSoon):
        pace.take(pace.REQUEST)


@pytest.mark.parametrize("status", [None, 500, 503])
def test_a_submission_without_an_answer_is_shown_as_trouble(api, queued, status) -> None:
    api.trouble = [Unsure("No answer to the submission.", status=status)]
    advance(queued.pk)
    assert Signal.objects.get(name=gateway.TROUBLE).text == "No answer to the submission."
    assert not Signal.objects.filter(name=gateway.ANSWER).exists()
