"""Recordings that were there before waveforms are to be drawn."""

from importlib import import_module

import pytest
from django.apps import apps

from callcov_portal.models import Waveform
from tests.factories import RecordingFactory

migration = import_module("callcov_portal.migrations.0011_waveforms")


@pytest.mark.django_db
def test_what_has_a_file_becomes_due_once(monkeypatch) -> None:
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    there = {RecordingFactory().pk for _ in range(5)}
    RecordingFactory(file="", link="https://example.org/a.wav")
    for _ in range(2):
        migration.make_due(apps, None)
        assert {one.pk for one in Waveform.objects.exclude(due_at=None)} == there
