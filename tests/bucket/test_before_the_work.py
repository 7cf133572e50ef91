"""A bucket that is away is noticed before work that would be in vain, and blamed for what is its own fault alone."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from callcov_portal import bucket, parts, safefetch, storage
from callcov_portal.actions import batches, exporting, gateway, housekeeping, importing, schedule, storing
from callcov_portal.actions.advancing import advance
from callcov_portal.actions.watching import Watch
from callcov_portal.exports import wish_for
from callcov_portal.models import Analysis, Export, ExportState, Signal, State
from callcov_portal.storage import AWAY, StorageAway
from callcov_portal.uploads import DiskFull, incoming_folder
from tests.factories import AnalysisFactory, BatchFactory, BatchItemFactory, RecordingFactory
from tests.views.sending import SOUND, create, patch
from tests.working import again, make_due, work

pytestmark = [pytest.mark.django_db, pytest.mark.audio]


@pytest.fixture
def known_away(away) -> None:
    """The bucket is away, and a worker has written that down."""
    storing.look()


@pytest.fixture
def stored(in_bucket) -> Analysis:
    """A queued analysis whose recording lies in the bucket."""
    name = default_storage.save("2026/03/a.wav", ContentFile(SOUND))
    return AnalysisFactory(recording=RecordingFactory(file=name))


def never(*_given: object, **_more: object) -> None:
    pytest.fail("work in vain")


class TestBeforeTheWork:
    """Nothing is fetched, computed or copied for a storage that is known to be away."""

    def test_a_link_is_not_fetched_and_keeps_its_tries(self, known_away, monkeypatch):
        monkeypatch.setattr(safefetch, "fetch_to", never)
        link = {"recording__file": "", "recording__link": "https://calls.example/a.wav"}
        analysis = AnalysisFactory(needs_copy=True, **link)
        for _ in range(schedule.MOST_LINK_TRIES + 1):
            make_due(analysis)
            advance(analysis.pk)
        after = again(analysis)
        assert (after.state, after.attempts, after.detail) == (State.QUEUED, 0, AWAY)

    def test_an_export_is_not_made(self, known_away, bob, monkeypatch):
        monkeypatch.setattr("callcov_portal.exports.Wish.write", never)
        export = exporting.order(wish_for("calls", "csv", columns=["call"]), bob)
        assert work("exporting", export.pk)
        export.refresh_from_db()
        assert (export.state, export.detail) == (ExportState.WAITING, AWAY)

    def test_a_file_that_is_all_here_is_not_read_again(self, known_away, as_bob, bob, monkeypatch):
        monkeypatch.setattr(parts, "complete", never)
        item = BatchItemFactory(batch=BatchFactory(user=bob, agent="nora"), size_bytes=len(SOUND))
        create(as_bob, item)
        assert patch(as_bob, item, SOUND, 0).status_code == 503
        assert batches.part_of(item).read_bytes() == SOUND

    def test_a_watched_file_is_not_copied_and_the_folder_is_not_blamed(self, known_away, tmp_path):
        folder = tmp_path / "drop"
        folder.mkdir()
        (folder / "a.wav").write_bytes(SOUND)
        watch = Watch(folder, agent="nora")
        assert [item for _ in range(2) for item in watch.look()] == []
        assert [trouble.startswith(AWAY) for trouble in watch.troubles] == [True]
        assert (folder / "a.wav").exists()

    def test_what_is_noted_and_over_keeps_nobody(self, in_bucket, bob):
        Signal.objects.create(name=storing.TROUBLE, at=timezone.now(), text="It was away.")
        export = exporting.order(wish_for("calls", "csv", columns=["call"]), bob)
        assert work("exporting", export.pk)
        export.refresh_from_db()
        assert export.state == ExportState.READY


def test_a_bucket_that_goes_while_it_is_read_is_no_fault_of_the_api(api, stored, monkeypatch):
    part = bucket.Bucket.part

    def breaks(self, key: str, first: int, length: int) -> bytes:
        if first:
            raise StorageAway("It is gone.")
        return part(self, key, first, 100)

    monkeypatch.setattr(bucket.Bucket, "part", breaks)
    monkeypatch.setattr("callcov_portal.actions.shelving.BLOCK", 100)
    advance(stored.pk)
    after = again(stored)
    assert (after.state, after.submissions, after.attempts, after.sent_at) == (State.QUEUED, 0, 0, None)
    assert after.detail == AWAY
    assert not Signal.objects.filter(name=gateway.TROUBLE).exists()
    assert (api.sent, list(incoming_folder().iterdir())) == ([], [])


def test_without_room_for_a_copy_nothing_is_sent_and_no_try_is_used_up(api, stored, monkeypatch):
    def full(_folder: object, _size: int) -> None:
        raise DiskFull("The disk has only 3 MB left.")

    monkeypatch.setattr("callcov_portal.actions.shelving.refuse_if_disk_full", full)
    advance(stored.pk)
    after = again(stored)
    assert (after.state, after.submissions, after.attempts, api.sent) == (State.QUEUED, 0, 0, [])
    assert "no room for a copy" in after.detail


def test_an_import_says_that_it_is_the_storage(away, tmp_path):
    (tmp_path / "a.wav").write_bytes(SOUND)
    with pytest.raises(CommandError, match=f"It broke off: {AWAY} "):
        call_command("import", str(tmp_path / "a.wav"), "--agent", "nora")


def test_an_expired_export_is_remembered_until_its_file_can_go(known_away, away, bob):
    long_ago = timezone.now() - timedelta(days=90)
    export = exporting.order(wish_for("calls", "csv", columns=["call"]), bob)
    Export.objects.update(state=ExportState.READY, due_at=None, finished_at=long_ago, expires_at=long_ago)
    housekeeping.tidy()
    assert Export.objects.filter(pk=export.pk).exists()
    away(is_away=False)
    storing.look()
    housekeeping.tidy()
    assert not Export.objects.filter(pk=export.pk).exists()


def test_taking_in_what_is_here_lets_others_work_after_a_while(in_bucket, as_bob, bob, monkeypatch):
    monkeypatch.setattr(batches, "item_of_whole_part", never)
    monkeypatch.setattr(batches, "LONGEST_TAKING", -1)
    create(as_bob, BatchItemFactory(batch=BatchFactory(user=bob, agent="nora"), size_bytes=len(SOUND)))
    assert list(incoming_folder().iterdir())
    batches.take_whole_parts()


def test_links_that_cannot_be_kept_leave_no_file(away, bob):
    with pytest.raises(StorageAway):
        importing.open_manifest(importing.of_links(["https://calls.example/a.wav"], {}), bob)
    assert list(incoming_folder().iterdir()) == []


def test_one_thread_at_a_time_asks_whether_it_is_there(away):
    with storing.LOOKING:
        storing.look()
    assert not storing.is_away()
    storing.look()
    assert storing.is_away()


def test_whether_it_is_there_is_asked_once_and_not_for_long(in_bucket):
    kept = storage.bucket()
    kept.look()
    kept.exists("2026/03/a.wav")
    looks, objects = (kept.made[what].meta.config for what in ("looks", "objects"))
    assert (looks.read_timeout, looks.retries["total_max_attempts"]) == (5, 1)
    assert objects.retries["total_max_attempts"] == bucket.TRIES


def test_nobody_gets_an_address_to_hear_a_recording_past_the_portal(stored):
    with pytest.raises(ValueError, match="through the portal alone"):
        default_storage.url(stored.recording.stored_name)


@pytest.mark.usefixtures("in_bucket_unaided")
@pytest.mark.parametrize("ours", [True, False])
def test_a_token_of_the_environment_stays_with_its_key(settings, monkeypatch, ours):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of another key")
    monkeypatch.setenv("AWS_S3_SESSION_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    if not ours:
        options = {**settings.STORAGES["default"]["OPTIONS"], "access_key": None, "secret_key": None}
        settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    kept = storage.bucket()
    kept.look()
    assert kept._create_session().get_credentials().token == (None if ours else "of another key")
