"""Did it arrive? Asked before anything is sent again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callcov_portal.actions import deliveries, pace, reconciling, schedule, tokens
from callcov_portal.actions.advancing import advance
from callcov_portal.client.errors import NotFound, NotSent, Unavailable, Unsure
from callcov_portal.client.types import AnalysisSnapshot
from callcov_portal.models import Analysis, Call, Failure, State
from tests.factories import AnalysisFactory, RecordingFactory
from tests.working import again, forget_the_limits, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def sending(queued) -> Analysis:
    """An analysis whose POST was begun by a process that died, its lease over."""
    recording = queued.recording
    Analysis.objects.filter(pk=queued.pk).update(
        state=State.SENDING,
        submissions=1,
        sent_at=datetime.now(UTC) - timedelta(minutes=2),
        api_url="the embedded engine",
        sent_agent=recording.agent.identifier,
        sent_contact=recording.contact_identifier,
    )
    return again(queued)


def entry(analysis: Analysis, **changes: Any) -> AnalysisSnapshot:
    """What the API lists for the analysis, with the webhook's address."""
    return replace(
        AnalysisSnapshot(
            id="11111111-2222-4333-8444-555555555555",
            status="processing",
            created=datetime.now(UTC),
            agent_id=analysis.sent_agent,
            contact_id=analysis.sent_contact,
            webhook_url=tokens.webhook_url(analysis.pk, 1),
        ),
        **changes,
    )


def look(analysis: Analysis) -> Analysis:
    make_due(analysis)
    advance(analysis.pk)
    return again(analysis)


def test_it_is_found_by_our_webhook_address(api, sending) -> None:
    found = entry(sending)
    api.created = {found.id: found}
    after = look(sending)
    assert (after.state, after.external_id) == (State.PROCESSING, found.id)
    assert api.sent == []


def test_what_is_found_finished_is_applied_at_once(api, sending) -> None:
    found = entry(sending)
    api.created = {found.id: found}
    api.finish(found.id)
    assert look(sending).state == State.COMPLETED


def test_two_looks_that_find_nothing_prove_it_absent_and_it_is_sent_again(api, sending) -> None:
    first = look(sending)
    assert (first.state, first.absences) == (State.SENDING, 1)
    assert first.next_attempt_at - datetime.now(UTC) > schedule.grace() - timedelta(seconds=2)
    assert look(sending).state == State.QUEUED
    after = look(sending)
    assert (after.state, after.submissions, len(api.sent)) == (State.PROCESSING, 2, 1)


def test_one_look_alone_sends_nothing_again(api, sending) -> None:
    look(sending)
    assert api.sent == []


def test_without_an_echoed_address_the_only_entry_of_that_call_is_taken(api, sending) -> None:
    found = entry(sending, webhook_url=None)
    api.created = {found.id: found}
    assert look(sending).external_id == found.id


@pytest.mark.parametrize(
    "changes",
    [{"agent_id": "somebody else"}, {"created": datetime.now(UTC) - timedelta(days=1)}],
    ids=["another agent", "long before"],
)
def test_without_an_echoed_address_an_entry_that_cannot_be_ours_counts_as_absent(api, sending, changes) -> None:
    other = entry(sending, webhook_url=None, **changes)
    api.created = {other.id: other}
    assert look(sending).absences == 1


def test_an_entry_that_belongs_to_another_of_our_analyses_is_not_taken(api, sending) -> None:
    found = entry(sending, webhook_url=None)
    api.created = {found.id: found}
    AnalysisFactory(state=State.PROCESSING, external_id=found.id, api_url=sending.api_url)
    assert look(sending).absences == 1


def test_with_two_possible_entries_nobody_guesses_and_a_person_is_asked(api, sending) -> None:
    one, two = entry(sending, webhook_url=None), entry(sending, webhook_url=None, id="two")
    api.created = {one.id: one, two.id: two}
    for _ in range(schedule.MOST_LOOKS):
        after = look(sending)
    assert (after.state, after.failure) == (State.FAILED, Failure.UNSURE)
    assert after.may_send_anyway
    assert api.sent == []


def test_with_two_of_ours_and_one_entry_nobody_guesses(api, sending) -> None:
    AnalysisFactory(
        recording=RecordingFactory(agent=sending.recording.agent, contact=sending.recording.contact),
        state=State.SENDING,
        api_url=sending.api_url,
        sent_agent=sending.sent_agent,
        sent_contact=sending.sent_contact,
    )
    found = entry(sending, webhook_url=None)
    api.created = {found.id: found}
    after = look(sending)
    assert (after.state, after.looks, after.external_id) == (State.SENDING, 1, None)


def test_an_api_that_is_away_proves_nothing(api, sending) -> None:
    for _ in range(12):
        api.trouble = [Unavailable("No answer.")]
        after = look(sending)
        assert (after.state, after.absences, after.looks) == (State.SENDING, 0, 0)


def test_it_is_not_sent_for_ever(api, sending) -> None:
    Analysis.objects.update(submissions=schedule.MOST_SUBMISSIONS)
    look(sending)
    assert look(sending).failure == Failure.UNSURE


def test_a_webhook_brings_the_id_that_the_list_does_not_show(api, sending, monkeypatch) -> None:
    found = entry(sending, webhook_url=None)
    api.created = {found.id: found}
    monkeypatch.setattr(api, "iterate", lambda **_filters: iter(()))
    deliveries.accept(tokens.Token(sending.pk, 1), b'{"id": "%s", "status": "completed"}' % found.id.encode())
    assert look(sending).external_id == found.id


@pytest.mark.parametrize("changes", [{"agent_id": "x"}, {"contact_id": "x"}, {"webhook_url": "https://other.example/"}])
def test_an_id_brought_by_a_webhook_is_bound_only_if_the_api_shows_our_call(api, sending, changes) -> None:
    other = entry(sending, **changes)
    api.created = {other.id: other}
    deliveries.accept(tokens.Token(sending.pk, 1), b'{"id": "%s"}' % other.id.encode())
    assert look(sending).external_id is None


def test_an_id_that_the_api_does_not_know_is_not_bound(api, sending) -> None:
    deliveries.accept(tokens.Token(sending.pk, 1), b'{"id": "unheard-of"}')
    assert look(sending).external_id is None


class TestLateNews:
    @pytest.fixture
    def unsure(self, sending) -> Analysis:
        Analysis.objects.update(state=State.FAILED, failure=Failure.UNSURE, next_attempt_at=None)
        return again(sending)

    def test_a_webhook_revives_an_analysis_of_which_we_were_unsure(self, api, unsure) -> None:
        found = entry(unsure)
        api.created = {found.id: found}
        api.finish(found.id)
        deliveries.accept(tokens.Token(unsure.pk, 1), b'{"id": "%s"}' % found.id.encode())
        advance(unsure.pk)
        assert again(unsure).state == State.COMPLETED

    def test_a_webhook_without_news_leaves_it_failed_and_off_the_schedule(self, api, unsure) -> None:
        deliveries.accept(tokens.Token(unsure.pk, 1), b"{}")
        advance(unsure.pk)
        after = again(unsure)
        assert (after.failure, after.next_attempt_at) == (Failure.UNSURE, None)

    def test_a_lost_one_is_asked_for_by_its_id(self, api, unsure) -> None:
        found = entry(unsure)
        Analysis.objects.update(failure=Failure.LOST, external_id=found.id)
        api.created = {found.id: found}
        deliveries.accept(tokens.Token(unsure.pk, 1), b"")
        advance(unsure.pk)
        assert again(unsure).state == State.PROCESSING

    def test_news_that_our_code_cannot_take_is_not_asked_for_for_ever(self, api, unsure, monkeypatch) -> None:
        deliveries.accept(tokens.Token(unsure.pk, 1), b"{}")
        monkeypatch.setattr(reconciling, "announced", lambda *_args: 1 / 0)
        for _ in range(schedule.MOST_TRIES + 1):
            look(unsure)
        after = again(unsure)
        assert (after.failure, after.next_attempt_at, after.attempts) == (Failure.UNSURE, None, 0)

    def test_a_lost_one_that_stays_unknown_stays_lost(self, api, unsure) -> None:
        Analysis.objects.update(failure=Failure.LOST, external_id="gone")
        deliveries.accept(tokens.Token(unsure.pk, 1), b"")
        advance(unsure.pk)
        assert again(unsure).failure == Failure.LOST


def test_a_lost_answer_to_a_file_that_is_read_only_once_keeps_the_one_submission(api, queued) -> None:
    api.lose_answer = Unsure("Reset.")
    advance(queued.pk)
    api.lose_answer = None
    for _ in range(4):
        look(queued)
    assert len(api.sent) == 1


def test_a_webhook_that_comes_after_absence_was_proven_keeps_it_from_being_sent_again(api, sending) -> None:
    for _ in range(2):
        look(sending)
    found = entry(sending)
    api.created = {found.id: found}
    deliveries.accept(tokens.Token(sending.pk, 1), b'{"id": "%s"}' % found.id.encode())
    after = look(sending)
    assert (after.state, after.external_id, api.sent) == (State.PROCESSING, found.id, [])


def test_a_webhook_that_names_nothing_of_ours_does_not_hold_up_the_next_submission(api, sending) -> None:
    for _ in range(2):
        look(sending)
    deliveries.accept(tokens.Token(sending.pk, 1), b'{"id": "unheard-of"}')
    assert look(sending).submissions == 2
    assert len(api.sent) == 1


def test_a_list_too_long_to_be_read_proves_nothing(api, sending, monkeypatch) -> None:
    monkeypatch.setattr(reconciling, "MOST_LISTED", 3)
    others = [entry(sending, id=f"other-{n}", webhook_url=f"https://other.example/{n}") for n in range(5)]
    api.created = {other.id: other for other in others}
    after = look(sending)
    assert (after.absences, after.looks) == (0, 1)


def test_every_request_of_a_look_takes_its_place_in_the_limits(api, sending, monkeypatch) -> None:
    monkeypatch.setattr(reconciling, "PAGE", 2)
    others = [entry(sending, id=f"other-{n}", webhook_url=f"https://other.example/{n}") for n in range(5)]
    api.created = {other.id: other for other in others}
    for name in ("one", "two"):
        deliveries.accept(tokens.Token(sending.pk, 1), b'{"id": "%s"}' % name.encode())
    look(sending)
    assert Call.objects.filter(bucket=pace.REQUEST).count() == 2 + 3


def test_an_entry_that_may_belong_to_a_call_we_are_unsure_of_is_not_taken(api, sending) -> None:
    AnalysisFactory(
        recording=RecordingFactory(agent=sending.recording.agent, contact=sending.recording.contact),
        state=State.FAILED,
        failure=Failure.UNSURE,
        next_attempt_at=None,
        api_url=sending.api_url,
        sent_at=sending.sent_at - timedelta(minutes=1),
        sent_agent=sending.sent_agent,
        sent_contact=sending.sent_contact,
    )
    found = entry(sending, webhook_url=None)
    api.created = {found.id: found}
    after = look(sending)
    assert (after.state, after.looks, after.external_id) == (State.SENDING, 1, None)


def test_outages_before_do_not_count_as_submissions(api, queued) -> None:
    for _ in range(schedule.MOST_SUBMISSIONS):
        api.trouble = [NotSent("Connection refused.")]
        look(queued)
        forget_the_limits()
    api.trouble = [Unsure("Reset.")]
    assert look(queued).submissions == 1
    for _ in range(2):
        look(queued)
    assert again(queued).state == State.QUEUED


@pytest.mark.parametrize("api_url", ["the embedded engine", "https://gone.example.com/api/v1"])
def test_what_nobody_can_tell_for_days_is_left_to_a_person(api, sending, api_url) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=73)
    Analysis.objects.update(sent_at=long_ago, api_url=api_url, attempts=schedule.MOST_WAITS)
    api.trouble = [Unavailable("No answer.")]
    after = look(sending)
    assert (after.failure, after.may_send_anyway) == (Failure.UNSURE, True)


def test_news_that_comes_while_older_news_is_looked_after_is_not_lost(api, sending, monkeypatch) -> None:
    found = entry(sending)
    Analysis.objects.update(state=State.FAILED, failure=Failure.LOST, next_attempt_at=None, external_id=found.id)
    token = tokens.Token(sending.pk, 1)
    deliveries.accept(token, b"first")

    def webhook_meanwhile(_id):
        deliveries.accept(token, b"second")
        raise NotFound("Not yet.", status=404)

    monkeypatch.setattr(api, "get", webhook_meanwhile)
    advance(sending.pk)
    assert again(sending).next_attempt_at <= datetime.now(UTC)


def test_what_never_arrives_is_sent_again_at_growing_distances(api, sending) -> None:
    waits = []
    for submissions in range(1, schedule.MOST_SUBMISSIONS):
        Analysis.objects.update(state=State.SENDING, submissions=submissions, absences=1)
        waits.append((look(sending).next_attempt_at - datetime.now(UTC)).total_seconds())
    assert waits[0] <= 0
    assert waits == sorted(waits)
    assert 600 < sum(waits) < 1200
