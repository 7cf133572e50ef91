"""What may be reached: the form of a URL, the addresses of a name, and what an administrator allows besides."""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from callcov_portal.safefetch.errors import Blocked

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], list[str]]

PORTS = {80, 443, 8080, 8443}
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_URL = 4000
HOW_TO_ALLOW = "An administrator can allow internal hosts with CALLCOV_FETCH_ALLOW."
NOT_PUBLIC = f"The link's host is not on the public internet. {HOW_TO_ALLOW}"

# IANA's special-purpose registries, because Python 3.11's is_global passes a third of them, and Azure's host address.
DENIED_V4 = [
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
]
# Outside 2000::/3 nothing is public; inside, these are not, or carry an IPv4 address that could be anything.
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
DENIED_V6 = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
INWARD_NAMES = {"localhost", "localhost.localdomain", "metadata", "metadata.google.internal"}

AUTHORITY = re.compile(r"^[^:/?#]*:/*([^/?]*)")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")
NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)  # a last label that makes every resolver see an IPv4 address
ENTRY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\s:/@\[\]\\?#]+)(:(?P<port>[0-9]{1,5}))?", re.ASCII)


def system_addresses(host: str, port: int) -> list[str]:
    """All addresses of a name, from the system's resolver; raises OSError when there are none."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Place(NamedTuple):
    """Where a request goes. In an entry of an allow list, None stands for any."""

    scheme: str | None
    host: str
    port: int | None


@dataclass(frozen=True)
class Guard:
    """What is allowed besides public hosts on the usual ports; `resolve` looks names up.

    `allow` takes names ("files.lan"), addresses and networks ("10.1.0.0/16"), all of these with any port; one port
    of a host ("files.lan:9000"); and one origin exactly ("http://127.0.0.1:8000"). An allowed name may have any
    address; a name that is not listed may have addresses in allowed networks. Raises ValueError for anything else.
    """

    allow: tuple[str, ...] = ()
    resolve: Resolver = field(default=system_addresses, repr=False, compare=False)
    networks: tuple[Network, ...] = field(init=False, repr=False, compare=False)
    places: tuple[Place, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        entries = [_read_entry(entry) for entry in self.allow]
        object.__setattr__(self, "networks", tuple(entry for entry in entries if not isinstance(entry, Place)))
        object.__setattr__(self, "places", tuple(entry for entry in entries if isinstance(entry, Place)))

    def names(self, place: Place) -> bool:
        """Whether the list names this very place, so that neither its port nor its addresses matter."""
        address = literal(place.host)
        return (address is not None and self.contains(address)) or any(
            all(wanted in (None, had) for wanted, had in zip(entry, place, strict=True)) for entry in self.places
        )

    def contains(self, address: Address) -> bool:
        """Whether an allowed network contains the address."""
        return any(address.version == network.version and address in network for network in self.networks)

    def check_addresses(self, place: Place, addresses: Iterable[str]) -> list[str]:
        """The addresses, each one of them public or allowed; otherwise Blocked, whatever the others are."""
        found = list(dict.fromkeys(addresses))
        if not self.names(place):
            for text in found:
                address = literal(text)
                if address is None or not (is_public(address) or self.contains(address)):
                    raise Blocked(NOT_PUBLIC)
        return found


def is_public(address: Address) -> bool:
    """Whether this address is a machine on the public internet, by Python's list and by ours."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in DENIED_V4)
    return address.is_global and address in PUBLIC_V6 and not any(address in network for network in DENIED_V6)


def check_url(url: str, guard: Guard) -> None:
    """Raises Blocked when the URL's form alone forbids it; asks no resolver, so names are judged when fetched."""
    prepare(url, guard)


def prepare(url: str, guard: Guard) -> tuple[str, Place]:
    """The URL as it will be sent, and where to. Raises Blocked; asks no resolver."""
    _check_text(url)
    try:
        prepared = requests.Request("GET", url).prepare().url or ""
        parts = parse_url(prepared)
    except (requests.RequestException, LocationParseError, UnicodeError) as error:
        raise Blocked(
            "This is not a link that can be fetched. It must look like https://example.com/call.wav."
        ) from error
    place = _place(parts.scheme, parts.host, parts.port)
    if parts.auth is not None or "%" in place.host or not place.host or place.scheme not in DEFAULT_PORTS:
        raise Blocked("The link's host is not clear.")
    _check_place(place, guard)
    return prepared, place


def literal(host: str) -> Address | None:
    """The address that a host is written as, or None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_text(url: str) -> None:
    if len(url) > LONGEST_URL:
        raise Blocked(f"The link is longer than {LONGEST_URL} characters.")
    if url != url.strip() or CONTROLS.search(url):
        raise Blocked("The link holds spaces around it, control characters or a backslash.")
    if not re.match(r"https?:", url, re.IGNORECASE):
        raise Blocked("Only http and https links are fetched.")
    authority = AUTHORITY.match(url)
    if authority and re.search(r"[@#%\s]", authority[1]):
        raise Blocked("The link's host is not clear: it may not hold @, #, % or a space, nor a name and password.")


def _place(scheme: str | None, host: str | None, port: int | None) -> Place:
    scheme = (scheme or "").lower()
    name = (host or "").lower().removeprefix("[").removesuffix("]").rstrip(".")
    address = literal(name)
    return Place(scheme, str(address) if address else name, port or DEFAULT_PORTS.get(scheme))


def _check_place(place: Place, guard: Guard) -> None:
    if guard.names(place):
        return
    address = literal(place.host)
    if address is None and NUMERIC.fullmatch(place.host.rpartition(".")[2]):
        raise Blocked("The link's host is a number in an unusual form. Write an address as four numbers.")
    if place.host in INWARD_NAMES or place.host.endswith(".localhost") or (address and not is_public(address)):
        raise Blocked(NOT_PUBLIC)
    if place.port not in PORTS:
        ports = ", ".join(str(port) for port in sorted(PORTS))
        raise Blocked(f"Port {place.port} is not allowed; links may use {ports}. {HOW_TO_ALLOW}")


def _read_entry(entry: str) -> Network | Place:
    text = entry.strip().lower()
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        pass
    try:
        return _read_origin(text) if "://" in text else _read_host(text)
    except ValueError as error:
        raise ValueError(
            f"CALLCOV_FETCH_ALLOW: {entry!r} is none of a host, host:port, address, network or origin."
        ) from error


def _read_origin(text: str) -> Place:
    parts = urlsplit(text)
    place = _place(parts.scheme, parts.hostname, parts.port)
    if place.scheme not in DEFAULT_PORTS or not place.host or parts.path.strip("/") or "@" in text or parts.query:
        raise ValueError(text)
    return place


def _read_host(text: str) -> Place:
    match = ENTRY.fullmatch(text)
    if not match or int(match["port"] or 1) not in range(1, 65536):
        raise ValueError(text)
    return _place(None, match["host"], int(match["port"]) if match["port"] else None)._replace(scheme=None)
