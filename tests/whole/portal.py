"""A person at the running portal, by plain HTTP."""

import csv
import io
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests

from tests.running import RealGroup

PASSWORD = "correct horse battery"


class Person:
    """Signed in at a running group's portal as its first administrator."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False
        page = self.session.get(f"{address}/login/", timeout=20)
        answer = self.post("/login/", {"username": "admin", "password": PASSWORD}, page=page)
        assert "/login/" not in answer.url, answer.text

    def post(self, path: str, data: dict[str, Any], page: requests.Response | None = None, **kwargs: Any):
        """Post a form with its CSRF token."""
        token = self.session.cookies.get("csrftoken") or ""
        if page is not None and (match := re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)):
            token = match[1]
        headers = {"Referer": self.address, "X-CSRFToken": token, **kwargs.pop("headers", {})}
        return self.session.post(f"{self.address}{path}", data=data, headers=headers, timeout=60, **kwargs)

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.address}{path}", timeout=60)

    def upload(self, name: str, content: bytes, agent: str = "rachel", contact: str = "cust-1") -> dict[str, Any]:
        """Upload one file as the page's script does; return its fate."""
        answer = self.post(
            "/calls/add/files/",
            {"agent": agent, "contact": contact},
            files={"files": (name, content, "audio/wav")},
            headers={"Accept": "application/json"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["fates"][0]

    def calls(self) -> list[dict[str, str]]:
        """Return every call as the CSV export has it."""
        answer = self.get("/exports/calls.csv")
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    def states(self) -> Counter[str]:
        return Counter(call["state"] for call in self.calls())


def wait_for(true: Callable[[], Any], seconds: float, said: Callable[[], str] = str) -> None:
    """Return when a condition holds; fail with what the group said when it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except (requests.RequestException, sqlite3.Error):
            pass
        time.sleep(0.25)
    raise AssertionError(f"Not within {seconds} s.\n{said()[-6000:]}")


def engine_jobs(group: RealGroup) -> int:
    """Return how many analyses the embedded engine has accepted."""
    with group.rows() as rows:
        return int(rows.execute("SELECT count(*) FROM engine_job").fetchone()[0])
