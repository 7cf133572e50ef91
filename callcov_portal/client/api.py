"""The CallCov API as five calls. The hosted API and the embedded engine are spoken to alike.

A create is one POST and never repeated here, whatever happens: the API bills at create and documents no way to
repeat it safely. Questions (GET) are repeated twice, shortly. No redirect is followed: it could carry the key away.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

import requests
from urllib3.exceptions import HTTPError

from callcov_portal.client import pacing
from callcov_portal.client.answers import (
    Answer,
    check_asked,
    check_created,
    checked_host,
    checked_key,
    create_failed,
    question_failed,
    read_answer,
)
from callcov_portal.client.bodies import multipart, opened
from callcov_portal.client.documents import BadDocument, read_json
from callcov_portal.client.errors import NotFound, Unavailable, Unsure
from callcov_portal.client.parsing import USABLE_ID, parse_analysis, parse_list
from callcov_portal.client.transport import AnswerTooLarge, KeyAuth, read_body, session_for
from callcov_portal.client.types import AnalysisSnapshot, ListPage, RateLimit

LARGEST_ANSWER = 64 * 1024 * 1024
LARGEST_ERROR = 64 * 1024
PAUSES = (0.5, 2.0)  # seconds before the second and third try of a question
LONGEST_PAUSE = 5.0  # told to wait longer, a question is given up at once: waiting is the caller's business
TROUBLE = (requests.RequestException, HTTPError, OSError)


class Api:
    """One API at one address with one key.

    `base_url` ends in the version (".../api/v1"). Time-outs are in seconds. Every request has a connection of its
    own, so an instance may be shared between threads and no stale connection makes a create unsure. `last_rate`
    is what the newest answer said about rate limits, None if it said nothing. `on_repeat` is called before a question
    is asked once more. Raises Misconfigured at once when address or key cannot be right.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        auth: Literal["bearer", "x-api-key", "both"] = "bearer",
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        on_repeat: Callable[[], None] = lambda: None,
    ) -> None:
        self.base_url = base_url.strip().rstrip("/")
        host = checked_host(self.base_url)
        self.last_rate: RateLimit | None = None
        self._auth = KeyAuth(checked_key(key), auth)
        self._timeout = (connect_timeout, read_timeout)
        self._session = session_for(host) if session is None else session
        self._sleep = sleep
        self._on_repeat = on_repeat

    def create_from_link(
        self,
        *,
        audio_url: str,
        agent_id: str,
        contact_id: str,
        webhook_url: str | None,
        idempotency_key: str,
        extra: Mapping[str, str] | None = None,
    ) -> AnalysisSnapshot:
        """Asks for an analysis of the recording at `audio_url`. One POST; may raise as `errors` says of creates."""
        fields = _fields(agent_id, contact_id, webhook_url, extra)
        return self._create(idempotency_key, json={"audio_url": audio_url, **fields})

    def create_from_file(
        self,
        *,
        path: Path | BinaryIO,
        file_name: str,
        agent_id: str,
        contact_id: str,
        webhook_url: str | None,
        idempotency_key: str,
        extra: Mapping[str, str] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> AnalysisSnapshot:
        """Uploads a recording and asks for its analysis. One POST, streamed: memory does not grow with the file.

        `on_progress` gets the bytes sent so far, about once per MiB; what it raises ends the upload and comes out
        here. Raises OSError when the file cannot be opened, else as `errors` says of creates.
        """
        fields = _fields(agent_id, contact_id, webhook_url, extra)
        with opened(path) as file:
            body = multipart(fields, file, file_name, on_progress)
            return self._create(idempotency_key, data=body, headers={"Content-Type": body.content_type})

    def get(self, id: str) -> AnalysisSnapshot:  # noqa: A002 - the API's own word
        """One analysis. Raises NotFound, Unavailable (also when the answer is about another id), Misconfigured."""
        if not USABLE_ID.fullmatch(id):
            raise NotFound("This is not an id that the API gives.")
        answer = self._ask(f"/analysis/{id}")
        snapshot = read_answer(answer, lambda document: parse_analysis(document, self.last_rate))
        if snapshot.id.lower() != id.lower():
            raise Unavailable("The API answered with another analysis than the one asked for.", status=answer.status)
        return snapshot

    def list(
        self,
        *,
        status_filter: str | None = None,
        agent_id: str | None = None,
        contact_id: str | None = None,
        search: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> ListPage:
        """One page of analyses that match every filter given; `limit` is brought into the API's 1 to 1000."""
        limit, offset = min(max(limit, 1), 1000), max(offset, 0)
        filters = {"status_filter": status_filter, "agent_id": agent_id, "contact_id": contact_id, "search": search}
        answer = self._ask("/analysis/", {**filters, "limit": limit, "offset": offset})
        return read_answer(
            answer, lambda document: parse_list(document, limit=limit, offset=offset, rate=self.last_rate)
        )

    def iterate(self, *, page: int = 100, cap: int = 10_000, **filters: str | None) -> Iterator[AnalysisSnapshot]:
        """Every analysis that matches, each id once although pages drift while they are read; at most `cap`.

        `filters` as in `list`. Ends at the last page, and at a page that brings nothing new.
        """
        seen: set[str] = set()
        offset = 0
        while True:
            found = self.list(limit=page, offset=offset, **filters)
            fresh = {snapshot.id: snapshot for snapshot in found.snapshots if snapshot.id not in seen}
            for snapshot in fresh.values():
                yield snapshot
                seen.add(snapshot.id)
                if len(seen) >= cap:
                    return
            offset += found.received
            if not found.more or not fresh:
                return

    def _create(self, idempotency_key: str, **body: Any) -> AnalysisSnapshot:
        headers = {"Idempotency-Key": idempotency_key, **body.pop("headers", {})}
        try:
            answer = self._exchange("POST", "/analysis/", headers=headers, **body)
        except TROUBLE as error:
            raise create_failed(error) from error
        except AnswerTooLarge as error:
            raise Unsure(str(error)) from error
        check_created(answer)
        try:
            return parse_analysis(read_json(answer.body), self.last_rate)
        except BadDocument as error:
            raise Unsure(f"The API answered the submission without an id: {error}", status=answer.status) from error

    def _ask(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        for pause in PAUSES:
            try:
                return self._ask_once(path, params)
            except Unavailable as trouble:
                told = trouble.retry_after or 0.0
                if told > LONGEST_PAUSE or isinstance(trouble.__cause__, AnswerTooLarge):
                    raise
                self._sleep(max(told, pause * random.uniform(0.7, 1.3)))  # noqa: S311 - only spreads the load
                self._on_repeat()
        return self._ask_once(path, params)

    def _ask_once(self, path: str, params: Mapping[str, Any] | None) -> Answer:
        try:
            answer = self._exchange("GET", path, params=params)
        except TROUBLE as error:
            raise question_failed(error) from error
        except AnswerTooLarge as error:
            raise Unavailable(str(error)) from error
        check_asked(answer, one=path != "/analysis/")
        return answer

    def _exchange(self, method: str, path: str, **request: Any) -> Answer:
        headers = {"Accept": "application/json", "User-Agent": "callcov_portal", "Connection": "close"}
        headers |= request.pop("headers", {})
        with self._session.request(
            method,
            f"{self.base_url}{path}",
            headers=headers,
            auth=self._auth,
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
            **request,
        ) as response:
            self.last_rate = pacing.rate_limit(response.headers)
            good = 200 <= response.status_code < 300
            most, cut = (LARGEST_ANSWER, False) if good else (LARGEST_ERROR, True)
            return Answer(response.status_code, response.headers, read_body(response.raw, most, cut=cut))


def _fields(agent_id: str, contact_id: str, webhook_url: str | None, extra: Mapping[str, str] | None) -> dict[str, str]:
    fields = {"agent_id": agent_id, "contact_id": contact_id, **(extra or {})}
    return {**fields, "webhook_url": webhook_url} if webhook_url else fields
