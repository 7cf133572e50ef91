"""Which error an answer, or the lack of one, amounts to: the rules of `errors`, written once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError

from callcov_portal.client import pacing
from callcov_portal.client.documents import BadDocument, read_json
from callcov_portal.client.errors import (
    ApiError,
    Misconfigured,
    NotFound,
    NotSent,
    RateLimited,
    Refused,
    Unavailable,
    Unsure,
)
from callcov_portal.client.parsing import parse_error
from callcov_portal.client.transport import never_sent

Value = TypeVar("Value")


@dataclass(frozen=True)
class Answer:
    """One answer as it came. An error's body is cut off at 64 kB."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def check_created(answer: Answer) -> None:
    """Returns for a 2xx; otherwise raises what the status means for a create."""
    if answer.status == 429:
        wait = pacing.retry_after(answer.headers)
        raise RateLimited(_said(answer, "Too many submissions for now."), status=429, retry_after=wait)
    if answer.status >= 500 or answer.status in {408, 499}:
        raise Unsure(_said(answer, "The API had trouble with the recording."), status=answer.status)
    if answer.status == 303:  # "see elsewhere" is also how a server says that it has done what was asked
        raise Unsure("The API answered the submission with a redirect.", status=answer.status)
    _check_usual(answer)


def check_asked(answer: Answer, *, one: bool) -> None:
    """Returns for a 2xx; otherwise raises what the status means for a question, about `one` analysis or the list."""
    if answer.status == 404 and one:
        raise NotFound(_said(answer, "The API does not know this analysis."), status=404)
    if answer.status in {408, 429} or answer.status >= 500:
        wait = pacing.retry_after(answer.headers)
        raise Unavailable(_said(answer, "The API is busy."), status=answer.status, retry_after=wait)
    _check_usual(answer)


def _check_usual(answer: Answer) -> None:
    if 200 <= answer.status < 300:
        return
    if answer.status in {401, 403}:
        said = _said(answer, "The API does not accept the key.")
        raise Misconfigured(f"{said.rstrip('.')}. Check CALLCOV_API_KEY.", status=answer.status)
    if answer.status < 400:
        where = _origin(answer.headers.get("Location", ""))
        raise Misconfigured(
            f"The API's address redirects{where}; redirects are not followed. Set CALLCOV_API_URL to the final address.",
            status=answer.status,
        )
    if answer.status in {404, 405}:
        raise Misconfigured("There is no CallCov API at this address. Check CALLCOV_API_URL.", status=answer.status)
    raise Refused(_said(answer, "The API refuses this."), status=answer.status, fields=parse_error(answer.body).fields)


def create_failed(error: Exception) -> ApiError:
    """What a create's exception means: it never left, its address is wrong, or nobody knows."""
    if isinstance(error, ValueError):
        return _misspelt(error)
    if never_sent(error):
        return NotSent(f"No connection to the API: {_cause(error)}")
    return Unsure(f"No answer to the submission: {_cause(error)}")


def question_failed(error: Exception) -> ApiError:
    """What the exception of a question means."""
    return (
        _misspelt(error) if isinstance(error, ValueError) else Unavailable(f"No answer from the API: {_cause(error)}")
    )


def read_answer(answer: Answer, parse: Callable[[Any], Value]) -> Value:
    """The value in a good answer; Unavailable when it cannot be read."""
    try:
        return parse(read_json(answer.body))
    except BadDocument as error:
        raise Unavailable(f"The API's answer cannot be read: {error}", status=answer.status) from error


def checked_host(base_url: str) -> str:
    """The host of the API's address; Misconfigured when it cannot be one."""
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None or parts.query or parts.fragment:
        raise Misconfigured(
            "The API's address must look like https://api.example.com/api/v1, without a name, a query or a fragment. "
            "Check CALLCOV_API_URL."
        )
    return host


def checked_key(key: str) -> str:
    """The key without surrounding space; Misconfigured when there is none or a header cannot hold it."""
    key = key.strip()
    if not key:
        raise Misconfigured("There is no API key. Set CALLCOV_API_KEY.")
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise Misconfigured("The API key holds spaces or characters that no key has. Check CALLCOV_API_KEY.")
    return key


def _misspelt(error: Exception) -> Misconfigured:
    """What requests raises before anything is sent: an address or a header that cannot be written."""
    return Misconfigured(f"The request cannot be written: {_cause(error)}. Check CALLCOV_API_URL.")


def _said(answer: Answer, otherwise: str) -> str:
    return parse_error(answer.body).message or f"{otherwise} (HTTP {answer.status})"


def _origin(location: str) -> str:
    """Where to, without the path and query, which may hold secrets."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    return f" to {parts.scheme}://{parts.hostname}" if parts.hostname else ""


def _cause(error: BaseException) -> str:
    """The innermost words: "Connection refused" rather than three wrappers with an object's address."""
    inner = error.args[0] if isinstance(error, requests.RequestException) and error.args else error
    reason = inner.reason if isinstance(inner, MaxRetryError) and inner.reason else inner
    words = re.sub(r"<[^>]*>|\S*\(host=[^)]*\):?", "", str(reason)).strip(" :")
    return words[:300] or type(error).__name__
