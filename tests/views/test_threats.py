"""Threats of the catalogue (docs/reliability.md) that come by a form: names, contents that are no sound, passwords, cookies."""

import io
import zipfile
from pathlib import Path

import pytest
from django.conf import settings as real
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from callcov_portal.actions import recordings
from callcov_portal.actions.recordings import NotTaken, examine
from callcov_portal.models import Recording
from callcov_portal.sound import Probe
from tests.conftest import PASSWORD
from tests.sounds import wav, wav_file
from tests.views.sending import FILES, JSON

pytestmark = pytest.mark.audio
NAMES = [
    "../../etc/passwd.wav",
    "..\\..\\windows\\system32\\a.wav",
    "/etc/cron.d/a.wav",
    "C:\\autoexec.wav",
    "....//....//a.wav",
    "%2e%2e%2f%2e%2e%2fa.wav",
    ".htaccess.wav",
    "a.wav/../../b.wav",
    "a\x00.php.wav",
    "a\r\nSet-Cookie: x=1.wav",
    "evil\u202egpj.wav",
    "\ufeff\u200b.wav",
    "CON.wav",
    "nul",
    "x" * 4096 + ".wav",
    "😀" * 300 + ".wav",
    "a;rm -rf $HOME;.wav",
    "`id`.wav",
    "$(id).wav",
    "<img src=x onerror=alert(1)>.wav",
    '"><script>.wav',
    "=cmd|'/c calc'!A1.wav",
    "-rf.wav",
    "file://a.wav",
    "~root/a.wav",
    " .wav",
    "...",
    "a.wav.",
    "\ud7ff\ue000.wav",
    "名前.wav",
]


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.wav", wav(0.1))
    return buffer.getvalue()


NO_SOUND = {
    "HTML": b"<!doctype html><script>alert(1)</script>" + b" " * 5000,
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>' + b" " * 5000,
    "a program": b"\x7fELF\x02\x01\x01" + bytes(5000),
    "a Windows program": b"MZ\x90\x00" + bytes(5000),
    "ZIP": zipped(),
    "PDF": b"%PDF-1.7\n" + b"x" * 5000,
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(5000),
    "a script": b"#!/bin/sh\nid\n" * 500,
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n" * 50,
    "a session description": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n" * 30,
    "a list to join": b"ffconcat version 1.0\nfile /etc/passwd\n" * 50,
    "a page behind a sound's head": wav(0.1)[:44].replace(b"data", b"<svg") + b"<script>alert(1)</script>" * 100,
}


def send(client: Client, name: str, content: bytes, kind: str = "audio/wav"):
    """Send a file as a hostile client does: its name is written into the body as it is."""
    head = '--x\r\nContent-Disposition: form-data; name="agent"\r\n\r\nnora\r\n--x\r\nContent-Disposition: form-data; name="files"; '
    file = f'filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    body = (head + file).encode() + content + b"\r\n--x--\r\n"
    return client.post(FILES, body, content_type="multipart/form-data; boundary=x", headers=JSON)


def test_t7_a_name_is_a_text_to_show_and_never_a_path(as_bob, settings, tmp_path, monkeypatch) -> None:
    sound = examine(wav_file(tmp_path)[0])
    monkeypatch.setattr(recordings, "examine", lambda _path: sound)  # each would take a process of its own
    before = set(tmp_path.parent.iterdir())
    refused = set()
    for seed, name in enumerate(NAMES):
        answer = send(as_bob, name, wav(0.1, seed=seed))
        assert answer.status_code < 500, name
        if answer.status_code != 200:
            refused.add(name)
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    stored = Recording.objects.values_list("file", "file_name")
    assert refused == {name for name in NAMES if len(name.encode()) > 1000}  # no head of a file is so long
    assert len(stored) == len(NAMES) - len(refused)
    for path, shown in stored:
        assert (root / path).resolve().is_relative_to(root.resolve())
        assert path.rpartition("/")[2].partition(".")[0].replace("-", "").isalnum()
        assert not {"\x00", "\r", "\n"} & set(shown)
    assert set(tmp_path.parent.iterdir()) == before
    assert as_bob.get("/calls/").status_code == 200


@pytest.fixture
def examined_once(monkeypatch) -> None:
    """The same bytes under the same ending are no longer looked at where they were refused: each look takes a process."""
    refused: dict[tuple[str, bytes], NotTaken] = {}

    def once(path: Path) -> Probe:
        key = path.suffix, path.read_bytes()
        if key in refused:
            raise refused[key]
        try:
            return examine(path)
        except NotTaken as refusal:
            refused[key] = refusal
            raise

    monkeypatch.setattr(recordings, "examine", once)


@pytest.mark.parametrize(("what", "content"), NO_SOUND.items(), ids=NO_SOUND)
def test_t6_what_is_no_sound_is_refused_whatever_it_is_called(as_bob, examined_once, what, content) -> None:
    for name, kind in (("a.wav", "audio/wav"), (f"{what}.m4a", "text/html")):
        fate = send(as_bob, name, content, kind).json()["fates"][0]
        assert fate["outcome"] == "refused", fate
    assert not Recording.objects.exists()


def test_t6_a_recording_is_served_by_its_contents_type_not_by_the_one_it_came_with(as_bob) -> None:
    send(as_bob, "a.html", wav(0.1), "text/html")
    answer = as_bob.get(f"/calls/{Recording.objects.get().pk}/audio/")
    assert answer["Content-Type"] in {"audio/wav", "audio/flac"}
    assert answer["X-Content-Type-Options"] == "nosniff"
    answer.close()


def tried(name: str, password: str) -> tuple[int, str]:
    """Try to sign in; return status and page without what is different each time."""
    client = Client()
    answer = client.post("/login/", {"username": name, "password": password})
    page = answer.content.decode().replace(name, "NAME")
    token = answer.context["csrf_token"] if answer.context else ""
    return answer.status_code, page.replace(str(token), "TOKEN")


def test_t15_a_name_that_is_not_there_is_answered_as_a_wrong_password_is(bob, monkeypatch) -> None:
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self, password, salt):
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    known = tried("bob", "wrong password")
    unknown = tried("nobody-here", "wrong password")
    assert known == unknown
    assert hashed == ["wrong password"] * 2  # as much work, so as much time


def test_t16_cookies_are_for_us_alone(bob) -> None:
    client = Client()
    answer = client.post("/login/", {"username": "bob", "password": PASSWORD})
    session = answer.cookies[real.SESSION_COOKIE_NAME]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")
    assert int(session["max-age"]) <= 24 * 3600
    assert real.CSRF_COOKIE_SAMESITE == "Lax"
