"""Agents, contacts, status and people in a real browser: readable for all, and nothing hostile runs."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import expect

import callcov_portal
from callcov_portal.actions import gateway, sweeping
from callcov_portal.models import Failure, LogEntry, Outcome, Role, State
from tests.conftest import person
from tests.factories import (
    AgentFactory,
    AnalysisFactory,
    CompletedFactory,
    ContactFactory,
    FindingFactory,
    RecordingFactory,
)
from tests.views.browsing import EVIL, sign_in
from tests.views.test_status import signal
from tools.screens.looking import problems_in_each_scheme

EXAMPLES = Path(callcov_portal.__file__).parent / "examples"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages(page, live_server, dora) -> list[str]:
    """Addresses of every page of this half, full of text that means harm, as an administrator sees them."""
    sign_in(page, live_server, dora)
    agent, contact = AgentFactory(identifier=EVIL, name=EVIL), ContactFactory(identifier=EVIL, name=EVIL)
    analysis = CompletedFactory(recording=RecordingFactory(agent=agent, contact=contact))
    for outcome in Outcome:
        FindingFactory(analysis=analysis, check_id=EVIL[:70] + outcome, title=EVIL, outcome=outcome)
    AnalysisFactory(state=State.FAILED, failure=Failure.NOT_AUDIO, next_attempt_at=None)
    LogEntry.objects.create(user=dora, act="edited", recording_number=analysis.recording_id, text=EVIL)
    signal(sweeping.SWEPT)
    signal(gateway.TROUBLE, 60, EVIL)
    person("bob", Role.REVIEWER)
    return [
        "/agents/?weeks=all", f"/agents/{agent.pk}/?weeks=all", "/agents/?text=%3Cscript%3E", f"/agents/{agent.pk}/?week=%3Cb%3E",
        f"/contacts/{contact.pk}/", "/contacts/", "/status/", "/people/", "/no-such-page/", "/?weeks=all", f"/agents/{agent.pk}/edit/", "/agents/import/",
    ]  # fmt: skip


def test_the_pages_keep_axes_rules_and_nothing_hostile_runs(page, pages):
    for address in pages:
        page.goto(address)
        for summary in page.locator("details.act summary").all():
            summary.click()
        assert [(address, problem) for problem in problems_in_each_scheme(page)] == []
        assert page.locator("main img[src='x'], main svg:not(.chart, .range), main script").count() == 0


def test_nothing_is_wider_than_a_telephone(page, pages):
    page.set_viewport_size({"width": 390, "height": 800})
    for address in pages:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_typing_finds_an_agent_and_back_brings_all_of_them_back(page, pages):
    AnalysisFactory(recording__agent__identifier="nobody's")
    AnalysisFactory(recording__agent__identifier="nora")
    page.goto("/agents/?weeks=all")
    page.fill("#id_text", "nor")
    page.wait_for_url("**/agents/?text=nor*")
    expect(page.locator("#people tbody tr")).to_have_count(1)
    page.go_back()
    page.wait_for_url("**/agents/?weeks=all")
    expect(page.locator("#people tbody tr")).to_have_count(4)


def test_evidence_plays_just_its_seconds(page, pages):
    name = default_storage.save("2026/03/clip.mp3", ContentFile((EXAMPLES / "call2_complaint.mono.mp3").read_bytes()))
    analysis = CompletedFactory(recording=RecordingFactory(file=name, format="mp3", mime="audio/mpeg"))
    FindingFactory(analysis=analysis, outcome=Outcome.VIOLATED, quote="That is not my problem.", start=5.0, end=5.8)
    page.goto(f"/agents/{analysis.recording.agent_id}/?weeks=all")
    page.click(".play-clip")
    expect(page.locator(".play-clip.playing")).to_have_count(1)
    expect(page.locator(".play-clip.playing")).to_have_count(0)
    assert 5.8 <= page.evaluate("document.getElementById('clip-sound').currentTime") < 8
