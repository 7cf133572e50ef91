"""The words of calls are taken into the index, off everybody's way, and nothing is forgotten."""

import importlib
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import analyses, indexing, recordings, reindexing
from callcov_portal.actions.applying import Applied, apply_snapshot
from callcov_portal.actions.recordings import CallDetails
from callcov_portal.client.types import AnalysisSnapshot, SnapshotSegment
from callcov_portal.models import Analysis, Recording, Segment, Spoken, State, Unindexed
from callcov_portal.models.hits import hits, walk
from callcov_portal.models.matches import Scope
from callcov_portal.searching import parse
from callcov_portal.searching.facets import agent_facet
from tests.factories import CompletedFactory, ProcessingFactory, RecordingFactory, SegmentFactory

pytestmark = pytest.mark.django_db


def found(words: str, scope: Scope = Scope()) -> list[int]:  # noqa: B008
    query = parse(words)
    return [hit.number for hit in hits(query, walk(query, scope, 50).keys)]


def apply(analysis: Analysis, *texts: str) -> None:
    segments = tuple(SnapshotSegment("AB"[n % 2], text, 5.0 * n, 5.0 * n + 4, None) for n, text in enumerate(texts))
    snapshot = AnalysisSnapshot(str(analysis.external_id), "completed", datetime.now(UTC), segments=segments)
    assert apply_snapshot(analysis, snapshot) == Applied.APPLIED


def marked() -> list[int]:
    return list(Unindexed.objects.order_by("recording").values_list("recording", flat=True))


@pytest.fixture
def spoken() -> Recording:
    """A call whose words are in the index."""
    analysis = SegmentFactory(text="I want a refund.").analysis
    indexing.mark(analysis.recording_id)
    indexing.index()
    return Recording.objects.get()


class TestMarks:
    def test_results_make_a_call_due_and_are_found_when_it_is_indexed(self) -> None:
        analysis = ProcessingFactory()
        apply(analysis, "Thank you.", "I want a refund.")
        assert marked() == [analysis.recording_id]
        assert indexing.is_due()
        assert found("refund") == []
        assert indexing.index() is False
        assert found("refund") == [analysis.recording_id]
        assert marked() == []

    def test_a_result_that_is_not_taken_marks_nothing(self, spoken) -> None:
        other = AnalysisSnapshot("x", "completed", datetime.now(UTC))
        assert apply_snapshot(spoken.current_analysis, other) == Applied.STALE
        assert marked() == []

    def test_a_corrected_call_is_found_by_its_new_agent_and_time(self, spoken, alice) -> None:
        before = spoken.agent_id
        details = CallDetails("somebody else", "", spoken.called_at + timedelta(days=400))
        recordings.edit_details(spoken, details, alice)
        assert marked() == [spoken.pk]
        key = Spoken.objects.get().key
        indexing.index()
        spoken.refresh_from_db()
        assert Spoken.objects.get().key > key
        assert found("refund", Scope((agent_facet(spoken.agent_id),))) == [spoken.pk]
        assert found("refund", Scope((agent_facet(before),))) == []

    def test_an_edit_that_changes_nothing_marks_nothing(self, spoken, alice) -> None:
        details = CallDetails(spoken.agent.identifier, spoken.contact.identifier, spoken.called_at, spoken.direction)
        assert recordings.edit_details(spoken, details, alice) == []
        assert marked() == []

    def test_a_deleted_call_leaves_nothing_behind(self, spoken, alice) -> None:
        indexing.mark(spoken.pk)
        recordings.delete(spoken, alice)
        assert not Spoken.objects.exists()
        assert marked() == []
        assert found("refund") == []
        assert reindexing.index_is_sound()

    def test_a_new_analysis_is_searched_when_it_has_results_and_the_old_one_until_then(self, spoken, alice) -> None:
        new = analyses.analyse_again(spoken, alice)
        indexing.mark(spoken.pk)
        indexing.index()
        assert found("refund") == [spoken.pk]
        Analysis.objects.filter(pk=new.pk).update(state=State.PROCESSING, external_id="new")
        new.refresh_from_db()
        apply(new, "I want an invoice.")
        indexing.index()
        assert (found("refund"), found("invoice")) == ([], [spoken.pk])

    def test_a_call_without_results_is_in_no_index(self) -> None:
        indexing.mark(ProcessingFactory().recording_id)
        indexing.index()
        assert not Spoken.objects.exists()
        assert marked() == []

    def test_a_call_in_which_nobody_speaks_is_there_all_the_same(self) -> None:
        analysis = CompletedFactory()
        indexing.mark(analysis.recording_id)
        indexing.index()
        assert found("-refund") == [analysis.recording_id]


class TestIndexing:
    def test_twice_is_once(self, spoken) -> None:
        for _ in range(2):
            indexing.mark(spoken.pk)
            indexing.index()
        assert found("refund") == [spoken.pk]
        assert Spoken.objects.count() == 1
        assert reindexing.index_is_sound()

    def test_who_dies_in_between_leaves_it_due(self, spoken) -> None:
        Segment.objects.update(text="I want an invoice.")
        indexing.mark(spoken.pk)
        now = timezone.now()
        assert Unindexed.objects.claim("dead", 50, now, now + timedelta(seconds=30)) == [spoken.pk]
        assert indexing.index_some() == 0  # held
        Unindexed.objects.update(due_at=now - timedelta(seconds=1))  # the lease is over
        assert indexing.index_some() == 1
        assert found("invoice") == [spoken.pk]

    def test_who_was_taken_for_dead_writes_nothing_old(self, spoken) -> None:
        indexing.mark(spoken.pk)
        Unindexed.objects.update(holder="somebody else")
        Segment.objects.update(text="I want an invoice.")
        indexing.take_in([spoken.pk], "dead")
        assert found("invoice") == []
        assert marked() == [spoken.pk]

    def test_a_call_that_is_marked_anew_while_it_is_read_stays_due(self, spoken, monkeypatch) -> None:
        read = indexing.spoken_rows

        def changed_meanwhile(numbers):
            rows = read(numbers)
            Segment.objects.update(text="I want an invoice.")
            indexing.mark(spoken.pk)
            return rows

        indexing.mark(spoken.pk)
        with monkeypatch.context() as patch:
            patch.setattr(indexing, "spoken_rows", changed_meanwhile)
            indexing.index_some()
        assert marked() == [spoken.pk]
        indexing.index_some()
        assert found("invoice") == [spoken.pk]

    def test_a_call_that_is_deleted_while_it_is_read_is_left_out(self, spoken, alice, monkeypatch) -> None:
        read = indexing.spoken_rows

        def deleted_meanwhile(numbers):
            rows = read(numbers)
            recordings.delete(spoken, alice)
            return rows

        indexing.mark(spoken.pk)
        monkeypatch.setattr(indexing, "spoken_rows", deleted_meanwhile)
        assert indexing.index_some() == 1
        assert not Spoken.objects.exists()

    def test_a_poisoned_call_does_not_stop_the_line(self, monkeypatch) -> None:
        calls = [SegmentFactory(text=f"refund {n}").analysis.recording_id for n in range(3)]
        for number in calls:
            indexing.mark(number)
        read = indexing.spoken_rows

        def poisoned(numbers):
            if calls[1] in numbers:
                raise DatabaseError("string is too long for tsvector")
            return read(numbers)

        monkeypatch.setattr(indexing, "spoken_rows", poisoned)
        indexing.index()
        assert sorted(found("refund")) == [calls[0], calls[2]]
        mark = Unindexed.objects.get()
        assert (mark.recording_id, mark.attempts, mark.holder) == (calls[1], 1, "")
        assert mark.due_at > timezone.now()
        assert not indexing.is_due()
        monkeypatch.undo()
        Unindexed.objects.update(due_at=timezone.now())
        indexing.index()
        assert sorted(found("refund")) == calls

    def test_fifty_calls_cost_no_more_queries_than_five(self) -> None:
        def queries(calls: int) -> int:
            for n in range(calls):
                indexing.mark(SegmentFactory(text=f"refund {n}").analysis.recording_id)
            with CaptureQueriesContext(connection) as captured:
                indexing.index_some()
            return len(captured)

        assert queries(5) == queries(50)

    def test_a_boundless_transcript_does_no_harm(self) -> None:
        analysis = SegmentFactory(text=" ".join(f"w{n:x}" for n in range(120_000))).analysis
        SegmentFactory(analysis=analysis, text="refund " * 20_000 + "x" * 5_000)
        indexing.mark(analysis.recording_id)
        indexing.index()
        assert marked() == []
        assert found("w1") == [analysis.recording_id]

    def test_only_one_thread_of_a_process_indexes(self, spoken) -> None:
        indexing.mark(spoken.pk)
        with indexing.SLOTS:
            assert indexing.index() is False
        assert marked() == [spoken.pk]


class TestBells:
    def test_the_sweep_rings_while_something_is_due_and_the_task_for_what_is_left(self, spoken, monkeypatch) -> None:
        rung: list[object] = []
        monkeypatch.setattr(tasks.index, "apply_async", lambda args, **_kw: rung.append(args))
        tasks.sweep()
        assert rung == []
        for n in range(3):
            indexing.mark(SegmentFactory(text=f"refund {n}").analysis.recording_id)
        tasks.sweep()
        assert rung == [()]
        monkeypatch.setattr(indexing, "AT_ONCE", 1)
        monkeypatch.setattr(indexing.index, "__defaults__", (2,))
        monkeypatch.setattr(indexing.index_some, "__defaults__", (1,))
        tasks.index()
        assert len(marked()) == 1
        assert rung == [(), ()]
        tasks.index()
        assert marked() == []
        assert rung == [(), ()]


class TestTheWholeIndex:
    def test_what_was_there_before_the_upgrade_is_due(self, spoken) -> None:
        RecordingFactory()
        Spoken.objects.all().delete()
        migration = importlib.import_module("callcov_portal.migrations.0009_search_index")
        for _ in range(2):  # stopped half-way it begins again
            migration.mark_all(apps, None)
            assert marked() == [spoken.pk]

    def test_the_command_indexes_what_is_due(self, spoken, capsys) -> None:
        call_command("index_search")
        assert "Nothing is due." in capsys.readouterr().out
        indexing.mark(spoken.pk)
        call_command("index_search")
        assert "1 indexed." in capsys.readouterr().out

    def test_the_command_finds_what_is_wrong_and_makes_it_anew(self, spoken, capsys) -> None:
        call_command("index_search", "--verify")
        assert "as it should be" in capsys.readouterr().out
        Segment.objects.update(text="I want an invoice.")  # by somebody who forgot to mark it
        orphan = SegmentFactory(text="hello").analysis.recording_id
        with pytest.raises(CommandError, match=f"#{spoken.pk}, #{orphan}"):
            call_command("index_search", "--verify")
        call_command("index_search", "--rebuild")
        call_command("index_search", "--verify")
        assert found("invoice") == [spoken.pk]

    def test_words_of_a_call_that_has_no_results_any_more_are_wrong_until_it_is_read_again(self, spoken) -> None:
        Analysis.objects.update(state=State.FAILED)
        assert list(reindexing.wrong_calls()) == [spoken.pk]
        reindexing.mark_all()
        assert list(reindexing.wrong_calls()) == []  # due
        indexing.index()
        assert not Spoken.objects.exists()

    def test_every_call_is_looked_at_however_many(self, monkeypatch) -> None:
        monkeypatch.setattr(reindexing, "AT_ONCE", 2)
        numbers = [SegmentFactory(text="hello").analysis.recording_id for _ in range(5)]
        assert reindexing.mark_all() == 5
        assert marked() == numbers

    @pytest.mark.sqlite
    @pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite's own index")
    @pytest.mark.parametrize(
        ("order", "needs_thorough"),
        [
            (
                "INSERT INTO portal_spoken_index(rowid, agent, contact, other, facets) VALUES (1, 'ghost', '', '', '')",
                False,
            ),
            ("UPDATE portal_spoken SET agent = 'nobody said that'", True),
        ],
    )
    def test_an_index_that_differs_from_the_words_is_damaged_and_can_be_made_anew(
        self, spoken, order, needs_thorough
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'portal_spoken_changed'")
            trigger = cursor.fetchone()[0]
            cursor.execute("DROP TRIGGER portal_spoken_changed")
            cursor.execute(order)
            assert not reindexing.index_is_sound()  # without its trigger
            cursor.execute(trigger)
        assert reindexing.index_is_sound() == needs_thorough
        assert not reindexing.index_is_sound(is_thorough=True)
        Segment.objects.update(text=Spoken.objects.get().agent)
        with pytest.raises(CommandError, match="damaged"):
            call_command("index_search", "--verify", "--thorough")
        call_command("index_search", "--rebuild", "--thorough")
        call_command("index_search", "--verify", "--thorough")
        assert reindexing.index_is_sound(is_thorough=True)

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's own column")
    def test_a_vector_that_differs_from_the_words_is_found(self, spoken) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE portal_spoken SET vector = ''")
        assert list(reindexing.wrong_calls()) == [spoken.pk]
