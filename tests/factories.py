"""Rows for tests."""

from datetime import UTC, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from callcov_portal.actions import tallying
from callcov_portal.models import (
    Agent,
    Analysis,
    Batch,
    BatchItem,
    BatchState,
    Contact,
    Document,
    Finding,
    Outcome,
    Recording,
    Segment,
    SensitiveSpan,
    Speaker,
    State,
    User,
    Way,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")


class AgentFactory(DjangoModelFactory[Agent]):
    class Meta:
        model = Agent

    identifier = factory.Sequence(lambda n: f"agent-{n}")


class ContactFactory(DjangoModelFactory[Contact]):
    class Meta:
        model = Contact

    identifier = factory.Sequence(lambda n: f"contact-{n}")


class RecordingFactory(DjangoModelFactory[Recording]):
    """A stored file with no analysis yet."""

    class Meta:
        model = Recording

    agent = factory.SubFactory(AgentFactory)
    contact = factory.SubFactory(ContactFactory)
    called_at = factory.Sequence(lambda n: NOON + timedelta(minutes=n))
    file = factory.Sequence(lambda n: f"2026/03/{n}.wav")
    file_name = factory.Sequence(lambda n: f"call-{n}.wav")
    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    size_bytes = 16_044
    format = "wav"
    mime = "audio/wav"
    duration_seconds = 125.5
    channels = 2


class AnalysisFactory(DjangoModelFactory[Analysis]):
    """A queued analysis, which is its recording's current one."""

    class Meta:
        model = Analysis
        skip_postgeneration_save = True

    recording = factory.SubFactory(RecordingFactory)
    next_attempt_at = factory.LazyFunction(lambda: datetime.now(UTC) - timedelta(seconds=1))

    @factory.post_generation
    def current(self, create: bool, extracted: bool | None, **_kwargs) -> None:
        if create and extracted is not False:
            shown = {"state": self.state, "failure": self.failure}
            Recording.objects.filter(pk=self.recording.pk).update(current_analysis=self, **shown)
            self.recording.current_analysis = self
            tallying.retally(self.recording.pk)


class ProcessingFactory(AnalysisFactory):
    """Accepted by the API."""

    state = State.PROCESSING
    submissions = 1
    external_id = factory.Faker("uuid4")
    api_url = "the embedded engine"
    sent_at = factory.LazyFunction(lambda: datetime.now(UTC))
    accepted_at = factory.LazyFunction(lambda: datetime.now(UTC))
    news_at = factory.LazyFunction(lambda: datetime.now(UTC))


class CompletedFactory(ProcessingFactory):
    """Finished, without transcript and findings (see the factories below)."""

    state = State.COMPLETED
    next_attempt_at = None
    finished_at = factory.LazyFunction(lambda: datetime.now(UTC))


class SegmentFactory(DjangoModelFactory[Segment]):
    class Meta:
        model = Segment

    analysis = factory.SubFactory(CompletedFactory)
    position = factory.Sequence(lambda n: n)
    label = "A"
    speaker = Speaker.AGENT
    text = "Thank you for calling."
    start = 0.5
    end = 2.5


class SpanFactory(DjangoModelFactory[SensitiveSpan]):
    """Somebody says a card number."""

    class Meta:
        model = SensitiveSpan

    analysis = factory.SubFactory(CompletedFactory)
    kind = "card_number"
    speaker = Speaker.CONTACT
    start = 2.0
    end = 3.0


class FindingFactory(DjangoModelFactory[Finding]):
    """One finding, counted."""

    class Meta:
        model = Finding
        skip_postgeneration_save = True

    analysis = factory.SubFactory(CompletedFactory)
    position = factory.Sequence(lambda n: n)
    check_id = "identity_verification"
    title = "Identity verification"
    outcome = Outcome.MET

    @factory.post_generation
    def counted(self, create: bool, _extracted: object, **_kwargs) -> None:
        if create:
            tallying.retally(self.analysis.recording_id)


class DocumentFactory(DjangoModelFactory[Document]):
    class Meta:
        model = Document

    analysis = factory.SubFactory(CompletedFactory)
    raw = factory.LazyFunction(dict)
    received_at = factory.LazyFunction(lambda: datetime.now(UTC))


class BatchFactory(DjangoModelFactory[Batch]):
    """Some files chosen at once, of one agent."""

    class Meta:
        model = Batch

    way = Way.FILES
    agent = "rachel"


class ManifestFactory(BatchFactory):
    """A manifest that was read and checked, without rows."""

    way = Way.MANIFEST
    name = "march.csv"
    state = BatchState.CHECKED
    manifest = "2026/03/march.manifest"
    columns = factory.LazyFunction(
        lambda: {
            "names": ["link", "agent"],
            "rows": [["https://f.example/a.wav", "nora"]],
            "places": {"link": 0, "agent": 1},
            "day_first": None,
        }
    )


class BatchItemFactory(DjangoModelFactory[BatchItem]):
    """A file of which nothing has become yet."""

    class Meta:
        model = BatchItem

    batch = factory.SubFactory(BatchFactory)
    position = factory.Sequence(lambda n: n + 1)
    name = factory.LazyAttribute(lambda item: f"call-{item.position}.wav")
