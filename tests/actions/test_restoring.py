"""A restored backup: what was sent after it was made is found again, and the rest is sent once."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from callcov_portal import sound, tasks
from callcov_portal.actions import deliveries, recognising, tokens, turns
from callcov_portal.actions.advancing import advance
from callcov_portal.models import Analysis, Failure, State, Urgency
from tests.factories import AnalysisFactory, CompletedFactory, RecordingFactory
from tests.fingerprints import heard
from tests.pacing import queue_up
from tests.working import again, forget_the_limits, make_due, work

pytestmark = pytest.mark.django_db


def restore(analysis: Analysis) -> None:
    """Put a row back to what it was before it was sent."""
    unsent = {"submissions": 0, "attempts": 0, "sent_at": None, "accepted_at": None, "external_id": None, "api_url": ""}
    Analysis.objects.filter(pk=analysis.pk).update(state=State.QUEUED, sent_agent="", sent_contact="", **unsent)
    make_due(analysis)


@pytest.fixture(params=[True, False], ids=["its list echoes our address", "it does not"])
def sent(request, api, queued) -> Analysis:
    """An analysis that was sent, of which the database does not know."""
    api.echoes_webhook_url = request.param
    advance(queued.pk)
    api.finish(again(queued).external_id)
    restore(queued)
    return queued


def go_on(analysis: Analysis) -> State:
    """Let time pass until nothing happens to an analysis any more."""
    for _ in range(6):
        forget_the_limits()
        make_due(analysis)
        advance(analysis.pk)
    return State(again(analysis).state)


def test_what_was_sent_after_the_backup_is_found_and_not_sent_again(api, sent, capsys) -> None:
    call_command("restored")
    assert capsys.readouterr().out.startswith("1 analyses")
    assert go_on(sent) == State.COMPLETED
    assert len(api.sent) == 1


def test_what_was_not_sent_before_is_sent_once_when_that_is_proven(api, queued) -> None:
    call_command("restored")
    assert go_on(queued) == State.PROCESSING
    assert len(api.sent) == 1


def test_twice_changes_nothing_and_what_does_not_wait_is_left_alone(api, sent) -> None:
    done, invented = CompletedFactory(), AnalysisFactory(next_attempt_at=None)
    call_command("restored")
    before = list(Analysis.objects.order_by("pk").values())
    call_command("restored")
    assert list(Analysis.objects.order_by("pk").values()) == before
    assert (again(done).state, again(invented).state) == (State.COMPLETED, State.QUEUED)


def test_a_webhook_of_what_was_sent_after_the_backup_is_taken(api, sent) -> None:
    call_command("restored")
    assert deliveries.accept(tokens.Token(sent.pk, 1), b"{}")


def test_a_link_whose_copy_is_still_to_be_fetched_is_looked_for_first(api, monkeypatch) -> None:
    fetched: list[Analysis] = []
    monkeypatch.setattr("callcov_portal.actions.fetching.fetch_copy", fetched.append)
    link = {"recording__file": "", "recording__link": "https://calls.example/a.wav"}
    analysis = AnalysisFactory(needs_copy=True, next_attempt_at=timezone.now() - timedelta(hours=1), **link)
    call_command("restored")
    make_due(analysis)
    advance(analysis.pk)
    assert (api.calls, fetched) == (["list"], [])
    go_on(analysis)
    assert fetched


def test_what_waited_to_be_compared_is_compared_once_its_absence_is_proven(api, monkeypatch) -> None:
    monkeypatch.setattr(sound, "hear", lambda path, **_limits: heard(1, int(path.read_text())))
    names = [default_storage.save(f"2026/03/{one}.wav", ContentFile(str(one).encode())) for one in range(2)]
    first, second = (RecordingFactory(file=name, duration_seconds=36.0) for name in names)
    waiting = [
        AnalysisFactory(recording=one, needs_comparing=recognising.note_due(one, Urgency.PERSON))
        for one in (first, second)
    ]
    advance(waiting[0].pk)
    call_command("restored")
    while work("recognising", second.pk):
        pass
    assert go_on(waiting[1]) == State.FAILED
    after = again(waiting[1])
    assert (after.failure, after.duplicate_of, len(api.sent)) == (Failure.DUPLICATE, first, 1)
    assert after.may_keep


def test_many_are_looked_for_within_the_limits(api, monkeypatch) -> None:
    monkeypatch.setattr(turns, "sleep", lambda _seconds: None)
    monkeypatch.setattr(tasks, "send", lambda task, *arguments: None)
    queue_up(150)
    call_command("restored")
    Analysis.objects.update(next_attempt_at=timezone.now())
    for pk in Analysis.objects.values_list("pk", flat=True):
        advance(pk)
    assert 50 <= len(api.calls) <= 100
    assert set(Analysis.objects.values_list("state", flat=True)) == {State.SENDING}
