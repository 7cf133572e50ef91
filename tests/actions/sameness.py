"""Calls of which some sound the same, by made-up files that the fixture `hear` hears."""

from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from callcov_portal.actions import advancing, drawing, recognising
from callcov_portal.models import Analysis, Failure, Recording, State, Urgency
from tests.factories import AnalysisFactory, RecordingFactory
from tests.working import again


def added(says: str, seconds: float = 36.0, **fields: Any) -> Analysis:
    """A call that was just added, with what its file says."""
    name = default_storage.save("2026/03/one.wav", ContentFile(says.encode()))
    recording = RecordingFactory(file=name, duration_seconds=seconds, **fields)
    drawing.note_due(recording.pk, is_heard_first=True)
    return AnalysisFactory(recording=recording, needs_comparing=recognising.note_due(recording, Urgency.PERSON))


def sent(analysis: Analysis) -> bool:
    """Let a worker be rung for it, and say whether it was sent."""
    advancing.advance(analysis.pk)
    return again(analysis).state not in {State.QUEUED, State.FAILED}


def taken_for(analysis: Analysis) -> Recording | None:
    after = again(analysis)
    assert (after.state, after.failure) == (State.FAILED, Failure.DUPLICATE)
    assert not after.was_sent
    return after.duplicate_of
