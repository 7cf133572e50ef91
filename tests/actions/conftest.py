"""A recording with its file, and what looks at it again."""

from io import BytesIO

import pytest
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal.actions import pace
from callcov_portal.models import Analysis, Call, Signal
from tests.factories import AnalysisFactory, RecordingFactory
from tests.sounds import wav


@pytest.fixture
def queued(db) -> Analysis:
    """A queued analysis of a stored one-second recording, due now."""
    name = default_storage.save("2026/03/one.wav", File(BytesIO(wav())))
    return AnalysisFactory(recording=RecordingFactory(file=name))


def again(analysis: Analysis) -> Analysis:
    """Return the analysis as the database has it."""
    return Analysis.objects.get(pk=analysis.pk)


def make_due(analysis: Analysis) -> None:
    """Let the time of the next attempt have come."""
    Analysis.objects.filter(pk=analysis.pk).update(next_attempt_at=timezone.now())


def forget_the_limits() -> None:
    """Let the minute be over, and every pause."""
    Call.objects.all().delete()
    Signal.objects.filter(name__startswith=pace.PAUSE).delete()
