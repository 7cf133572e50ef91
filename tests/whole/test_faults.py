"""Faults that a running portal meets: nothing is lost, and every cause is said."""

import io
import socket
import sqlite3
import time
import wave

import av
import numpy as np
import pytest
import requests

from tests.sounds import wav
from tests.whole.portal import Person, engine_jobs, wait_for

pytestmark = [pytest.mark.group, pytest.mark.timeout(200)]


def silence(seconds: float) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(16_000 * seconds)))
    return buffer.getvalue()


def video_without_sound() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def test_bad_recordings_say_their_cause_and_the_others_go_on(new_group) -> None:
    group = new_group()
    group.start()
    person = Person(f"http://127.0.0.1:{group.port}")
    bad = {
        "empty.wav": b"",
        "text.wav": b"These are only words.\n" * 200,
        "cut.wav": wav(1.0)[:30],
        "half.wav": wav(20.0)[:160_000],
        "video.mp4": video_without_sound(),
    }
    for name, content in bad.items():
        fate = person.upload(name, content)
        assert fate["outcome"] == "refused", fate
        assert len(fate["words"]) > 15, fate
    assert person.upload("silence.wav", silence(1.0))["outcome"] == "stored"
    assert person.upload("good.wav", wav(0.5))["outcome"] == "stored"
    again = person.upload("copy of good.wav", wav(0.5))
    assert (again["outcome"], again["url"]) == ("duplicate", "/calls/2/")
    wait_for(lambda: person.states() == {"completed": 2}, 60, group.said)


def test_an_api_that_is_down_for_a_while_costs_a_delay_and_a_banner(new_group) -> None:
    portal = new_group()
    portal.start("--only", "web,worker,beat")
    person = Person(f"http://127.0.0.1:{portal.port}")
    for number in range(3):
        assert person.upload(f"call-{number}.wav", wav(0.3, seed=number))["outcome"] == "stored"
    wait_for(lambda: "refused" in person.get("/status/").text or "cannot be reached" in person.get("/status/").text, 30)
    wait_for(lambda: person.states() == {"queued": 3}, 30, portal.said)  # one may just be trying
    engine = new_group()
    engine.start("--only", "engine,engine-worker")
    wait_for(lambda: person.states() == {"completed": 3}, 120, portal.said)
    assert engine_jobs(portal.log.parent / "data" / "callcov.sqlite3") == 3


def test_without_any_webhook_the_poller_brings_every_result(new_group) -> None:
    group = new_group()
    group.start("--only", "web,worker,beat,engine")
    # An engine worker that takes the portal to be elsewhere, so that its call-backs are refused.
    deaf = new_group(CALLCOV_PORT="9")
    deaf.start("--only", "engine-worker")
    person = Person(f"http://127.0.0.1:{group.port}")
    person.upload("call.wav", wav(0.5))
    wait_for(lambda: person.states() == {"completed": 1}, 90, group.said)
    with sqlite3.connect(f"file:{group.log.parent / 'data' / 'callcov.sqlite3'}?mode=ro", uri=True) as rows:
        assert rows.execute("SELECT count(*) FROM portal_delivery").fetchone() == (0,)


def test_half_an_upload_is_never_stored(new_group) -> None:
    group = new_group()
    group.start("--only", "web")
    person = Person(f"http://127.0.0.1:{group.port}")
    content = wav(20.0)
    boundary = "x" * 20
    body = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="agent"\r\n\r\nrachel\r\n--{boundary}\r\n'
            'Content-Disposition: form-data; name="files"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        ).encode()
        + content
        + f"\r\n--{boundary}--\r\n".encode()
    )
    cookies = "; ".join(f"{name}={value}" for name, value in person.session.cookies.items())
    head = (
        f"POST /calls/add/files/ HTTP/1.1\r\nHost: 127.0.0.1:{group.port}\r\nCookie: {cookies}\r\n"
        f"X-CSRFToken: {person.session.cookies['csrftoken']}\r\nAccept: application/json\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    incoming = portal_folder = group.log.parent / "data" / "incoming"
    for part in (0.3, 0.9, 0.999):
        with socket.create_connection(("127.0.0.1", group.port)) as connection:
            connection.sendall(head + body[: int(len(body) * part)])
    wait_for(lambda: not list(incoming.glob("*.part")), 30, group.said)
    assert portal_folder.is_dir()
    assert person.calls() == []


def test_sixty_bodies_that_never_come_hold_up_nobody(new_group) -> None:
    group = new_group()
    group.start("--only", "web")
    address = ("127.0.0.1", group.port)
    stalled = []
    try:
        for number in range(60):
            path = ("/login/", "/hooks/callcov/nobody", "/calls/add/files/")[number % 3]
            connection = socket.create_connection(address)
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{group.port}\r\nContent-Type: application/x-www-form-urlencoded"
            connection.sendall(f"{head}\r\nContent-Length: 100000\r\n\r\nusername=".encode())
            stalled.append(connection)
        time.sleep(1)
        began = time.monotonic()
        assert requests.get(f"http://127.0.0.1:{group.port}/health", timeout=10).status_code == 200
        assert requests.get(f"http://127.0.0.1:{group.port}/login/", timeout=10).status_code == 200
        assert time.monotonic() - began < 2
    finally:
        for connection in stalled:
            connection.close()
