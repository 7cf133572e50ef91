"""An API in memory, with the faults of a real one, in place of `gateway.api()`."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from callcov_portal.client.errors import NotFound
from callcov_portal.client.parsing import parse_analysis
from callcov_portal.client.types import AnalysisSnapshot, ListPage, RateLimit

COMPLIANCE = {
    "identity_verification": {"verified": True, "timestamp": 1.0, "flagged": False},
    "mandatory_disclosures": {
        "read": False,
        "matched_disclosures": ["call_recording_notice"],
        "missing_disclosures": ["cooling_off"],
    },
    "purpose_declaration": {"disclosed": True, "interaction_number": 1, "flagged": False},
    "prohibited_phrases": {"used": True, "instances": [{"text": "calm down", "timestamp": 4.0}]},
    "sensitive_data": {"shared": False, "instances": []},
}
SEGMENTS = [
    {"speaker": "A", "text": "Thank you for calling, this is Rachel.", "start": 0.5, "end": 3.0},
    {"speaker": "B", "text": "Hello.", "start": 3.2, "end": 3.8},
    {"speaker": "A", "text": "Please calm down.", "start": 4.0, "end": 5.0},
]


@dataclass
class FakeApi:
    """What was created is kept by id; `trouble` is raised by the next calls, one each."""

    echoes_webhook_url: bool = True
    created: dict[str, AnalysisSnapshot] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    lose_answer: Exception | None = None  # the create arrives, the answer does not
    calls: list[str] = field(default_factory=list)
    last_rate: RateLimit | None = None

    def raise_trouble(self, call: str) -> None:
        self.calls.append(call)
        if self.trouble:
            raise self.trouble.pop(0)

    def create_from_file(self, *, path: Any, idempotency_key: str, **fields: Any) -> AnalysisSnapshot:
        self.raise_trouble("create")
        self.sent.append(
            {
                "bytes": path.read_bytes() if isinstance(path, Path) else path.read(),
                "idempotency_key": idempotency_key,
                **fields,
            }
        )
        snapshot = AnalysisSnapshot(
            id=str(uuid.uuid4()),
            status="processing",
            created=datetime.now(UTC),
            agent_id=fields["agent_id"],
            contact_id=fields["contact_id"],
            webhook_url=fields["webhook_url"] if self.echoes_webhook_url else None,
        )
        self.created[snapshot.id] = snapshot
        if self.lose_answer:
            raise self.lose_answer
        return snapshot

    def get(self, id: str) -> AnalysisSnapshot:  # noqa: A002
        self.raise_trouble("get")
        if id not in self.created:
            raise NotFound("The API does not know it.", status=404)
        return self.created[id]

    def list(self, *, status_filter: str | None = None, limit: int = 100, offset: int = 0, **filters: Any) -> ListPage:
        """The newest first."""
        self.raise_trouble("list")
        found = [
            snapshot
            for snapshot in reversed(self.created.values())
            if status_filter in {None, snapshot.status}
            and all(getattr(snapshot, name) == value for name, value in filters.items())
        ]
        page = tuple(found[offset : offset + limit])
        return ListPage(page, more=len(found) > offset + limit, received=len(page))

    def iterate(self, *, page: int = 100, cap: int = 10_000, **filters: Any) -> Iterator[AnalysisSnapshot]:
        yield from self.list(limit=cap, **filters).snapshots

    def finish(self, id: str, **changes: Any) -> None:  # noqa: A002
        """Complete an analysis as the documented example does."""
        document = completed_document(id, self.created[id])
        self.created[id] = replace(parse_analysis(document), webhook_url=self.created[id].webhook_url, **changes)

    def fail(self, id: str, message: str) -> None:  # noqa: A002
        self.created[id] = replace(self.created[id], status="failed", error_message=message)


def completed_document(id: str, snapshot: AnalysisSnapshot) -> dict[str, Any]:  # noqa: A002
    """Return the API's document of a completed analysis."""
    return {
        "id": id,
        "object": "analysis",
        "created": int(datetime.now(UTC).timestamp()),
        "status": "completed",
        "call": {"agent_id": snapshot.agent_id, "contact_id": snapshot.contact_id, "duration_seconds": 5.0},
        "transcript": {"text": "", "language": "en", "segments": SEGMENTS},
        "results": {"compliance": COMPLIANCE, "quality": {"greeting": {"flagged": True, "timestamp": 0.6}}},
        "metadata": {"webhook_url": snapshot.webhook_url},
    }
