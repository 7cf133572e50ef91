"""A create is one POST, and its outcome says what may be done next."""

import io
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
import requests

from callcov_portal.client import transport
from callcov_portal.client.api import Api
from callcov_portal.client.bodies import safe_file_name
from callcov_portal.client.errors import ApiError, Misconfigured, NotSent, RateLimited, Refused, Unsure
from tests.client.documents import ID, PROCESSING
from tests.client.peer import Peer, answer, closed_port, hang_up

CREATED = answer(201, PROCESSING, X_RateLimit_Limit=20, X_RateLimit_Remaining=19, X_RateLimit_Reset=1642248060)


def test_a_link_is_sent_as_json_with_key_and_idempotency_key(api, peer, link):
    peer.replies = [CREATED]
    snapshot = api.create_from_link(**link, extra={"call_direction": "inbound"})
    (asked,) = peer.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/analysis/")
    assert asked.headers["authorization"] == "Bearer sk_live_abc"
    assert "x-api-key" not in asked.headers
    assert asked.headers["idempotency-key"] == link["idempotency_key"]
    assert asked.headers["content-type"] == "application/json"
    wanted = {name: link[name] for name in ("audio_url", "agent_id", "contact_id", "webhook_url")}
    assert asked.json == {**wanted, "call_direction": "inbound"}
    assert (snapshot.id, snapshot.status, snapshot.agent_id) == (ID, "processing", "agent_john_doe")


def test_a_create_without_a_webhook_names_none(api, peer, link):
    peer.replies = [CREATED]
    api.create_from_link(**{**link, "webhook_url": None})
    assert "webhook_url" not in peer.asked[0].json


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        ("bearer", {"authorization": "Bearer k"}),
        ("x-api-key", {"x-api-key": "k"}),
        ("both", {"authorization": "Bearer k", "x-api-key": "k"}),
    ],
)
def test_the_key_travels_in_the_header_that_was_chosen(peer, link, auth, headers):
    peer.replies = [CREATED]
    Api(peer.url, "k", auth=auth).create_from_link(**link)
    sent = peer.asked[0].headers
    assert {name: sent[name] for name in ("authorization", "x-api-key") if name in sent} == headers


def test_a_netrc_file_cannot_replace_the_key(peer, link, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login eve password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    peer.replies = [CREATED]
    Api(peer.url, "k", session=requests.Session()).create_from_link(**link)
    assert peer.asked[0].headers["authorization"] == "Bearer k"


def test_this_machine_is_never_asked_through_a_proxy(peer, link, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    peer.replies = [CREATED]
    Api(peer.url, "k").create_from_link(**link)
    assert len(peer.asked) == 1


def test_another_machine_is_asked_through_the_proxy_of_the_environment(peer, link, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{peer.port}")
    monkeypatch.setenv("NO_PROXY", "")
    peer.replies = [CREATED]
    Api("http://api.example.com/api/v1", "k").create_from_link(**link)
    assert peer.asked[0].path == "http://api.example.com/api/v1/analysis/"


def test_a_proxy_that_is_not_there_means_the_create_was_not_sent(link, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(NotSent):
        Api("http://api.example.com/api/v1", "k").create_from_link(**link)


def test_a_cookie_of_one_answer_is_not_sent_with_the_next_request(api, peer, link):
    peer.replies = [answer(201, PROCESSING, Set_Cookie="a=b; Path=/")]
    api.create_from_link(**link)
    api.create_from_link(**link)
    assert "cookie" not in peer.asked[1].headers


def test_a_file_is_sent_as_multipart(api, peer, link, tmp_path):
    recording = tmp_path / "call.wav"
    recording.write_bytes(b"RIFF" + bytes(3_000_000))
    fields = {name: link[name] for name in ("agent_id", "contact_id", "webhook_url", "idempotency_key")}
    seen: list[int] = []
    peer.replies = [CREATED]
    api.create_from_file(path=recording, file_name="call.wav", **fields, extra={"tag": "x"}, on_progress=seen.append)
    (asked,) = peer.asked
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert asked.headers["content-length"] == str(asked.size)
    assert recording.read_bytes() in asked.body
    for name in ("agent_id", "contact_id", "webhook_url"):
        assert f'name="{name}"\r\n\r\n{link[name]}\r\n'.encode() in asked.body
    assert b'name="tag"\r\n\r\nx\r\n' in asked.body
    assert b'name="audio_file"; filename="call.wav"\r\nContent-Type: audio/wav' in asked.body
    assert seen == sorted(set(seen))
    assert 2 <= len(seen) <= 4
    assert seen[-1] == asked.size


def test_an_open_file_is_sent_from_where_it_stands_and_left_open(api, peer, link, tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"skipped-audio")
    del link["audio_url"]
    peer.replies = [CREATED]
    with (tmp_path / "a.xyz").open("rb") as file:
        file.seek(8)
        api.create_from_file(path=file, file_name="a.xyz", **link)
        assert not file.closed
    assert b"application/octet-stream\r\n\r\naudio\r\n" in peer.asked[0].body


def test_what_the_progress_report_raises_ends_the_upload(api, peer, link, tmp_path):
    recording = tmp_path / "call.wav"
    recording.write_bytes(bytes(8_000_000))
    del link["audio_url"]

    def stop(_bytes):
        raise KeyError("lease lost")

    peer.replies = [CREATED]
    with pytest.raises(KeyError, match="lease lost"):
        api.create_from_file(path=recording, file_name="call.wav", **link, on_progress=stop)
    time.sleep(0.1)
    assert peer.asked[0].size < 8_000_000


def test_a_file_that_is_gone_is_said_before_anything_is_sent(api, peer, link, tmp_path):
    del link["audio_url"]
    with pytest.raises(FileNotFoundError):
        api.create_from_file(path=tmp_path / "gone.wav", file_name="gone.wav", **link)
    assert peer.asked == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("call.wav", "call.wav"),
        ("../../etc/passwd", "passwd"),
        ("C:\\calls\\a.mp3", "a.mp3"),
        ('a"; filename="b.wav', "a_; filename=_b.wav"),
        ("a\r\nX-Evil: 1.wav", "a__X-Evil: 1.wav"),
        ("Gespräch.ogg", "Gespräch.ogg"),
        ("bad\udc80.wav", "bad?.wav"),
        ("", "recording"),
        ("   ", "recording"),
        ("x" * 4096 + ".wav", "x" * 196 + ".wav"),
    ],
)
def test_a_file_name_is_made_safe_to_send(name, safe):
    assert safe_file_name(name) == safe


def test_an_upload_takes_no_memory_of_the_files_size(link, tmp_path):
    """A 200 MB sparse file in a child process: its peak memory may grow by less than 32 MB."""
    recording = tmp_path / "large.wav"
    with recording.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    code = r"""
import re, sys
from pathlib import Path
from callcov_portal.client.api import Api
api = Api(sys.argv[1], "k")
fields = dict(agent_id="a", contact_id="c", webhook_url=None, idempotency_key="i")
small = Path(sys.argv[2]).with_name("small.wav")
small.write_bytes(bytes(1000))
api.create_from_file(path=small, file_name="small.wav", **fields)
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])  # kB
before = peak()
api.create_from_file(path=Path(sys.argv[2]), file_name="large.wav", **fields)
print(peak() - before)
"""
    with Peer([CREATED], keep=False) as peer:
        command = [sys.executable, "-c", code, peer.url, str(recording)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
        assert done.returncode == 0, done.stderr
        assert peer.asked[1].size > 200 * 1024 * 1024
    assert int(done.stdout) < 32 * 1024, f"grew by {done.stdout} kB"


def test_an_api_that_reads_slowly_is_not_held_to_the_time_for_connecting(link, tmp_path):
    recording = tmp_path / "call.wav"
    recording.write_bytes(bytes(20 << 20))
    del link["audio_url"]

    class Slow(Peer):
        def _answer(self, connection):
            time.sleep(0.4)
            super()._answer(connection)

    with Slow([CREATED], keep=False) as peer:
        api = Api(peer.url, "k", connect_timeout=0.2)
        assert api.create_from_file(path=recording, file_name="call.wav", **link).id == ID


def test_no_listener_means_not_sent(link):
    with pytest.raises(NotSent, match="refused"):
        Api(f"http://127.0.0.1:{closed_port()}/api/v1", "k").create_from_link(**link)


def test_an_unknown_host_means_not_sent(link, monkeypatch):
    def fail(*_args, **_kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NotSent, match="Name or service not known"):
        Api("http://api.invalid/api/v1", "k").create_from_link(**link)


def test_a_connection_that_takes_too_long_means_not_sent(link):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
            waiting.append(sock)
        with pytest.raises(NotSent, match="timed out"):
            Api(f"http://127.0.0.1:{full.getsockname()[1]}", "k", connect_timeout=0.3).create_from_link(**link)
        for sock in waiting:
            sock.close()


def test_a_handshake_that_fails_means_not_sent(peer, link):
    peer.replies = [hang_up]
    with pytest.raises(NotSent):
        Api(peer.url.replace("http:", "https:"), "k").create_from_link(**link)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half(connection):
    connection.sendall(CREATED[:-10])


def silence(_connection):
    time.sleep(0.6)


@pytest.mark.parametrize(
    "reply",
    [
        hang_up,
        reset,
        half,
        b"nonsense\r\n\r\n",
        answer(500, {"detail": "oops"}),
        answer(502),
        answer(503, Retry_After=5),
        answer(504),
        answer(599),
        answer(408),
        answer(201),
        answer(201, b"<html>"),
        answer(201, []),
        answer(201, {"status": "processing"}),
        answer(201, {"id": None, "analysis_id": 7}),
        answer(200, {"id": "../../users/me"}),
        answer(204),
    ],
)
def test_an_answer_that_proves_nothing_means_unsure(api, peer, link, reply):
    peer.replies = [reply]
    with pytest.raises(Unsure):
        api.create_from_link(**link)
    assert len(peer.asked) == 1


def test_a_silent_api_means_unsure(peer, link):
    peer.replies = [silence]
    with pytest.raises(Unsure, match="timed out"):
        Api(peer.url, "k", read_timeout=0.2).create_from_link(**link)


def test_headers_that_come_as_a_trickle_are_cut_off(peer, link, monkeypatch):
    def trickle(connection):
        for byte in b"HTTP/1.1 201 Created\r\n" + b"X-A: b\r\n" * 50:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    monkeypatch.setattr(transport, "HEADER_SECONDS", 0.3)
    peer.replies = [trickle]
    begun = time.monotonic()
    with pytest.raises(Unsure):
        Api(peer.url, "k").create_from_link(**link)
    assert time.monotonic() - begun < 3


def test_a_disk_that_fails_during_an_upload_is_unsure_because_a_part_has_left(api, peer, link, tmp_path):
    class Broken(io.FileIO):
        def read(self, *_args):
            raise OSError("disk gone")

    (tmp_path / "a.wav").write_bytes(bytes(100_000))
    del link["audio_url"]
    peer.replies = [CREATED]
    with Broken(tmp_path / "a.wav") as file, pytest.raises(Unsure, match="disk gone"):
        api.create_from_file(path=file, file_name="a.wav", **link)


@pytest.mark.parametrize("id_name", ["id", "analysis_id"])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_either_name_of_the_id_will_do(api, peer, link, id_name, status):
    peer.replies = [answer(status, {id_name: ID, "status": "processing"})]
    assert api.create_from_link(**link).id == ID


def test_too_many_submissions_are_certainly_not_sent(api, peer, link):
    peer.replies = [answer(429, {"detail": "slow down"}, Retry_After=7, X_RateLimit_Remaining=0)]
    with pytest.raises(RateLimited, match="slow down") as caught:
        api.create_from_link(**link)
    assert isinstance(caught.value, NotSent)
    assert caught.value.retry_after == 7
    assert caught.value.status == 429
    assert api.last_rate is not None
    assert api.last_rate.remaining == 0
    assert len(peer.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_a_setting_to_mend(api, peer, link, status):
    peer.replies = [answer(status, {"detail": "Invalid authentication credentials"})]
    with pytest.raises(Misconfigured, match=r"Invalid authentication credentials\. Check CALLCOV_API_KEY") as caught:
        api.create_from_link(**link)
    assert caught.value.status == status


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308])
def test_a_redirect_is_never_followed(api, peer, link, status):
    with Peer([CREATED]) as elsewhere:
        peer.replies = [answer(status, Location=f"{elsewhere.url}/analysis/?token=secret")]
        with pytest.raises(Misconfigured, match="CALLCOV_API_URL") as caught:
            api.create_from_link(**link)
        assert elsewhere.asked == []
    assert "secret" not in str(caught.value)


def test_see_elsewhere_may_mean_that_it_was_done(api, peer, link):
    peer.replies = [answer(303, Location="/analysis/1")]
    with pytest.raises(Unsure, match="redirect"):
        api.create_from_link(**link)


@pytest.mark.parametrize("status", [404, 405])
def test_an_address_without_an_api_is_a_setting_to_mend_and_no_refusal_of_the_call(api, peer, link, status):
    peer.replies = [answer(status, b"<html>nothing</html>")]
    with pytest.raises(Misconfigured, match="Check CALLCOV_API_URL"):
        api.create_from_link(**link)


@pytest.mark.parametrize("location", ["", "/elsewhere", "http://[broken", "https://other.example/api?x=1"])
def test_a_redirect_of_any_form_is_explained(api, peer, link, location):
    peer.replies = [answer(307, Location=location)]
    with pytest.raises(Misconfigured, match="redirects"):
        api.create_from_link(**link)


@pytest.mark.parametrize(
    ("status", "body", "message", "fields"),
    [
        (
            400,
            {"detail": [{"type": "missing", "loc": ["body", "audio_url"], "msg": "Field required", "input": {}}]},
            "audio_url: Field required",
            {"audio_url": "Field required"},
        ),
        (400, {"detail": "audio_url is required"}, "audio_url is required", {}),
        (
            400,
            {
                "error": {
                    "code": "validation_error",
                    "message": "Missing fields",
                    "details": {"missing_fields": ["agent_id", "contact_id"]},
                }
            },
            "Missing fields",
            {"agent_id": "is missing", "contact_id": "is missing"},
        ),
        (422, {"detail": "Invalid audio file format"}, "Invalid audio file format", {}),
        (
            413,
            {"error": {"code": "file_too_large", "message": "Too large", "details": {"file_size_mb": 150}}},
            "Too large",
            {},
        ),
        (409, b"", "The API refuses this. (HTTP 409)", {}),
        (402, {"error": "Payment required"}, "Payment required", {}),
    ],
)
def test_a_refusal_says_why_in_either_envelope(api, peer, link, status, body, message, fields):
    peer.replies = [answer(status, body)]
    with pytest.raises(Refused) as caught:
        api.create_from_link(**link)
    assert (caught.value.status, caught.value.message, caught.value.fields) == (status, message, fields)


def test_an_early_refusal_of_a_large_upload_is_read(link, tmp_path):
    """The peer answers 413 after the headers and closes: the answer counts, not the broken pipe."""
    recording = tmp_path / "call.wav"
    recording.write_bytes(bytes(200_000))
    del link["audio_url"]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer(413, {"detail": "too large"}))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(Refused, match="too large"):
            Api(f"http://127.0.0.1:{listener.getsockname()[1]}", "k").create_from_file(
                path=recording, file_name="call.wav", **link
            )
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://u:p@api.example.com",
        "https://api.example.com/?a=b",
        "https://api.example.com/#x",
        "http://[::1",
        "http://a:port",
    ],
)
def test_an_address_that_cannot_be_one_is_said_at_once(url):
    with pytest.raises(Misconfigured, match="CALLCOV_API_URL"):
        Api(url, "k")


@pytest.mark.parametrize("key", ["", "  ", "a b", "a\nX-Evil: 1", "schlüssel"])
def test_a_key_that_cannot_be_one_is_said_at_once(key):
    with pytest.raises(Misconfigured, match="CALLCOV_API_KEY"):
        Api("https://api.example.com/api/v1", key)


def test_a_header_that_cannot_be_written_sends_nothing(api, peer, link):
    with pytest.raises(Misconfigured):
        api.create_from_link(**{**link, "idempotency_key": "a\nb"})
    assert peer.asked == []


def test_an_answer_above_64_mb_is_not_read_to_its_end(api, peer, link):
    sent = 0

    def flood(connection):
        nonlocal sent
        connection.sendall(b"HTTP/1.1 201 X\r\n\r\n")
        for _ in range(100):
            connection.sendall(bytes(1 << 20))
            sent += 1

    peer.replies = [flood]
    with pytest.raises(Unsure, match="64 MB"):
        api.create_from_link(**link)
    assert sent < 80


def test_the_errors_are_one_tree():
    for error in (NotSent, RateLimited, Unsure, Refused, Misconfigured):
        assert issubclass(error, ApiError)
    assert json.dumps(Refused("x", fields={"a": "b"}).fields) == '{"a": "b"}'
