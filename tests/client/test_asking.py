"""Questions: get, list and iterate; repeated shortly, never for long, and never believed blindly."""

import gzip
import json
import socket
import time

import pytest

from callcov_portal.client import transport
from callcov_portal.client.api import Api
from callcov_portal.client.errors import Misconfigured, NotFound, Refused, Unavailable
from tests.client.documents import COMPLETED, ID, PROCESSING
from tests.client.peer import Peer, answer, closed_port, hang_up

GOOD = answer(200, COMPLETED)


def numbered(number):
    return {**PROCESSING, "id": f"id-{number}"}


def test_one_analysis_is_asked_for_by_its_id(api, peer):
    peer.replies = [answer(200, COMPLETED, X_RateLimit_Limit=100, X_RateLimit_Remaining=95, X_RateLimit_Reset=99)]
    snapshot = api.get(ID)
    assert (peer.asked[0].method, peer.asked[0].path) == ("GET", f"/api/v1/analysis/{ID}")
    assert snapshot.status == "completed"
    assert snapshot.rate == api.last_rate
    assert (api.last_rate.limit, api.last_rate.remaining, api.last_rate.reset) == (100, 95, 99.0)


def test_an_answer_without_rate_headers_says_nothing_of_the_rate(api, peer):
    peer.replies = [answer(200, COMPLETED, X_RateLimit_Limit=100), GOOD]
    api.get(ID)
    api.get(ID)
    assert api.last_rate is None


def test_the_case_of_an_id_does_not_matter(api, peer):
    peer.replies = [answer(200, {**COMPLETED, "id": ID.upper()})]
    assert api.get(ID).id == ID.upper()


def test_an_unknown_analysis_is_not_found(api, peer, pauses):
    peer.replies = [answer(404, {"detail": "Not found"})]
    with pytest.raises(NotFound, match="Not found"):
        api.get(ID)
    assert (len(peer.asked), pauses) == (1, [])


@pytest.mark.parametrize("id_", ["", "..", "../users/me", "a/b", "a b", "a?b", "a\n", "x" * 101, "é"])
def test_an_id_that_no_api_gives_is_not_asked_for(api, peer, id_):
    with pytest.raises(NotFound):
        api.get(id_)
    assert peer.asked == []


@pytest.mark.parametrize("trouble", [answer(500), answer(503), answer(429), answer(408), hang_up, GOOD[:-5], b"junk\n"])
def test_a_question_is_asked_three_times_with_short_pauses(api, peer, pauses, trouble):
    peer.replies = [trouble, trouble, GOOD]
    assert api.get(ID).id == ID
    assert len(peer.asked) == 3
    assert 0.3 <= pauses[0] <= 0.7
    assert 1.3 <= pauses[1] <= 2.7


@pytest.mark.parametrize("trouble", [answer(500, {"detail": "oops"}), answer(429), hang_up])
def test_after_three_tries_the_api_is_unavailable(api, peer, pauses, trouble):
    peer.replies = [trouble]
    with pytest.raises(Unavailable):
        api.get(ID)
    assert (len(peer.asked), len(pauses)) == (3, 2)


def test_a_wait_that_the_api_asks_for_is_handed_on_when_long_and_kept_when_short(api, peer, pauses):
    peer.replies = [answer(429, Retry_After=60)]
    with pytest.raises(Unavailable) as caught:
        api.get(ID)
    assert (caught.value.retry_after, caught.value.status, pauses) == (60, 429, [])
    peer.replies = [GOOD, answer(503, Retry_After=4), GOOD]
    api.get(ID)
    assert pauses == [4]


def test_no_listener_is_unavailable(pauses):
    with pytest.raises(Unavailable, match="refused"):
        Api(f"http://127.0.0.1:{closed_port()}", "k", sleep=pauses.append).get(ID)
    assert len(pauses) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_said_at_once(api, peer, pauses, status):
    peer.replies = [answer(status, {"error": {"code": "unauthorized", "message": "Invalid or missing API key"}})]
    with pytest.raises(Misconfigured, match="Invalid or missing API key"):
        api.get(ID)
    assert pauses == []


def test_a_redirect_is_not_followed_and_its_body_not_read(api, peer):
    sent = 0

    def endless(connection):
        nonlocal sent
        connection.sendall(b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
        for _ in range(50):
            connection.sendall(bytes(1 << 20))
            sent += 1

    peer.replies = [endless]
    with pytest.raises(Misconfigured, match=r"redirects to http://127\.0\.0\.1"):
        api.get(ID)
    assert sent < 20


@pytest.mark.parametrize("status", [400, 422])
def test_another_4xx_is_a_refusal(api, peer, status):
    peer.replies = [answer(status, {"detail": [{"loc": ["query", "limit"], "msg": "too large"}]})]
    with pytest.raises(Refused) as caught:
        api.list()
    assert caught.value.fields == {"limit": "too large"}


@pytest.mark.parametrize("status", [404, 405])
def test_a_list_that_is_not_there_means_a_wrong_address(api, peer, status):
    peer.replies = [answer(status, {"detail": "Not Found"})]
    with pytest.raises(Misconfigured, match="CALLCOV_API_URL"):
        api.list()


def test_an_address_that_cannot_be_asked_is_a_setting_to_mend(pauses):
    with pytest.raises(Misconfigured, match="CALLCOV_API_URL"):
        Api("http://*.example/api/v1", "k", sleep=pauses.append).get(ID)
    assert pauses == []


HOSTILE = {
    "no json": b"<html>captive portal</html>",
    "nothing": b"",
    "null": b"null",
    "a number": b"7",
    "a text": b'"x"',
    "a list": b"[1]",
    "no id": json.dumps({**COMPLETED, "id": None}).encode(),
    "id of another type": json.dumps({**COMPLETED, "id": {"a": 1}}).encode(),
    "id with a path": json.dumps({**COMPLETED, "id": "../x"}).encode(),
    "another id": json.dumps({**COMPLETED, "id": "550e8400-e29b-41d4-a716-446655440001"}).encode(),
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"id":"x","a":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
    "a hundred and one levels": b'{"id":"x","a":' + b"[" * 101 + b"]" * 101 + b"}",
    "an integer of 5000 digits": b'{"id":"x","a":' + b"9" * 5000 + b"}",
    "millions of objects": b"[" + b"{}," * 2_100_000 + b"{}]",
    "broken utf-8": b'{"id":"\xff\xfe"}',
    "two documents": b"{} {}",
    "half a document": b'{"id":"x",',
    "a trailing comma": b'{"id":"x",}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_unavailable_and_not_repeated(api, peer, name):
    peer.replies = [answer(200, HOSTILE[name])]
    with pytest.raises(Unavailable):
        api.get(ID)
    assert len(peer.asked) == 1


def test_a_compressed_answer_is_read(api, peer):
    peer.replies = [answer(200, gzip.compress(json.dumps(COMPLETED).encode()), Content_Encoding="gzip")]
    assert api.get(ID).status == "completed"


def test_a_compressed_bomb_is_stopped_at_64_mb(api, peer):
    bomb = gzip.compress(bytes(200 << 20), compresslevel=1)
    peer.replies = [answer(200, bomb, Content_Encoding="gzip")]
    with pytest.raises(Unavailable, match="64 MB"):
        api.get(ID)
    assert len(peer.asked) == 1


def test_a_broken_compression_is_unavailable(api, peer):
    peer.replies = [answer(200, b"not gzip", Content_Encoding="gzip")]
    with pytest.raises(Unavailable):
        api.get(ID)


def test_a_body_that_comes_as_a_trickle_is_cut_off(api, peer, monkeypatch):
    def trickle(connection: socket.socket):
        connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b" ")
            time.sleep(0.02)

    monkeypatch.setattr(transport, "BODY_SECONDS", 0.2)
    peer.replies = [trickle, GOOD]
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="No answer"):
        api._ask_once(f"/analysis/{ID}", None)
    assert time.monotonic() - begun < 5


def test_every_filter_of_the_list_is_sent(api, peer):
    peer.replies = [answer(200, {"object": "list", "data": [COMPLETED], "has_more": False})]
    page = api.list(status_filter="completed", agent_id="a&b", contact_id="c", search="x y", limit=5000, offset=-1)
    query = peer.asked[0].path.partition("?")[2]
    assert query == "status_filter=completed&agent_id=a%26b&contact_id=c&search=x+y&limit=1000&offset=0"
    assert [snapshot.id for snapshot in page.snapshots] == [ID]


def test_filters_that_are_not_given_are_not_sent(api, peer):
    peer.replies = [answer(200, {"data": []})]
    api.list()
    assert peer.asked[0].path == "/api/v1/analysis/?limit=100&offset=0"


def test_a_list_that_is_none_is_unavailable(api, peer):
    peer.replies = [answer(200, {"data": {"a": 1}})]
    with pytest.raises(Unavailable):
        api.list()


def pages(*groups, **hints):
    return [answer(200, {"object": "list", "data": [numbered(n) for n in group], **hints}) for group in groups]


def test_all_pages_are_read_and_an_id_comes_once_although_pages_drift(api, peer):
    peer.replies = [*pages([1, 2, 3], [3, 4, 5], has_more=True), *pages([6], has_more=False)]
    found = [snapshot.id for snapshot in api.iterate(page=3, agent_id="a")]
    assert found == [f"id-{n}" for n in (1, 2, 3, 4, 5, 6)]
    offsets = [asked.path.rpartition("=")[2] for asked in peer.asked]
    assert offsets == ["0", "3", "6"]
    assert all("agent_id=a" in asked.path for asked in peer.asked)


def test_reading_ends_at_the_total(api, peer):
    peer.replies = pages([1, 2], [3], total=3)
    assert len(list(api.iterate(page=2))) == 3
    assert len(peer.asked) == 2


def test_reading_without_hints_ends_at_a_page_that_is_not_full(api, peer):
    peer.replies = pages([1, 2], [3])
    assert len(list(api.iterate(page=2))) == 3
    assert len(peer.asked) == 2


def test_reading_ends_when_a_page_brings_nothing_new(api, peer):
    peer.replies = pages([1, 2], has_more=True)
    assert len(list(api.iterate(page=2))) == 2
    assert len(peer.asked) == 2


def test_reading_ends_at_the_cap(api, peer):
    peer.replies = pages([1, 2], [3, 4], [5, 6], has_more=True)
    assert [snapshot.id for snapshot in api.iterate(page=2, cap=3)] == ["id-1", "id-2", "id-3"]
    assert len(peer.asked) == 2


def test_one_client_can_be_shared_between_threads():
    from concurrent.futures import ThreadPoolExecutor

    with Peer([GOOD]) as peer, ThreadPoolExecutor(4) as pool:
        api = Api(peer.url, "k")
        assert {snapshot.id for snapshot in pool.map(api.get, [ID] * 20)} == {ID}
