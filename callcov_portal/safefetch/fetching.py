"""What goes out: for a file to disk, for a look at its beginning, and a small post."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError

from callcov_portal.safefetch.errors import Blocked, TooLarge, Unreachable
from callcov_portal.safefetch.guard import Guard
from callcov_portal.safefetch.wire import Trip, trip

MOST_REDIRECTS = 5
REDIRECTS = {301, 302, 303, 307, 308}
BLOCK = 256 * 1024


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched whole. `content_type` is what the server claims, without parameters."""

    path: Path
    size: int
    sha256: str
    content_type: str
    final_url: str


def fetch_to(url: str, path: Path, *, guard: Guard, max_bytes: int, deadline_seconds: float = 600) -> Fetched:
    """Fetches the URL into `path`, which is complete and synced to disk on return, and gone after an error.

    Follows at most five redirects, each checked like the first URL. Memory does not grow with the file. Raises
    Blocked, Unreachable, TooLarge (above `max_bytes`, decompressed); OSError when the disk fails.
    """
    with trip(guard, deadline_seconds) as going, _followed(going, url) as response:
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        try:
            size, digest = _save(response, path, max_bytes)
            going.check_time()  # cut off by us, a body without a length looks complete
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Fetched(path, size, digest, content_type, response.url)


@dataclass(frozen=True)
class Head:
    """The first bytes of a file, and its size in bytes where the server says so."""

    content: bytes
    size: int | None


def peek(url: str, *, guard: Guard, most: int = 65536, deadline_seconds: float = 10) -> Head:
    """Fetches the first `most` bytes of what the URL leads to, by the same request as `fetch_to`, and hangs up.

    Follows redirects as `fetch_to` does. Raises Blocked, Unreachable.
    """
    with trip(guard, deadline_seconds) as going, _followed(going, url) as response:
        content = b""
        while len(content) < most and (block := response.raw.read1(most - len(content), decode_content=True)):
            content += block
        going.check_time()
        return Head(content[:most], _announced(response))


def post(
    url: str, *, body: bytes, headers: dict[str, str], guard: Guard, timeout: float = 30, max_answer_bytes: int = 65536
) -> int:
    """Posts once, follows nothing, and returns the HTTP status, whatever it is.

    At most `max_answer_bytes` of the answer are read. Raises Blocked, and Unreachable when there is no status
    within `timeout` seconds all in all.
    """
    with trip(guard, timeout) as going, going.send("POST", url, data=body, headers=headers) as response:
        left = max_answer_bytes
        with suppress(HTTPError):  # the status has arrived; the rest is politeness
            while left > 0 and (block := response.raw.read1(min(left, BLOCK), decode_content=False)):
                left -= len(block)
        return response.status_code


def _followed(going: Trip, url: str) -> requests.Response:
    for _ in range(MOST_REDIRECTS + 1):
        response = going.send("GET", url)
        target = response.headers.get("Location")
        if response.status_code not in REDIRECTS or not target:
            return _good(response)
        response.close()
        url = _next_url(response.url, target)
    raise Unreachable(f"The link redirects more than {MOST_REDIRECTS} times.")


def _next_url(here: str, target: str) -> str:
    """Where a redirect leads, unchecked but for what joining would hide: it drops tabs and newlines."""
    target = target.encode("latin-1", "replace").decode("utf-8", "replace")
    if any(character in target for character in "\t\r\n\\"):
        raise Blocked("The link redirects to a place that is not clear.")
    try:
        return urljoin(here, target)
    except ValueError as error:
        raise Blocked("The link redirects to a place that is not clear.") from error


def _good(response: requests.Response) -> requests.Response:
    if 200 <= response.status_code < 300:
        return response
    response.close()
    raise Unreachable(f"The server answered with HTTP {response.status_code}.", response.status_code)


def _announced(response: requests.Response) -> int | None:
    """How many bytes the server says will come."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text.lstrip("0")) < 20 else None


def _save(response: requests.Response, path: Path, max_bytes: int) -> tuple[int, str]:
    too_large = TooLarge(f"The file is larger than the {max_bytes / 1_000_000:g} MB that are allowed.")
    if (_announced(response) or 0) > max_bytes:
        raise too_large
    size, digest = 0, hashlib.sha256()
    with path.open("wb") as file:
        while block := response.raw.read1(BLOCK, decode_content=True):
            size += len(block)
            if size > max_bytes:
                raise too_large
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()
