"""Masked words and silent seconds in a real browser."""

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import expect

from callcov_portal.actions import muting
from callcov_portal.models import Analysis, LogEntry, Muting, Recording, State, User
from tests.factories import CompletedFactory, FindingFactory, RecordingFactory, SegmentFactory, SpanFactory
from tests.sounds import wav
from tests.views.browsing import open_call, position, until
from tests.working import work
from tools.screens.looking import problems_in_each_scheme

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CARD = "4111 1111 1111 1111"
# How loud the player's own file is around a second: decoded by the browser, not by us.
LOUDNESS = """async (second) => {
  const bytes = await (await fetch(document.getElementById("audio").src)).arrayBuffer();
  const samples = (await new OfflineAudioContext(1, 1, 8000).decodeAudioData(bytes)).getChannelData(0);
  return Math.max(...samples.slice(second * 8000 - 400, second * 8000 + 400).map(Math.abs));
}"""


@pytest.fixture
def call(db) -> Recording:
    """Twenty seconds of a tone, of which seconds 5 to 7 are a card number."""
    recording = RecordingFactory(
        file=default_storage.save("a.wav", ContentFile(wav(20.0))), duration_seconds=20.0, channels=1
    )
    analysis = CompletedFactory(recording=recording)
    SegmentFactory(analysis=analysis, text="Your card number?", start=1.0, end=3.0)
    SegmentFactory(analysis=analysis, text=f"It is {CARD}.", masked="It is [card number].", start=4.0, end=8.0)
    SpanFactory(analysis=analysis, start=5.0, end=7.0)
    FindingFactory(analysis=analysis, title="Card", quote=CARD, start=5.0, end=7.0)
    muting.note_spans(recording.pk)
    return recording


@pytest.fixture
def made(call) -> Recording:
    assert work("muting", call.pk)
    return Recording.objects.get()


def give_the_right() -> None:
    User.objects.update(may_unmask=True)


def test_the_browser_plays_a_copy_whose_seconds_are_silent(page, made):
    open_call(page, made)
    assert page.evaluate("document.getElementById('audio').duration") == pytest.approx(20, abs=0.1)
    loud = [page.evaluate(f"({LOUDNESS})({second})") for second in (3, 6, 10)]
    assert np.array(loud) == pytest.approx([0.244, 0, 0.244], abs=0.01)
    expect(page.locator("#player .stretches summary")).to_have_text("1 silent place")
    page.locator("#player .stretches summary").click()
    page.locator("#player .stretches a.seek").click()
    until(page, "document.getElementById('audio').currentTime >= 5")
    expect(page.locator(".masked").first).to_contain_text("card number")
    assert CARD not in page.content()


def test_sensitive_data_is_shown_in_place_and_hidden_again(page, made):
    give_the_right()
    open_call(page, made)
    page.evaluate("document.getElementById('audio').currentTime = 9")
    page.get_by_role("button", name="Show sensitive data").click()
    expect(page.locator("#segments mark")).to_have_text(f"{CARD}.")
    expect(page.locator("#findings q")).to_have_text(CARD)
    assert position(page) == pytest.approx(9, abs=0.2)
    page.get_by_text("Your card number?").click()  # what came can be clicked like what was there
    until(page, "document.getElementById('audio').currentTime < 5")
    page.get_by_role("link", name="Hide it").click()
    expect(page.locator("#segments .masked")).to_be_visible()
    assert CARD not in page.content()
    assert [entry.act for entry in LogEntry.objects.all()] == ["sensitive data shown"]


def test_everything_is_heard_from_the_same_second_on(page, made):
    give_the_right()
    open_call(page, made)
    page.evaluate("document.getElementById('audio').currentTime = 9")
    page.get_by_role("link", name="Hear everything").click()
    expect(page.get_by_role("link", name="Silence them again")).to_be_visible()
    until(page, "document.getElementById('audio').currentTime >= 8.9")
    assert page.evaluate(f"({LOUDNESS})(6)") == pytest.approx(0.244, abs=0.01)
    page.locator("body").press("ArrowLeft")
    assert position(page) == pytest.approx(4, abs=0.2)
    page.get_by_role("link", name="Silence them again").click()
    expect(page.get_by_role("link", name="Hear everything")).to_be_visible()
    until(page, "document.getElementById('audio').currentTime >= 3.9")
    assert page.evaluate(f"({LOUDNESS})(6)") == 0
    assert [entry.act for entry in LogEntry.objects.all()] == ["sensitive data heard"]


def test_the_player_comes_by_itself_when_the_copy_is_made(page, call):
    page.goto(call.get_absolute_url())
    expect(page.locator("#player")).to_contain_text("Being muted")
    assert page.locator("#segments a.seek").count() == 0
    assert work("muting", call.pk)
    until(page, "document.getElementById('audio')?.readyState >= 1")
    expect(page.locator("#segments a.seek").first).to_be_visible()
    page.get_by_text("Your card number?").click()
    until(page, "document.getElementById('audio').currentTime >= 1")


def test_the_original_stops_when_results_bring_sensitive_seconds(page, call):
    Analysis.objects.update(state=State.PROCESSING)
    Recording.objects.update(muting=Muting.NONE)
    open_call(page, call)
    page.evaluate("document.getElementById('audio').currentTime = 9")
    Recording.objects.update(muting=Muting.DUE)
    Analysis.objects.update(state=State.COMPLETED)
    expect(page.locator("#player")).to_contain_text("Being muted")
    assert page.locator("audio").count() == 0
    assert work("muting", call.pk)
    until(page, "document.getElementById('audio')?.readyState >= 1")
    until(page, "document.getElementById('audio').currentTime >= 8.9")  # it goes on where it was
    assert page.evaluate(f"({LOUDNESS})(6)") == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_masked_and_unmasked_pages_are_accessible_and_fit(page, made, width):
    give_the_right()
    page.set_viewport_size({"width": width, "height": 844})

    def check() -> None:
        assert problems_in_each_scheme(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    open_call(page, made)
    page.locator("#player .stretches summary").click()
    check()
    page.get_by_role("button", name="Show sensitive data").click()
    expect(page.locator("#segments mark")).to_be_visible()
    check()
    page.goto("/calls/")
    check()
    for state in (Muting.DUE, Muting.FAILED):
        Recording.objects.update(muting=state, muting_at=None)
        page.goto(made.get_absolute_url())
        check()
