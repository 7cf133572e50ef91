"""What calling a factory gives: a row, and not a factory, as the types of factory-boy say."""

from datetime import datetime
from typing import Any, Protocol, TypeVar

from callcov_portal.models import (
    Agent,
    Analysis,
    Batch,
    BatchItem,
    Contact,
    Document,
    Finding,
    Recording,
    Segment,
    SensitiveSpan,
    User,
)

Row_co = TypeVar("Row_co", covariant=True)

class Rows(Protocol[Row_co]):
    def __call__(self, **fields: Any) -> Row_co: ...
    def create(self, **fields: Any) -> Row_co: ...
    def create_batch(self, size: int, **fields: Any) -> list[Row_co]: ...

NOON: datetime
UserFactory: Rows[User]
AgentFactory: Rows[Agent]
ContactFactory: Rows[Contact]
RecordingFactory: Rows[Recording]
AnalysisFactory: Rows[Analysis]
ProcessingFactory: Rows[Analysis]
CompletedFactory: Rows[Analysis]
SegmentFactory: Rows[Segment]
SpanFactory: Rows[SensitiveSpan]
FindingFactory: Rows[Finding]
DocumentFactory: Rows[Document]
BatchFactory: Rows[Batch]
ManifestFactory: Rows[Batch]
BatchItemFactory: Rows[BatchItem]
