"""A recording with its file."""

from io import BytesIO

import pytest
from django.core.files.base import File
from django.core.files.storage import default_storage

from callcov_portal.models import Analysis
from tests.factories import AnalysisFactory, RecordingFactory
from tests.sounds import wav


@pytest.fixture
def queued(db) -> Analysis:
    """A queued analysis of a stored one-second recording, due now."""
    name = default_storage.save("2026/03/one.wav", File(BytesIO(wav())))
    return AnalysisFactory(recording=RecordingFactory(file=name))
