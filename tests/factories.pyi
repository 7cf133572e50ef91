"""What calling a factory gives: a row. (factory-boy's own types say it gives a factory.)"""

from datetime import datetime
from typing import Any, Protocol, TypeVar

from callcov_portal.models import Agent, Analysis, Contact, Document, Finding, Recording, Segment, User

Row = TypeVar("Row", covariant=True)

class Rows(Protocol[Row]):
    def __call__(self, **fields: Any) -> Row: ...
    def create(self, **fields: Any) -> Row: ...
    def create_batch(self, size: int, **fields: Any) -> list[Row]: ...

NOON: datetime
UserFactory: Rows[User]
AgentFactory: Rows[Agent]
ContactFactory: Rows[Contact]
RecordingFactory: Rows[Recording]
AnalysisFactory: Rows[Analysis]
ProcessingFactory: Rows[Analysis]
CompletedFactory: Rows[Analysis]
SegmentFactory: Rows[Segment]
FindingFactory: Rows[Finding]
DocumentFactory: Rows[Document]
