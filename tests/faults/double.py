"""An API that accepts submissions and loses answers, and knows what it has accepted: a double of CallCov's, on a port of its own."""

import json
import random
import re
import threading
import time
import uuid
from collections import Counter
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes import COMPLIANCE, SEGMENTS

TOKEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BEFORE_IT_IS_DONE = 1.0  # seconds


class Double:
    """Keeps every submission it accepts. Of `lost` answers (0..1) to a create only the connection's end arrives.

    `echoes`: whether it says the webhook's address again, by which a lost one can be found. It sends no webhooks.
    """

    def __init__(self, lost: float, *, echoes: bool, seed: int = 1) -> None:
        self.lost, self.echoes = lost, echoes
        self.dice = random.Random(seed)
        self.lock = threading.Lock()
        self.accepted: dict[str, dict[str, Any]] = {}
        self.open = threading.Event()  # while it is not set, submissions wait at the door
        self.open.set()
        self.dropped = 0
        self.asked: Counter[str] = Counter()

    def __enter__(self) -> "Double":
        double = self

        class Handler(Answering):
            api = double

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def accept(self, fields: dict[str, str]) -> tuple[dict[str, Any], bool]:
        """Accept a submission; return its document, and whether the answer arrives."""
        document = {
            "id": str(uuid.uuid4()),
            "object": "analysis",
            "created": int(time.time()),
            "status": "processing",
            "call": {"agent_id": fields["agent_id"], "contact_id": fields["contact_id"]},
            "transcript": None,
            "results": None,
            "metadata": {"webhook_url": fields.get("webhook_url") if self.echoes else None},
        }
        with self.lock:
            arrives = self.dice.random() >= self.lost
            self.dropped += not arrives
            self.accepted[str(document["id"])] = {"document": document, "at": time.monotonic(), "fields": fields}
        return document, arrives

    def shown(self, id: str) -> dict[str, Any] | None:  # noqa: A002
        """Return an analysis as it is now."""
        entry = self.accepted.get(id)
        if entry is None or time.monotonic() - entry["at"] < BEFORE_IT_IS_DONE:
            return entry and entry["document"]
        done = {
            "transcript": {"text": "", "language": "en", "segments": SEGMENTS},
            "results": {"compliance": COMPLIANCE},
        }
        return {**entry["document"], "status": "completed", **done}

    def listed(self, asked: dict[str, str]) -> dict[str, Any]:
        """Return one page of what was accepted, the newest first, by the filters that the API documents."""
        with self.lock:
            shown = [self.shown(id) or {} for id in reversed(self.accepted)]  # noqa: A001
        for name in ("agent_id", "contact_id"):
            shown = [one for one in shown if asked.get(name) in {None, one["call"][name]}]
        shown = [one for one in shown if asked.get("status_filter") in {None, one["status"]}]
        offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", 100))
        page = shown[offset : offset + limit]
        return {"object": "list", "data": page, "has_more": offset + limit < len(shown), "total": len(shown)}

    def times_accepted(self) -> Counter[str]:
        """Return how often each analysis of the portal was accepted, by the token in its webhook's address."""
        tokens = [TOKEN.search(entry["fields"].get("webhook_url", "")) for entry in self.accepted.values()]
        return Counter(token[0] for token in tokens if token)


class Answering(BaseHTTPRequestHandler):
    """Reads a request, and answers as the double says."""

    api: Double

    def do_POST(self) -> None:
        self.api.asked["POST"] += 1
        fields = self.fields()
        self.api.open.wait(50)
        document, arrives = self.api.accept(fields)
        if arrives:
            self.say(201, document)
        else:
            self.close_connection = True

    def do_GET(self) -> None:
        self.api.asked["GET"] += 1
        url = urlsplit(self.path)
        if url.path.endswith("/analysis/"):
            self.say(200, self.api.listed({name: values[0] for name, values in parse_qs(url.query).items()}))
        elif found := self.api.shown(url.path.rpartition("/")[2]):
            self.say(200, found)
        else:
            self.say(404, {"error": {"message": "not found"}})

    def fields(self) -> dict[str, str]:
        """Return the text fields of a multipart form; the file is read and let go."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = BytesParser().parsebytes(f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode() + body)
        parts: list[Any] = list(message.get_payload())
        names = [part.get_param("name", header="content-disposition") for part in parts]
        return {
            str(name): part.get_payload(decode=True).decode()
            for name, part in zip(names, parts, strict=True)
            if name != "audio_file"
        }

    def say(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
