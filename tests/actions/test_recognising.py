"""The same call in another file is recognised before anything of it is sent."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from callcov_portal import sound, tasks
from callcov_portal.actions import (
    advancing,
    analyses,
    bulk,
    chores,
    drawing,
    fetching,
    muting,
    outcomes,
    recognising,
    recordings,
)
from callcov_portal.actions.analyses import NotPossible
from callcov_portal.models import Analysis, Failure, Fingerprint, Recording, SoundWord, State, Waveform
from callcov_portal.models.fingerprint import COMMON, calls_with, key_of
from callcov_portal.safefetch import Fetched
from tests.actions.sameness import added, sent, taken_for
from tests.factories import AgentFactory, BatchFactory, BatchItemFactory, ContactFactory, RecordingFactory
from tests.sounds import wav_file
from tests.working import again, due, make_due, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hear")]


def test_the_same_call_in_another_file_is_not_sent_and_says_why(api) -> None:
    first, second = added("1 0"), added("1 1", seconds=36.1)
    assert sent(first)
    assert not sent(second)
    assert taken_for(second) == first.recording
    assert "Compared by their sound, 9" in again(second).detail
    assert "agrees in 0 min 36 s of speech" in again(second).detail
    assert "lengths differ by 0.1 s" in again(second).detail
    assert len(api.sent) == 1
    second.recording.refresh_from_db()
    assert (second.recording.state, second.recording.failure) == (State.FAILED, Failure.DUPLICATE)


def test_another_call_is_sent(api) -> None:
    assert [sent(added(says)) for says in ("1 0", "2 0", "3 1")] == [True] * 3


def test_the_length_must_be_about_the_same(api) -> None:
    assert sent(added("1 0", seconds=36.0))
    assert sent(added("1 1", seconds=42.0))


def test_nothing_is_sent_before_it_was_compared(api) -> None:
    analysis = added("1 0")
    with recognising.SLOT:
        assert not sent(analysis)
    assert not Analysis.objects.waiting(timezone.now(), for_a_copy=False).exists()
    tasks.chore("recognising", str(analysis.recording_id))
    assert Analysis.objects.waiting(timezone.now(), for_a_copy=False).get() == analysis


def test_it_is_heard_once_and_drawn_with_that(api, hear) -> None:
    analysis = added("1 0")
    assert due("drawing") == []
    assert sent(analysis)
    assert Waveform.objects.get().lanes == [bytes(100)]
    assert (due("drawing", timezone.now() + drawing.AFTER_HEARING), len(hear)) == ([], 1)


def test_what_a_person_waits_for_is_compared_before_what_came_earlier(api) -> None:
    rows = [added(f"{n} 0") for n in range(3)]
    for analysis, urgency in zip(rows, (2, 1, 0), strict=True):
        Fingerprint.objects.filter(pk=analysis.recording_id).update(urgency=urgency)
    assert due("recognising") == [analysis.recording_id for analysis in reversed(rows)]


def test_a_call_that_cannot_be_heard_goes_on_as_before(api) -> None:
    silent, damaged, troubled = added(""), added("!audio"), added("!trouble")
    assert sent(silent)
    assert sent(damaged)
    assert Fingerprint.objects.get(pk=damaged.recording_id).detail == "!audio"
    for _ in range(1, recognising.MOST_TRIES):
        assert not sent(troubled)
        assert again(troubled).needs_comparing
        Fingerprint.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    assert sent(troubled)
    assert SoundWord.objects.count() == 0


def test_what_kills_the_worker_each_time_is_sent_without_being_compared(api) -> None:
    analysis = added("1 0")
    Fingerprint.objects.update(attempts=recognising.MOST_TRIES)
    assert sent(analysis)
    assert Fingerprint.objects.get().places is None


@pytest.mark.parametrize("line", ["finish", "end", "let_go", "make_findable"])
def test_a_death_at_any_line_loses_nothing_and_sends_nothing_twice(api, monkeypatch, line) -> None:
    first = added("1 0")
    sent(first)
    second, other = added("1 1"), added("2 0")
    where = {"finish": (chores.Turn, "finish"), "end": (outcomes, "fail")}.get(line, (recognising, line))
    real = getattr(*where)

    def dies(*given: Any, **more: Any) -> Any:
        real(*given, **more)
        raise SystemExit

    deaths = 0
    for analysis in (second, other):
        with monkeypatch.context() as patched:
            patched.setattr(*where, dies)
            try:
                advancing.advance(analysis.pk)
            except SystemExit:
                deaths += 1
                assert again(analysis).needs_comparing  # all of it or nothing
        assert len(api.sent) <= 2
        Fingerprint.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        if again(analysis).state == State.QUEUED:
            make_due(analysis)
        advancing.advance(analysis.pk)
    assert taken_for(second) == first.recording
    assert again(other).state == State.PROCESSING
    assert len(api.sent) == 2
    assert deaths


def test_who_comes_late_decides_nothing(api) -> None:
    analysis = added("1 0")
    turn = chores.take(recognising.KIND, analysis.recording_id)
    Fingerprint.objects.update(due_at=timezone.now(), attempts=7)  # somebody else's by now
    assert turn
    with pytest.raises(chores.Taken):
        recognising.recognise(turn)
    assert again(analysis).needs_comparing


def test_a_call_that_is_deleted_meanwhile_leaves_nothing(api, alice, monkeypatch) -> None:
    analysis = added("1 0")
    listen = sound.hear

    def delete_then_hear(path: Path, **limits: float) -> sound.Heard:
        found = listen(path)
        recordings.delete(analysis.recording, alice)
        return found

    monkeypatch.setattr(sound, "hear", delete_then_hear)
    assert not advancing.advance(analysis.pk)
    assert not Fingerprint.objects.exists()
    assert not SoundWord.objects.exists()


def test_once_the_other_is_deleted_the_same_sound_is_taken_again(api, alice) -> None:
    first = added("1 0")
    sent(first)
    second = added("1 1")
    sent(second)
    recordings.delete(first.recording, alice)
    assert again(second).duplicate_of is None
    second.recording.refresh_from_db()
    new = analyses.analyse_again(second.recording, alice)
    assert new.needs_comparing
    assert sent(new)
    third = added("1 2")
    assert not sent(third)
    assert taken_for(third) == second.recording


def test_analysed_again_it_is_compared_again(api, alice) -> None:
    first = added("1 0")
    sent(first)
    second = added("1 1")
    sent(second)
    Analysis.objects.filter(pk=second.pk).update(duplicate_of=None)  # as if that were gone
    second.recording.refresh_from_db()
    new = analyses.analyse_again(second.recording, alice)
    assert not sent(new)
    assert taken_for(new) == first.recording


@pytest.mark.parametrize(
    ("state", "failure", "counts"),
    [
        (State.COMPLETED, "", True),
        (State.PROCESSING, "", True),
        (State.FAILED, Failure.UNSURE, True),
        (State.FAILED, Failure.REFUSED, False),
        (State.FAILED, Failure.ANALYSIS_FAILED, False),
        (State.CANCELLED, "", False),
    ],
)
def test_only_a_call_that_has_or_may_have_results_keeps_another_from_being_sent(api, state, failure, counts) -> None:
    first = added("1 0")
    sent(first)
    Analysis.objects.filter(pk=first.pk).update(state=state, failure=failure)
    Recording.objects.filter(pk=first.recording_id).update(state=state, failure=failure)
    assert sent(added("1 1")) is not counts


def test_retried_it_is_compared_again_so_that_no_second_one_is_sent_silently(api, alice) -> None:
    first = added("1 0")
    work("recognising", first.recording_id)
    Analysis.objects.move(first.pk, State.FAILED, Failure.GAVE_UP, next_attempt_at=None)
    second = added("1 1")
    assert sent(second)
    analyses.retry(again(first), alice)
    assert not sent(first)
    assert taken_for(first) == second.recording


def test_the_retry_of_a_batchs_failures_sends_no_duplicate(api, alice) -> None:
    sent(added("1 0"))
    batch = BatchFactory()
    second = added("1 1", batch=batch)
    BatchItemFactory(batch=batch, fate="stored", recording=second.recording)
    sent(second)
    assert bulk.retry_in(batch, Failure.DUPLICATE, alice) is None
    with pytest.raises(NotPossible):
        analyses.retry(again(second), alice)
    sums = batch.sums()
    assert (sums.items, sums.duplicates, sums.failed) == (1, 1, 0)


def test_what_is_too_short_or_invented_or_not_wanted_is_not_compared(settings) -> None:
    assert not added("1 0", seconds=9.9).needs_comparing
    assert not added("1 0", is_demo=True).needs_comparing
    settings.CALLCOV_COMPARE_SOUND = False
    assert not added("1 0").needs_comparing
    assert not Fingerprint.objects.exists()


def test_an_upload_is_to_be_compared_and_a_link_when_it_was_fetched(tmp_path) -> None:
    details = recordings.CallDetails(agent="nora")
    path, sha256, size = wav_file(tmp_path, seconds=11)
    uploaded = recordings.add_file(path=path, sha256=sha256, size=size, file_name="a.wav", details=details, user=None)
    assert uploaded.current_analysis.needs_comparing
    linked = recordings.add_link(link="https://example.org/b.wav", details=details, user=None)
    assert not linked.current_analysis.needs_comparing
    path, sha256, size = wav_file(tmp_path, "b.wav", seconds=11, seed=1)
    assert fetching.attach(linked, path, Fetched(path, size, sha256, "audio/wav", linked.link))
    after = linked.analyses.get()
    assert (after.needs_copy, after.needs_comparing) == (False, True)
    assert set(due("recognising")) == {uploaded.pk, linked.pk}
    short, sha256, size = wav_file(tmp_path, "c.wav", seed=2)
    added_short = recordings.add_file(path=short, sha256=sha256, size=size, file_name="c", details=details, user=None)
    assert not added_short.current_analysis.needs_comparing


def test_a_word_that_many_calls_have_says_nothing_and_costs_nothing(django_assert_num_queries) -> None:
    calls = RecordingFactory.create_batch(COMMON + 5, agent=AgentFactory(), contact=ContactFactory())
    SoundWord.objects.bulk_create(SoundWord(key=7, recording=call) for call in calls)
    SoundWord.objects.bulk_create(SoundWord(key=key, recording=calls[n]) for key, n in ((8, 3), (9, 3), (9, 4)))
    with django_assert_num_queries(1):
        assert calls_with({7, 8, 9}, besides=0) == [calls[3].pk, calls[4].pk]
    assert calls_with({7, 8, 9}, besides=calls[3].pk) == [calls[4].pk]


@pytest.mark.sqlite
def test_words_are_found_by_their_index() -> None:
    SoundWord.objects.bulk_create(SoundWord(key=key_of(n % 300, n), recording=RecordingFactory()) for n in range(20))
    plan = SoundWord.objects.filter(key=5).values_list("recording")
    assert "COVERING INDEX sound_word_by_key" in plan.explain()


def test_it_has_a_place_of_its_own_beside_muting(api) -> None:
    analysis = added("1 0")
    with muting.SLOT:
        assert sent(analysis)


@pytest.mark.django_db(transaction=True)
def test_of_the_same_call_added_twice_at_once_one_is_sent(api) -> None:
    for number in range(5):
        pair = [added(f"{number} 0"), added(f"{number} 1")]
        together = threading.Barrier(2, timeout=30)

        def run(analysis: Analysis, together: threading.Barrier = together) -> None:
            turn = chores.take(recognising.KIND, analysis.recording_id)
            together.wait()
            assert turn
            chores.have(turn)
            connection.close()

        threads = [threading.Thread(target=run, args=(analysis,)) for analysis in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not Fingerprint.objects.filter(due_at__isnull=False).exists()
        for analysis in pair:
            advancing.advance(analysis.pk)
        states = sorted(again(analysis).state for analysis in pair)
        assert states == [State.FAILED, State.PROCESSING]
        assert len(api.sent) == number + 1
