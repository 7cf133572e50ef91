"""What one running group meets one after the other: bad recordings, broken and stalled uploads, large ones, and many.

In one file of one group, because a group takes seconds to start; none of these tests hurts it.
"""

import socket
import time
from collections.abc import Iterator

import pytest
import requests

from benchmarks.engine.usage import command_of
from benchmarks.uploading import MOST_CPU, MOST_MEMORY_MB, Browser, copied, memory_mb, sound, uploaded
from tests.faults.conftest import NO_LIMITS
from tests.running import RealGroup, prepared
from tests.soak import many, tell
from tests.sound.samples import silent_film
from tests.sounds import wav, wav_of
from tests.whole.portal import PASSWORD, Person, engine_jobs, wait_for

pytestmark = [pytest.mark.group, pytest.mark.timeout(many(7200, 400))]

MEGABYTES = many(500, 100)
ROUNDS = many(3, 1)
COARSE = 0.1  # seconds of CPU: the system counts ticks of a hundredth, for each of several processes
RECORDINGS = many(1000, 60)
WARM = RECORDINGS // 4  # by then all is imported, and every cache has what it needs
MOST_GROWTH = 1.0  # MB for each hundred recordings
STEPS = many(5, 25)  # MB, in which the allocators of many threads ask for more
UNLIKE_ONCE = "SELECT count(*) FROM portal_analysis WHERE submissions <> 1 OR state <> 'completed'"


@pytest.fixture(scope="module")
def group(tmp_path_factory) -> Iterator[RealGroup]:
    with prepared(tmp_path_factory.mktemp("group") / "data", NO_LIMITS) as real:
        real.start()
        yield real


@pytest.fixture(scope="module")
def person(group) -> Person:
    return Person(group.address)


def test_bad_recordings_say_their_cause_and_the_others_go_on(group, person, tmp_path) -> None:
    before = person.states()["completed"]
    bad = {
        "empty.wav": b"",
        "text.wav": b"These are only words.\n" * 200,
        "cut.wav": wav(1.0)[:30],
        "half.wav": wav(20.0)[:160_000],
        "video.mp4": silent_film(tmp_path / "video.mp4").read_bytes(),
    }
    for name, content in bad.items():
        fate = person.upload(name, content)
        assert fate["outcome"] == "refused", fate
        assert len(fate["words"]) > 15, fate
    assert person.upload("silence.wav", wav_of(bytes(16_000)))["outcome"] == "stored"
    good = person.upload("good.wav", wav(0.5))
    assert good["outcome"] == "stored"
    again = person.upload("copy of good.wav", wav(0.5))
    assert (again["outcome"], again["url"]) == ("duplicate", good["url"])
    wait_for(lambda: person.states() == {"completed": before + 2}, 60, group.said)


def test_half_an_upload_is_never_stored(group, person) -> None:
    before = person.calls()
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
    incoming = group.data / "incoming"
    for part in (0.3, 0.9, 0.999):
        with socket.create_connection(("127.0.0.1", group.port)) as connection:
            connection.sendall(head + body[: int(len(body) * part)])
    wait_for(lambda: not list(incoming.glob("*.part")), 30, group.said)
    assert incoming.is_dir()
    assert person.calls() == before


def test_sixty_bodies_that_never_come_hold_up_nobody(group) -> None:
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
        assert requests.get(f"{group.address}/health", timeout=10).status_code == 200
        assert requests.get(f"{group.address}/login/", timeout=10).status_code == 200
        assert time.monotonic() - began < 2
    finally:
        for connection in stalled:
            connection.close()


@pytest.mark.faults
def test_many_recordings_are_all_analysed_once_and_no_process_grows(group, person) -> None:
    before = person.states()["completed"]
    began = time.monotonic()
    upload(person, range(WARM))
    wait_for(lambda: person.states() == {"completed": before + WARM}, many(1800, 300), group.said)
    warm = memory(group)
    upload(person, range(WARM, RECORDINGS))
    wait_for(lambda: person.states() == {"completed": before + RECORDINGS}, many(3600, 400), group.said)
    tell(f"{RECORDINGS} recordings in {time.monotonic() - began:.0f} s")
    assert engine_jobs(group) == before + RECORDINGS
    with group.rows() as rows:
        assert rows.execute(UNLIKE_ONCE).fetchone() == (0,)
    assert "HTTP 429" not in group.said()
    grown = {pid: now - warm[pid] for pid, now in memory(group).items() if pid in warm}
    for pid, megabytes in grown.items():
        tell(f"  {warm[pid]:6.1f} MB {megabytes:+6.1f} MB  {command_of(pid)[:120]}")
    assert max(grown.values()) <= MOST_GROWTH * (RECORDINGS - WARM) / 100 + STEPS


def upload(person: Person, seeds: range) -> None:
    for seed in seeds:
        assert person.upload(f"call-{seed}.wav", wav(0.2, seed=1000 + seed))["outcome"] == "stored"


def memory(group: RealGroup) -> dict[int, float]:
    """Return the megabytes of each process of the group that lasts."""
    found = {}
    for pid, command in group.processes().items():
        if "sound/child" not in command:
            try:
                found[pid] = memory_mb(pid, "VmRSS")
            except OSError:
                continue
    return found


@pytest.mark.faults
def test_a_large_upload_takes_no_memory_and_little_more_than_a_copy(group, tmp_path) -> None:
    address = group.address
    root = group.leader("callcov_portal.wsgi")
    browser = Browser(address, PASSWORD)
    browser.upload(sound(tmp_path / "first.wav", 1))  # what is imported at the first request is no file's memory
    for number in range(ROUNDS):
        # What any file costs, whatever its size: it is looked at in a process of its own. It shows only beside a small one.
        small, _ = uploaded(browser, sound(tmp_path / f"small-{number}.wav", 1), root)
        path = sound(tmp_path / f"{number}.wav", MEGABYTES)
        copy = copied(path, tmp_path / "copy")
        cpu, grown = uploaded(browser, path, root)
        path.unlink()
        tell(f"{MEGABYTES} MB: copy {copy:.2f} s, upload {cpu:.2f} s (1 MB: {small:.2f} s), +{grown:.1f} MB")
        assert grown <= MOST_MEMORY_MB
        assert cpu - small <= MOST_CPU * copy + COARSE
