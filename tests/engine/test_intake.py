"""Recordings coming in: files kept before rows, refused when they are none, never twice for one Idempotency-Key."""

import hashlib
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, OperationalError

from callcov_portal import sound, uploads
from callcov_portal.engine import auth, intake, tasks
from callcov_portal.engine.models import Job
from tests.sound import samples

IDS = {"agent_id": "ann", "contact_id": "carl"}


@pytest.fixture
def rung(monkeypatch):
    """The jobs that were rung for."""
    pks: list = []
    monkeypatch.setattr(tasks, "ring", lambda _task, pk: pks.append(pk))
    return pks


def upload(caller, content: bytes, name="call.wav", **more):
    file = SimpleUploadedFile(name, content, content_type="audio/wav")
    headers = {"Idempotency-Key": key} if (key := more.pop("key", None)) else {}
    return caller.post("/api/v1/analysis/", {**IDS, "audio_file": file, **more}, headers=headers)


def kept(settings):
    return sorted(path.name for path in intake.folder().iterdir())


def incoming(settings):
    return list((settings.CALLCOV_DATA_DIR / "incoming").glob("*"))


def test_an_uploaded_recording_is_kept_and_described(caller, recording, rung, settings):
    content = recording.read_bytes()

    answer = upload(caller, content)

    assert answer.status_code == 201
    job = Job.objects.get()
    assert intake.audio_path(job).read_bytes() == content
    assert (job.sha256, job.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (job.audio_format, job.channels, round(job.duration or 0)) == ("wav", 1, 3)
    assert answer.json()["progress"] == {"stage": "stored", "fraction": 0.0, "trouble": ""}
    assert answer.json()["audio"]["duration_seconds"] == job.duration
    assert rung == [job.pk]
    assert incoming(settings) == []


@pytest.mark.parametrize("kind", sound.FORMATS)
def test_every_documented_format_is_taken_whatever_its_name(caller, tmp_path, rung, kind):
    path = samples.write(tmp_path / "recording", samples.tone(2), kind)

    answer = upload(caller, path.read_bytes(), name="recording.bin")

    assert answer.status_code == 201
    assert answer.json()["audio"]["format"] == kind


def test_a_form_may_say_everything_that_json_may(caller, recording, rung):
    answer = upload(
        caller,
        recording.read_bytes(),
        webhook_url="https://your-app.com/hook",
        call_direction="outbound",
        call_timestamp="2026-01-02T03:04:05+01:00",
        metadata='{"campaign_id": 7}',
    )

    assert answer.status_code == 201
    assert answer.json()["call"]["metadata"] == {"campaign_id": 7}
    assert answer.json()["call"]["call_type"] == "outbound"
    assert answer.json()["metadata"]["webhook_url"] == "https://your-app.com/hook"


def test_empty_fields_of_a_form_count_as_not_given(caller, recording, rung):
    answer = upload(caller, recording.read_bytes(), webhook_url="", call_direction="", call_timestamp="", metadata="")

    assert answer.status_code == 201
    assert answer.json()["metadata"]["webhook_url"] is None


def test_a_link_may_come_in_a_form(caller, rung):
    answer = caller.post("/api/v1/analysis/", {**IDS, "audio_url": "https://example.com/a/call.mp3?sig=1"})

    assert answer.status_code == 201
    assert answer.json()["audio"] == {
        "url": "https://example.com/a/call.mp3?sig=1",
        "duration_seconds": None,
        "format": "mp3",
        "file_size": None,
        "size_bytes": None,
    }


def test_a_form_without_a_file_is_the_documented_400(caller):
    answer = caller.post("/api/v1/analysis/", IDS)

    assert answer.status_code == 400
    assert answer.json()["detail"][0]["loc"] == ["body", "audio_file"]


@pytest.mark.parametrize(
    "content", [b"", b"not audio at all", b"%PDF-1.4 ...", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"\x00" * 5000]
)
def test_a_file_that_is_no_audio_is_the_documented_422_with_its_reason(caller, content, rung, settings):
    answer = upload(caller, content)

    assert answer.status_code == 422
    assert answer.json()["detail"] == "Invalid audio file format"
    assert len(answer.json()["error"]["message"]) > 10
    assert not Job.objects.exists()
    assert kept(settings) == incoming(settings) == rung == []


def test_trouble_of_our_own_with_reading_audio_is_a_503(caller, recording, monkeypatch, settings):
    def broken(*_):
        raise sound.SoundError("The audio reader could not be started.")

    monkeypatch.setattr(sound, "probe", broken)

    answer = upload(caller, recording.read_bytes())

    assert answer.status_code == 503
    assert answer.json() == {"detail": "The audio reader could not be started."}
    assert kept(settings) == incoming(settings) == []


def test_a_file_above_the_limit_is_a_413_and_leaves_nothing(caller, recording, settings):
    settings.CALLCOV_MAX_UPLOAD_MB = 1

    answer = upload(caller, b"RIFF" + bytes(1_500_000))

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "file_too_large"
    assert answer.json()["error"]["details"]["max_size_mb"] == 1
    assert answer["X-RateLimit-Limit"] == "100"
    assert incoming(settings) == []


def test_a_body_above_the_limit_is_refused_before_it_is_read_with_the_headers(caller, settings):
    settings.CALLCOV_MAX_UPLOAD_MB = 1

    answer = upload(caller, bytes(3_000_000))

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "file_too_large"
    assert answer["X-RateLimit-Remaining"] == "99"


def test_json_above_what_json_may_be_is_a_413(caller, order):
    answer = caller.post("/api/v1/analysis/", {**order, "x": "y" * 3_000_000}, content_type="application/json")

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "file_too_large"


def test_a_full_disk_is_said_plainly(caller, recording, monkeypatch):
    def full(*_):
        raise uploads.DiskFull("The disk has only 3 MB left: make room, then send the file again.")

    monkeypatch.setattr(uploads, "refuse_if_disk_full", full)

    answer = upload(caller, recording.read_bytes())

    assert answer.status_code == 507
    assert "make room" in answer.json()["detail"]


def test_if_the_row_cannot_be_written_the_file_goes(caller, recording, rung, settings, monkeypatch):
    def broken(*_args, **_kwargs):
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr(Job, "save", broken)

    answer = upload(caller, recording.read_bytes())

    assert answer.status_code == 503
    assert kept(settings) == rung == []


def test_if_only_the_answer_of_the_commit_was_lost_the_file_stays(db, key, recording, monkeypatch):
    job = Job(key=auth.fingerprint(key), livemode=True, audio_format="wav")
    received = recording.rename(recording.with_suffix(".part"))
    intake.keep(job, received)

    @contextmanager
    def loses_its_answer():
        yield
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr("callcov_portal.engine.intake.transaction.atomic", loses_its_answer)
        with pytest.raises(OperationalError):
            intake.write_down(auth.ApiKey(job.key, True), job)

    assert Job.objects.filter(pk=job.pk).exists()
    assert intake.audio_path(job).exists()


def test_if_the_database_is_away_the_file_stays_for_the_leftovers(db, monkeypatch):
    def away(*_args, **_kwargs):
        raise OperationalError("no connection")

    monkeypatch.setattr(Job.objects, "filter", away)

    assert intake.may_be_written(Job())


# --- Idempotency -----------------------------------------------------------------------------------------------------


def test_the_same_idempotency_key_gives_the_same_analysis_and_rings_once(caller, recording, rung, settings):
    first = upload(caller, recording.read_bytes(), key="k1")
    second = upload(caller, b"whatever else", key="k1", agent_id="someone")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert second.json()["call"]["agent_id"] == "ann"
    assert len(rung) == Job.objects.count() == len(kept(settings)) == 1


def test_another_idempotency_key_or_none_makes_another_analysis(caller, recording, rung):
    made = {upload(caller, recording.read_bytes(), key=key).json()["id"] for key in ("k1", "k2", None, None)}

    assert len(made) == 4


def test_idempotency_keys_of_different_api_keys_do_not_meet(caller, tester, recording, rung):
    first = upload(caller, recording.read_bytes(), key="k1").json()
    second = upload(tester, recording.read_bytes(), key="k1").json()

    assert first["id"] != second["id"]


def test_an_overlong_idempotency_key_is_refused(caller, recording):
    assert upload(caller, recording.read_bytes(), key="k" * 256).status_code == 400


def test_of_creates_that_race_with_one_idempotency_key_one_is_made(live_engine, key, recording, settings):
    answers: list[requests.Response] = []

    def create():
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "race"}
        with recording.open("rb") as file:
            answers.append(
                requests.post(f"{live_engine}/analysis/", data=IDS, files={"audio_file": file}, headers=headers)
            )

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Job.objects.count() == len(kept(settings)) == 1
    assert incoming(settings) == []


# --- The audio again -------------------------------------------------------------------------------------------------


def test_uploaded_audio_can_be_had_under_its_own_address_with_the_key(caller, stranger, recording, rung):
    url = upload(caller, recording.read_bytes()).json()["audio"]["url"]

    assert url.startswith("http://testserver/api/v1/analysis/")
    answer = caller.get(url.removeprefix("http://testserver"))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "audio/wav"
    assert b"".join(answer) == recording.read_bytes()
    assert stranger.get(url.removeprefix("http://testserver")).status_code == 401


def test_audio_that_is_kept_no_more_is_a_404(caller, make_job):
    forgotten, by_link = make_job(upload=True), make_job()
    Path(intake.audio_path(forgotten)).unlink()

    for job in (forgotten, by_link):
        answer = caller.get(f"/api/v1/analysis/{job.pk}/audio")
        assert answer.status_code == 404
        assert answer.json() == {"detail": "The audio is not kept any more"}


def test_an_unknown_host_name_is_no_reason_to_refuse(caller, recording, rung, settings):
    answer = caller.post(
        "/api/v1/analysis/",
        {**IDS, "audio_file": SimpleUploadedFile("a.wav", recording.read_bytes())},
        headers={"Host": "engine.internal:8001"},
    )

    assert answer.status_code == 201
    assert answer.json()["audio"]["url"].startswith("http://127.0.0.1:8001/api/v1/")


@pytest.mark.parametrize(
    ("url", "known"), [("https://a/b.WAV", "wav"), ("https://a/b.txt", ""), ("https://a", ""), ("https://[a", "")]
)
def test_a_links_name_tells_the_format_until_it_is_fetched(url, known):
    assert intake.format_by_name(url) == known
