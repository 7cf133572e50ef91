"""Nothing that is not public is reached, whatever a URL, a name, a redirect or a server tries.

A canary listens on the loopback, on a port that is made an allowed one: only the guard is between it and a fetch.
"""

import gzip
import hashlib
import itertools
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from callcov_portal.safefetch import (
    Blocked,
    FetchError,
    Guard,
    TooLarge,
    Unreachable,
    check_url,
    fetch_to,
    peek,
    post,
    wire,
)
from callcov_portal.safefetch import guard as guarding
from tests.client.peer import Peer, answer, closed_port, hang_up

PUBLIC = "93.184.216.34"
PUBLIC_V6 = "2606:2800:220:1:248:1893:25c8:1946"
MB = 1_000_000
PEM = Path(__file__).parent / "tls" / "files.example.pem"  # a certificate for files.example, made for these tests

V4 = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.5",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]
V6 = [
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2001:10::1",
    "2001:20::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff05::1",
]
FORMS = ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "localhost", "localhost.", "LOCALHOST", "a.localhost"]
NAMES = ["metadata.google.internal", "our-own-name", "printer.lan"]
URLS = [
    "http://127.0.0.1\\@good/",
    "http://good\\@127.0.0.1/",
    "http://good#@127.0.0.1/",
    "http://127.0.0.1:80@good/",
    "http://good:80@127.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://[::ffff:7f00:1]/",
    "http://good%2f@127.0.0.1/",
    "http://127.0.0.1%00.good/",
    "http://good\t@127.0.0.1/",
    " http://127.0.0.1/",
    "http:127.0.0.1/",
    "http:///127.0.0.1/",
    "http://[::1%25lo]/",
    "file:///etc/passwd",
    "gopher://good/",
    "ftp://good/",
    "data:text/plain,x",
    "http://good:22/",
    "http://good@/",
    "http://@good/",
    "http://good\n.example/",
    "http://good\x00/",
    "http://good\u2028/",
    "http://go od/",
    "http://good/ ",
    "http://good:99999/",
    "http://good:0x50/",
    "http://[::1/",
    "http://*.good/",
    "http://.good/",
    "http://%67ood/",
    "http:// /",
    "http://",
    "http:",
    "//good/",
    "good",
    "",
    "HTTPS://127.0.0.1/",
    "http://" + "a" * 4000 + "/",
    "http://" + "é" * 300 + "/",
]


def hosted(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def resolver(**names):
    """Knows `good` and what it is told; dots in names are written as underscores."""
    known = {"good": [PUBLIC], **{name.replace("_", "."): found for name, found in names.items()}}

    def resolve(host, _port):
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return known[host]

    return resolve


@pytest.fixture
def canary(monkeypatch):
    """Listens where nothing may ever knock, on a port that links may use."""
    with Peer([answer(200, b"secret")]) as peer:
        monkeypatch.setattr(guarding, "PORTS", {80, 443, peer.port})
        yield peer
        assert peer.connections == 0, "the canary was reached"


@pytest.fixture
def reached(monkeypatch, peer):
    """Connections to the public address end at `peer`; all addresses that were connected to are listed."""
    connected = []
    connect = socket.create_connection

    def route(address, timeout=None):
        connected.append(address[0])
        return connect(("127.0.0.1", peer.port) if address[0] == PUBLIC else address, timeout)

    monkeypatch.setattr(socket, "create_connection", route)
    return connected


@pytest.fixture
def peer():
    with Peer() as running:
        yield running


@pytest.fixture
def target(tmp_path):
    return tmp_path / "fetched"


def loopback(peer, **known):
    return Guard((f"127.0.0.1:{peer.port}",), resolver(**known) if known else guarding.system_addresses)


def url_of(peer, path="/call.wav"):
    return f"http://127.0.0.1:{peer.port}{path}"


# --- What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [*V4, *V6, *FORMS])
def test_an_address_that_is_not_public_is_refused_by_its_form_alone(canary, target, host):
    for url in (f"http://{hosted(host)}:{canary.port}/", f"https://{hosted(host)}/a?b#c"):
        with pytest.raises(Blocked):
            check_url(url, Guard())
        with pytest.raises(Blocked):
            fetch_to(url, target, guard=Guard(), max_bytes=MB)
        with pytest.raises(Blocked):
            post(url, body=b"", headers={}, guard=Guard())
    assert not target.exists()


@pytest.mark.parametrize("address", [*V4, *V6])
def test_a_name_with_an_address_that_is_not_public_is_refused(canary, reached, target, address):
    for addresses in ([address], [PUBLIC, address], [address, PUBLIC], [PUBLIC, PUBLIC_V6, address]):
        guard = Guard(resolve=resolver(evil_example=addresses))
        check_url(f"http://evil.example:{canary.port}/", guard)
        with pytest.raises(Blocked):
            fetch_to(f"http://evil.example:{canary.port}/", target, guard=guard, max_bytes=MB)
        with pytest.raises(Blocked):
            post(f"http://evil.example:{canary.port}/", body=b"", headers={}, guard=guard)
    assert reached == []


@pytest.mark.parametrize("address", [*V4, *V6])
def test_a_redirect_to_a_private_address_is_refused(canary, peer, reached, target, address):
    guard = Guard(resolve=resolver(evil_example=[address]))
    for status, host in itertools.product([301, 302, 303, 307, 308], [hosted(address), "evil.example"]):
        peer.replies = [answer(status, Location=f"http://{host}:{canary.port}/")]
        with pytest.raises(Blocked):
            fetch_to("http://good/", target, guard=guard, max_bytes=MB)
    assert reached == [PUBLIC] * 10
    assert not target.exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_our_own_network_is_refused(canary, target, name):
    guard = Guard(resolve=lambda *_: ["192.168.1.7"])
    with pytest.raises(Blocked):
        fetch_to(f"http://{name}:{canary.port}/", target, guard=guard, max_bytes=MB)


@pytest.mark.parametrize("url", URLS)
def test_an_odd_url_is_refused_by_its_form_alone(canary, target, url):
    guard = Guard(resolve=resolver())
    with pytest.raises(Blocked):
        check_url(url, guard)
    with pytest.raises(Blocked):
        fetch_to(url, target, guard=guard, max_bytes=MB)
    with pytest.raises(Blocked):
        post(url, body=b"", headers={}, guard=guard)


@pytest.mark.parametrize("url", ["http://u:p@good/", "file:///etc/passwd", "http://[::1%25lo]/"])
def test_the_prepared_url_is_judged_for_itself_too(monkeypatch, url):
    monkeypatch.setattr(guarding, "_check_text", lambda _url: None)
    with pytest.raises(Blocked):
        check_url(url, Guard(("::/0",)))


ODD_LOCATIONS = [
    *(url for url in URLS if url and url.isprintable() and url.isascii() and url not in {" http://127.0.0.1/", "good"}),
    "//127.0.0.1/",
    "\\\\127.0.0.1\\x",
    "http://good\t@127.0.0.1/",
    "//[::1/",
    "http://①②⑦.⓪.⓪.①/".encode().decode("latin-1"),
    "file:///etc/passwd",
]


@pytest.mark.parametrize("location", ODD_LOCATIONS)
def test_a_redirect_to_an_odd_url_is_refused(canary, peer, reached, target, location):
    def redirect(connection):
        connection.sendall(b"HTTP/1.1 302 X\r\nLocation: " + location.encode("latin-1") + b"\r\n\r\n")

    # "http:x" and "//x" are read relative to here, so the peer is asked again and again: that ends too.
    peer.replies = [redirect]
    with pytest.raises(FetchError):
        fetch_to("http://good/", target, guard=Guard(resolve=resolver()), max_bytes=MB)
    assert set(reached) == {PUBLIC}


def test_a_name_that_changes_its_address_never_leads_inside(canary, peer, reached, target):
    """DNS rebinding: the address that was checked is the one that is connected to."""
    turns = itertools.cycle([[PUBLIC], ["127.0.0.1"], [PUBLIC, "127.0.0.1"]])
    guard = Guard(resolve=lambda *_: next(turns))
    peer.replies = [answer(200, b"x")]
    outcomes = []
    for _ in range(200):
        try:
            outcomes.append(fetch_to(f"http://rebind.example:{canary.port}/", target, guard=guard, max_bytes=MB).size)
        except Blocked:
            outcomes.append(0)
    assert sum(outcomes) == 67
    assert set(reached) == {PUBLIC}


def test_a_name_is_asked_for_once_per_connection(peer, reached, target):
    asked = []

    def resolve(host, port):
        asked.append((host, port))
        return [PUBLIC]

    peer.replies = [answer(200, b"x")]
    fetch_to("http://Files.Example./a", target, guard=Guard(resolve=resolve), max_bytes=MB)
    assert asked == [("files.example", 80)]


@pytest.mark.parametrize(
    "url",
    [
        "http://good/",
        "https://good/",
        "http://good:80/",
        "https://good:443/x",
        "http://good:8080/",
        "https://good:8443/a%20b",
        "http://good/my call.wav",
        "http://good/Gespräch.wav?x=@y",
        f"http://{PUBLIC}/",
        f"http://[{PUBLIC_V6}]/",
        "https://bücher.example/",
        "https://s3.amazonaws.com/bucket/key?X-Amz-Signature=abc%2Fdef",
    ],
)
def test_a_public_url_of_usual_form_passes(url):
    check_url(url, Guard())


# --- What is allowed besides ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "url", "passes"),
    [
        ("files.lan", "http://files.lan:9000/", True),
        ("Files.LAN.", "https://files.lan/", True),
        ("files.lan", "http://other.lan:9000/", False),
        ("files.lan:9000", "http://files.lan:9000/", True),
        ("files.lan:9000", "http://files.lan:9001/", False),
        ("localhost", "http://localhost:9000/", True),
        ("127.0.0.1", "http://127.0.0.1:9000/", True),
        ("127.0.0.1", "http://127.0.0.2/", False),
        ("127.0.0.1:9000", "http://127.0.0.1:9000/", True),
        ("127.0.0.1:9000", "http://127.0.0.1/", False),
        ("10.0.0.0/8", "http://10.1.2.3:5000/", True),
        ("10.1.2.3/8", "http://10.9.9.9/", True),
        ("10.0.0.0/8", "http://11.1.2.3:5000/", False),
        ("::1", "http://[::1]:9000/", True),
        ("[::1]", "http://[::1]:9000/", True),
        ("[::1]:9000", "http://[0:0::1]:9000/", True),
        ("fd00::/8", "http://[fd12::1]:9000/", True),
        ("fd00::/8", "http://10.0.0.1/", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/hooks/x", True),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/hooks/x", True),
        ("http://127.0.0.1:8000", "https://127.0.0.1:8000/", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001/", False),
        ("http://127.0.0.1:8000", "http://localhost:8000/", False),
        ("https://portal.lan", "https://portal.lan/hooks", True),
        ("https://portal.lan", "http://portal.lan:443/", False),
    ],
)
def test_an_entry_allows_what_it_says_and_no_more(entry, url, passes):
    guard = Guard((entry,), resolver(files_lan=["10.0.0.1"], portal_lan=["10.0.0.2"], other_lan=["10.0.0.3"]))
    if passes:
        check_url(url, guard)
        return
    with pytest.raises(Blocked):
        _checked_to_the_end(url, guard)


def _checked_to_the_end(url, guard):
    place = guarding.prepare(url, guard)[1]
    guard.check_addresses(place, guard.resolve(place.host, place.port))


@pytest.mark.parametrize(
    "entry",
    ["", " ", "a b", "http://", "ftp://x", "http://x/path", "http://u@x", "x:0", "x:99999", "x:y", "10.0.0.0/99"],
)
def test_an_entry_that_says_nothing_is_an_error(entry):
    with pytest.raises(ValueError, match="CALLCOV_FETCH_ALLOW"):
        Guard((entry,))


def test_a_guard_is_a_value():
    assert Guard(("a.lan",)) == Guard(("a.lan",), resolver())
    assert "resolve" not in repr(Guard())


def test_a_name_may_have_addresses_in_an_allowed_network(peer, reached, target, monkeypatch):
    monkeypatch.setattr(guarding, "PORTS", {peer.port})
    peer.replies = [answer(200, b"x")]
    guard = Guard(("127.0.0.0/8",), resolver(files_lan=["127.0.0.1", PUBLIC]))
    assert fetch_to(f"http://files.lan:{peer.port}/", target, guard=guard, max_bytes=MB).size == 1
    guard = Guard(("127.0.0.0/8",), resolver(files_lan=["127.0.0.1", "10.0.0.1"]))
    with pytest.raises(Blocked):
        fetch_to(f"http://files.lan:{peer.port}/", target, guard=guard, max_bytes=MB)


def test_an_allowed_name_is_resolved_by_the_system(peer, target):
    peer.replies = [answer(200, b"x")]
    guard = Guard((f"localhost:{peer.port}",))
    assert fetch_to(f"http://localhost:{peer.port}/", target, guard=guard, max_bytes=MB).size == 1


# --- Fetching -------------------------------------------------------------------------------------------------------


def test_a_file_is_fetched_whole(peer, target):
    audio = os.urandom(700_000)
    peer.replies = [answer(200, audio, Content_Type="Audio/WAV; charset=binary")]
    fetched = fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB)
    assert target.read_bytes() == audio
    assert (fetched.path, fetched.size, fetched.content_type) == (target, 700_000, "audio/wav")
    assert fetched.sha256 == hashlib.sha256(audio).hexdigest()
    assert fetched.final_url == url_of(peer)


def test_the_host_header_keeps_the_name_and_nothing_else_is_told(peer, reached, target, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login eve password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")
    peer.replies = [answer(302, Location="/b", Set_Cookie="a=b; Path=/"), answer(200, b"x")]
    fetch_to("http://good/a", target, guard=Guard(resolve=resolver()), max_bytes=MB)
    assert [asked.path for asked in peer.asked] == ["/a", "/b"]
    for asked in peer.asked:
        assert asked.headers["host"] == "good"
        assert asked.headers["accept-encoding"] == "identity"
        assert not {"cookie", "authorization", "proxy-authorization", "referer"} & set(asked.headers)
    assert reached == [PUBLIC, PUBLIC]


def test_every_address_is_tried_until_one_connects(peer, target):
    port = closed_port()
    guard = Guard((f"files.lan:{port}",), resolver(files_lan=["::1", "127.0.0.1"]))
    with pytest.raises(Unreachable, match=r"No connection to files\.lan: .*refused"):
        fetch_to(f"http://files.lan:{port}/", target, guard=guard, max_bytes=MB)
    guard = Guard((f"files.lan:{peer.port}",), resolver(files_lan=["::1", "127.0.0.1"]))
    peer.replies = [answer(200, b"x")]
    assert fetch_to(f"http://files.lan:{peer.port}/", target, guard=guard, max_bytes=MB).size == 1


def test_redirects_are_followed_five_times_and_no_more(peer, target):
    peer.replies = [*(answer(302, Location=f"/{n}") for n in range(5)), answer(200, b"x")]
    fetched = fetch_to(url_of(peer, "/"), target, guard=loopback(peer), max_bytes=MB)
    assert fetched.final_url == url_of(peer, "/4")
    target.unlink()
    peer.asked.clear()
    peer.replies = [answer(302, Location="/again")]
    with pytest.raises(Unreachable, match="more than 5 times"):
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB)
    assert len(peer.asked) == 6
    assert not target.exists()


@pytest.mark.parametrize("status", [204, 300, 304, 400, 401, 403, 404, 410, 500, 503])
def test_only_a_good_answer_is_a_file(peer, target, status):
    peer.replies = [answer(status, b"" if status in {204, 304} else b"no")]
    if status == 204:
        assert fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB).size == 0
        return
    with pytest.raises(Unreachable, match=str(status)) as caught:
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB)
    assert caught.value.status == status
    assert not target.exists()


def test_a_redirect_to_nowhere_is_no_file(peer, target):
    peer.replies = [answer(302)]
    with pytest.raises(Unreachable, match="302"):
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB)


def without_length(body):
    return b"HTTP/1.1 200 OK\r\n\r\n" + body


def chunked(body):
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize("form", [lambda body: answer(200, body), without_length, chunked])
def test_the_limit_counts_bytes_however_they_come(peer, target, form):
    peer.replies = [form(b"x" * 1000)]
    assert fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=1000).size == 1000
    with pytest.raises(TooLarge, match="larger than"):
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=999)
    assert not target.exists()


def test_an_announced_size_above_the_limit_is_refused_before_a_byte_is_read(peer, target):
    released = threading.Event()

    def announce(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n")
        released.wait(8)

    peer.replies = [announce]
    begun = time.monotonic()
    with pytest.raises(TooLarge):
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB)
    assert time.monotonic() - begun < 5
    released.set()


def test_a_compressed_bomb_is_counted_after_decompression(peer, target):
    peer.replies = [answer(200, gzip.compress(bytes(50 * MB), 1), Content_Encoding="gzip")]
    with pytest.raises(TooLarge):
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB)
    assert not target.exists()


def cut_short(connection):
    connection.sendall(answer(200, b"x" * 1000)[:-10])


@pytest.mark.parametrize(
    "reply",
    [
        hang_up,
        cut_short,
        b"nonsense\r\n\r\n",
        answer(200, b"not gzip", Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_broken_answer_is_unreachable_and_leaves_no_file(peer, target, reply):
    peer.replies = [reply]
    with pytest.raises(Unreachable):
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB)
    assert not target.exists()


def test_a_disk_that_fails_is_no_fault_of_the_link(peer, tmp_path):
    peer.replies = [answer(200, b"x")]
    with pytest.raises(FileNotFoundError):
        fetch_to(url_of(peer), tmp_path / "no" / "folder", guard=loopback(peer), max_bytes=MB)


def test_a_large_file_takes_no_memory_of_its_size(tmp_path):
    def zeros(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (150 << 20))
        for _ in range(150):
            connection.sendall(bytes(1 << 20))

    code = r"""
import re, sys
from pathlib import Path
from callcov_portal.safefetch import Guard, fetch_to
url, path = sys.argv[1], Path(sys.argv[2])
guard = Guard(("127.0.0.1",))
fetch_to(url, path, guard=guard, max_bytes=1 << 30)
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])  # kB
before = peak()
assert fetch_to(url, path, guard=guard, max_bytes=1 << 30).size == 150 << 20
print(peak() - before)
"""
    with Peer([answer(200, b"x"), zeros]) as peer:
        command = [sys.executable, "-c", code, url_of(peer), str(tmp_path / "large")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 32 * 1024, f"grew by {done.stdout} kB"


# --- Time -----------------------------------------------------------------------------------------------------------


def trickle(head, byte=b"x", forever=400):
    def send(connection):
        connection.sendall(head)
        for _ in range(forever):
            connection.sendall(byte)
            time.sleep(0.02)

    return send


@pytest.mark.parametrize(
    "reply",
    [
        trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        trickle(b"HTTP/1.1 200 OK\r\n\r\n"),
        trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        trickle(b"HTTP/1.1 200 OK\r\nX-Long: "),
        trickle(b""),
        lambda _connection: time.sleep(1),
    ],
)
def test_an_answer_may_not_outlast_the_deadline_however_it_trickles(peer, target, reply):
    peer.replies = [reply]
    begun = time.monotonic()
    with pytest.raises(Unreachable, match=r"longer than 0\.3 seconds"):
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB, deadline_seconds=0.3)
    assert time.monotonic() - begun < 5
    assert not target.exists()


def test_a_handshake_may_not_outlast_the_deadline(target):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Unreachable, match="longer than"):
            fetch_to(
                f"https://127.0.0.1:{port}/",
                target,
                guard=Guard((f"127.0.0.1:{port}",)),
                max_bytes=MB,
                deadline_seconds=0.3,
            )


def test_redirects_share_one_deadline(peer, target):
    def slowly(connection):
        time.sleep(0.15)
        connection.sendall(answer(302, Location="/again"))

    peer.replies = [slowly]
    with pytest.raises(Unreachable, match="longer than"):
        fetch_to(url_of(peer), target, guard=loopback(peer), max_bytes=MB, deadline_seconds=0.4)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch, target):
    monkeypatch.setattr(wire, "DNS_SECONDS", 0.1)
    released = threading.Event()
    guard = Guard(resolve=lambda *_: [str(released.wait(5))])
    with pytest.raises(Unreachable, match="cannot be found"):
        fetch_to("http://slow.example/", target, guard=guard, max_bytes=MB)
    released.set()


def test_a_connection_made_after_the_deadline_is_not_used(peer, reached, target, monkeypatch):
    connect = socket.create_connection

    def late(*args):
        connection = connect(*args)
        time.sleep(0.3)
        return connection

    monkeypatch.setattr(socket, "create_connection", late)
    with pytest.raises(Unreachable, match="longer than"):
        fetch_to("http://good/", target, guard=Guard(resolve=resolver()), max_bytes=MB, deadline_seconds=0.2)
    assert peer.asked == []


# --- Names and certificates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("found", [[], socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_a_name_without_an_address_cannot_be_found(target, found):
    def resolve(*_):
        if isinstance(found, Exception):
            raise found
        return found

    with pytest.raises(Unreachable, match=r"gone\.example cannot be found"):
        fetch_to("http://gone.example/", target, guard=Guard(resolve=resolve), max_bytes=MB)


@pytest.fixture
def secure(monkeypatch):
    """A TLS server with a certificate for files.example; yields its port and the names that clients asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with Peer([answer(200, b"over TLS")]) as behind:
        plain = behind.listener
        behind._answer = lambda connection, answer=behind._answer: _secured(context, connection, answer)
        yield plain.getsockname()[1], names, behind


def _secured(context, connection, answer_it):
    with context.wrap_socket(connection, server_side=True) as wrapped:
        answer_it(wrapped)


def test_the_certificate_is_checked_against_the_name_not_the_address(secure, target, monkeypatch):
    port, names, peer = secure
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(PEM))
    known = resolver(files_example=["127.0.0.1"], other_example=["127.0.0.1"])
    guard = Guard((f"files.example:{port}", f"other.example:{port}"), known)
    fetched = fetch_to(f"https://files.example:{port}/a", target, guard=guard, max_bytes=MB)
    assert target.read_bytes() == b"over TLS"
    assert fetched.final_url == f"https://files.example:{port}/a"
    assert peer.asked[0].headers["host"] == f"files.example:{port}"
    assert names == ["files.example"]
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        fetch_to(f"https://other.example:{port}/a", target, guard=guard, max_bytes=MB)
    assert len(peer.asked) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, target, monkeypatch):
    port, _, peer = secure
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    guard = Guard((f"files.example:{port}",), resolver(files_example=["127.0.0.1"]))
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        fetch_to(f"https://files.example:{port}/a", target, guard=guard, max_bytes=MB)
    assert peer.asked == []


# --- Posting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 400, 404, 500])
def test_a_post_is_sent_once_and_returns_any_status(peer, status):
    with Peer([answer(200)]) as elsewhere:
        peer.replies = [answer(status, Location=url_of(elsewhere))]
        headers = {"X-Signature": "abc", "Content-Type": "application/json"}
        assert post(url_of(peer), body=b'{"a":1}', headers=headers, guard=loopback(peer)) == status
        assert elsewhere.connections == 0
    (asked,) = peer.asked
    assert (asked.method, asked.body) == ("POST", b'{"a":1}')
    assert (asked.headers["x-signature"], asked.headers["content-type"]) == ("abc", "application/json")


def test_no_more_of_a_posts_answer_is_read_than_asked_for(peer):
    sent = 0

    def endless(connection):
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            connection.sendall(bytes(1 << 20))
            sent += 1

    peer.replies = [endless]
    assert post(url_of(peer), body=b"", headers={}, guard=loopback(peer)) == 200
    assert sent < 30


def test_a_post_whose_answer_breaks_off_has_its_status(peer):
    peer.replies = [cut_short]
    assert post(url_of(peer), body=b"", headers={}, guard=loopback(peer)) == 200


def test_a_post_without_an_answer_is_unreachable(peer):
    peer.replies = [hang_up]
    with pytest.raises(Unreachable):
        post(url_of(peer), body=b"", headers={}, guard=loopback(peer))
    peer.replies = [trickle(b"")]
    with pytest.raises(Unreachable, match="longer than"):
        post(url_of(peer), body=b"", headers={}, guard=loopback(peer), timeout=0.2)


def test_nothing_listening_is_unreachable(target):
    port = closed_port()
    guard = Guard((f"127.0.0.1:{port}",))
    with pytest.raises(Unreachable, match="refused"):
        fetch_to(f"http://127.0.0.1:{port}/", target, guard=guard, max_bytes=MB)


# --- A look at the beginning ----------------------------------------------------------------------------------------


def test_a_look_reads_the_first_bytes_and_hangs_up(peer, reached):
    peer.replies = [answer(200, b"x" * 5 * MB)]
    head = peek("http://good/", guard=Guard(resolve=resolver()), most=1000)
    assert (head.content, head.size) == (b"x" * 1000, 5 * MB)
    assert reached == [PUBLIC]


def test_a_look_at_something_short_is_all_of_it(peer, reached):
    peer.replies = [b"HTTP/1.1 200 X\r\n\r\nshort"]
    head = peek("http://good/", guard=Guard(resolve=resolver()))
    assert (head.content, head.size) == (b"short", None)


@pytest.mark.parametrize("status", [302, 307])
def test_a_look_follows_a_redirect_but_never_inwards(canary, peer, reached, status):
    peer.replies = [answer(status, Location="http://good/b"), answer(200, b"x")]
    assert peek("http://good/a", guard=Guard(resolve=resolver())).content == b"x"
    peer.replies = [answer(status, Location=f"http://127.0.0.1:{canary.port}/")]
    with pytest.raises(Blocked):
        peek("http://good/a", guard=Guard(resolve=resolver()))


def test_a_look_at_what_is_not_there_or_too_slow_says_so(peer, reached):
    peer.replies = [answer(404)]
    with pytest.raises(Unreachable, match="HTTP 404"):
        peek("http://good/", guard=Guard(resolve=resolver()))
    peer.replies = [lambda connection: time.sleep(1)]
    with pytest.raises(Unreachable):
        peek("http://good/", guard=Guard(resolve=resolver()), deadline_seconds=0.3)
