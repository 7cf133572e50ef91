"""While the bucket is away nothing is lost, nothing is given up, and everybody is told."""

import re
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from callcov_portal.actions import batches, exporting, housekeeping, storing
from callcov_portal.actions.advancing import advance
from callcov_portal.actions.watching import Watch
from callcov_portal.exports import wish_for
from callcov_portal.models import Export, ExportState, Fate, Muting, Recording, Signal, State
from tests.bucket.objects import get, left_here
from tests.factories import AnalysisFactory, BatchFactory, BatchItemFactory, RecordingFactory
from tests.views.pages import text_of
from tests.views.sending import FILES, JSON, SOUND, create, head, patch, sound_file
from tests.working import due, make_due, work

pytestmark = pytest.mark.django_db


def test_a_file_of_the_plain_form_is_refused_and_leaves_no_row(as_bob, away):
    fate = as_bob.post(FILES, {"agent": "nora", "files": sound_file()}, headers=JSON).json()["fates"][0]
    assert fate["outcome"] == "refused"
    assert "The storage for recordings does not answer. Nothing was stored" in fate["words"]
    assert Recording.objects.count() == 0
    assert left_here() == []
    away(is_away=False)
    again = as_bob.post(FILES, {"agent": "nora", "files": sound_file()}, headers=JSON).json()["fates"][0]
    assert again["outcome"] == "stored"


def test_a_file_sent_in_pieces_is_kept_here_and_taken_in_afterwards(as_bob, bob, away):
    item = BatchItemFactory(batch=BatchFactory(user=bob, agent="nora"), size_bytes=len(SOUND))
    create(as_bob, item)
    answer = patch(as_bob, item, SOUND, 0)
    assert answer.status_code == 503
    assert "Kept here until the storage answers" in answer.content.decode()
    assert batches.part_of(item).read_bytes() == SOUND
    away(is_away=False)
    assert head(as_bob, item).status_code == 200
    item.refresh_from_db()
    assert item.fate == Fate.STORED
    assert left_here() == []


def test_a_file_that_is_kept_here_is_taken_in_though_its_page_is_closed(as_bob, bob, away, monkeypatch):
    batch = BatchFactory(user=bob, agent="nora")
    first, second = (BatchItemFactory(batch=batch, size_bytes=len(SOUND)) for _ in range(2))
    create(as_bob, first)
    patch(as_bob, first, SOUND, 0)
    create(as_bob, second)
    patch(as_bob, second, SOUND[:50], 0)
    away(is_away=False)
    housekeeping.tidy()  # its page may ask still
    assert batch.items.waiting().count() == 2
    monkeypatch.setattr(batches, "QUIET", timedelta(seconds=-60))
    away(is_away=True)
    housekeeping.tidy()
    assert batch.items.waiting().count() == 2
    away(is_away=False)
    housekeeping.tidy()
    first.refresh_from_db()
    assert (first.fate, first.recording.current_analysis.state) == (Fate.STORED, State.QUEUED)
    assert left_here() == [batches.part_of(second)]


def test_a_watched_folder_keeps_its_files(away, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "a.wav").write_bytes(SOUND)
    watch = Watch(folder, agent="nora")
    assert [item for _ in range(2) for item in watch.look()] == []
    assert (folder / "a.wav").exists()
    away(is_away=False)
    assert [item.fate for item in watch.look()] == [Fate.STORED]


def test_an_import_breaks_off_and_goes_on_when_run_again(away, tmp_path):
    (tmp_path / "a.wav").write_bytes(SOUND)
    with pytest.raises(CommandError, match="It broke off"):
        call_command("import", str(tmp_path / "a.wav"), "--agent", "nora")
    away(is_away=False)
    call_command("import", str(tmp_path / "a.wav"), "--agent", "nora")
    assert Recording.objects.count() == 1


def test_what_is_to_be_sent_waits_and_uses_up_no_try(api, away):
    away(is_away=False)
    name = default_storage.save("2026/03/a.wav", ContentFile(SOUND))
    call = RecordingFactory(file=name)
    analysis = AnalysisFactory(recording=call)
    away(is_away=True)
    for _ in range(14):
        make_due(analysis)
        advance(analysis.pk)
    analysis.refresh_from_db()
    assert (analysis.state, analysis.submissions, api.sent) == (State.QUEUED, 0, [])
    assert analysis.detail == "The storage for recordings does not answer."
    away(is_away=False)
    make_due(analysis)
    advance(analysis.pk)
    assert [one["bytes"] for one in api.sent] == [SOUND]


def test_a_chore_waits_and_uses_up_no_try(bob, away):
    export = exporting.order(wish_for("calls", "csv", columns=["call"]), bob)
    for _ in range(7):
        Export.objects.update(due_at=export.due_at)
        assert work("exporting", export.pk)
    export.refresh_from_db()
    assert (export.state, export.attempts) == (ExportState.WAITING, 0)
    assert export.detail == "The storage for recordings does not answer."
    away(is_away=False)
    Export.objects.update(due_at=export.created_at)
    work("exporting", due("exporting")[0])
    export.refresh_from_db()
    assert export.state == ExportState.READY


def test_the_pages_of_a_call_are_there_and_its_sound_answers_503(as_bob, away):
    call = RecordingFactory(muting=Muting.DONE, muted_file="2026/03/m.flac")
    as_bob.raise_request_exception = False
    assert as_bob.get(f"/calls/{call.pk}/").status_code == 200
    answer = get(as_bob, call, Range="bytes=0-9")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "The storage for recordings does not answer" in text_of(answer)


def test_a_deleted_call_leaves_an_orphan_and_no_error(as_alice, away, in_bucket, django_capture_on_commit_callbacks):
    in_bucket.put("2026/03/0.wav", b"x")
    call = RecordingFactory(file="2026/03/0.wav")
    with django_capture_on_commit_callbacks(execute=True):
        assert as_alice.post(f"/calls/{call.pk}/delete/").status_code == 302
    assert Recording.objects.count() == 0
    assert in_bucket.keys() == ["2026/03/0.wav"]


def test_the_status_page_and_a_banner_say_so_until_it_is_back(as_bob, away):
    assert storing.take_turn()
    assert not storing.take_turn()
    storing.look()
    storing.look()
    since = Signal.objects.get(name=storing.TROUBLE).at
    page = text_of(as_bob.get("/status/"))
    assert "✕ Does not answer since" in page
    assert re.search(r'Could not connect to the endpoint URL: "http://127\.0\.0\.1:\d+"', page)
    assert "⚠ The storage for recordings does not answer: no file is taken" in text_of(as_bob.get("/calls/"))
    assert Signal.objects.get(name=storing.TROUBLE).at == since
    away(is_away=False)
    storing.look()
    page = text_of(as_bob.get("/status/"))
    assert "✓ Answers last asked" in page
    assert "does not answer" not in page


def test_of_a_folder_nobody_is_asked_and_nothing_is_said(as_bob):
    Signal.objects.create(name=storing.TROUBLE, at="2026-03-01T00:00Z", text="of a bucket that was")
    assert not storing.take_turn()
    assert "storage" not in text_of(as_bob.get("/status/"))
