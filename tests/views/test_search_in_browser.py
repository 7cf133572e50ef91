"""Search in a real browser: the key that leads there, the filters that come along, and the sound of one line."""

import pytest
from playwright.sync_api import expect

from callcov_portal.actions import indexing
from callcov_portal.models import Recording
from tests.factories import AgentFactory, CompletedFactory, ContactFactory, RecordingFactory, SegmentFactory
from tests.views.browsing import EVIL, long_call, until
from tools.screens.looking import problems_in_each_scheme

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def indexed(call: Recording) -> Recording:
    indexing.mark(call.pk)
    indexing.index()
    return call


def test_a_key_leads_from_the_calls_to_the_search_and_the_filters_come_along(page):
    nora = RecordingFactory(agent=AgentFactory(identifier="nora"))
    for call in (nora, RecordingFactory()):
        SegmentFactory(analysis=CompletedFactory(recording=call), text="I want a refund.")
        indexed(call)
    page.goto("/calls/?agent=nora&before=2090-01-01T00:00:00%2B00:00_1")
    page.locator("body").press("/")
    expect(page.locator("#words")).to_be_focused()
    page.locator("#words").press_sequentially("refund/")  # typed there, the key is a letter
    page.locator("#words").press("Enter")
    page.wait_for_url("**/search/?words=refund%2F&agent=nora")
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator(f"#hit-{nora.pk} mark")).to_have_text("refund")


def test_typing_and_choosing_find_at_once_and_back_undoes_it(page):
    indexed(long_call())
    page.goto("/search/")
    expect(page.locator("#words")).to_be_focused()
    page.fill("#words", "second")
    page.wait_for_url("**/search/?words=second")
    expect(page.locator(".hit")).to_have_count(1)
    page.get_by_label("The contact").check()
    page.wait_for_url("**/search/?words=second&who=contact")
    expect(page.get_by_text("No call matches")).to_be_visible()
    page.go_back()
    page.wait_for_url("**/search/?words=second")
    expect(page.locator(".hit")).to_have_count(1)


def test_a_line_is_heard_where_it_stands_and_ends_where_it_ends(page):
    call = indexed(long_call())
    page.goto("/search/?words=words")
    lines = page.locator("[data-play]")
    expect(lines).to_have_count(2)
    page.evaluate("document.getElementById('stretch-audio').playbackRate = 4")
    lines.nth(1).click()
    until(page, "document.getElementById('stretch-audio').currentTime > 29.6")
    expect(page.locator("#stretch-what")).to_have_text(f"#{call.pk} 0:30")
    until(page, "document.getElementById('stretch-audio').paused")
    assert 35 <= page.evaluate("document.getElementById('stretch-audio').currentTime") < 37
    expect(page.locator(".playing")).to_have_count(0)
    lines.nth(0).click()  # the same sound, another place
    until(page, "document.getElementById('stretch-audio').currentTime < 12")
    expect(page.locator(".playing")).to_have_count(1)
    lines.nth(0).click()
    until(page, "document.getElementById('stretch-audio').paused")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#stretch")).to_be_hidden()


def test_a_sound_that_is_gone_says_so(page):
    call = RecordingFactory(file="gone.wav")
    SegmentFactory(analysis=CompletedFactory(recording=call), text="I want a refund.")
    indexed(call)
    page.goto("/search/?words=refund")
    page.locator("[data-play]").click()
    expect(page.get_by_text("This sound cannot be played.")).to_be_visible()


def test_the_pages_keep_axes_rules_and_nothing_hostile_runs(page):
    call = RecordingFactory(agent=AgentFactory(name=EVIL), contact=ContactFactory(name=EVIL))
    analysis = CompletedFactory(recording=call)
    SegmentFactory(analysis=analysis, text=f"{EVIL} refund {EVIL}", start=0.5, end=2.0)
    SegmentFactory(analysis=analysis, text=f"long {'x' * 500} refund", speaker="unknown")
    indexed(call)
    for address in (
        "/search/",
        "/search/?words=refund",
        "/search/?words=%3Cscript%3E&who=agent",
        "/search/?words=zebra",
    ):
        page.goto(address)
        page.locator(".how summary").click()
        assert [(address, problem) for problem in problems_in_each_scheme(page)] == []
        assert page.locator("main img[src='x'], main svg, main script").count() == 0
        page.set_viewport_size({"width": 390, "height": 800})
        page.reload()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
        expect(page.locator("#search .rail details")).not_to_have_attribute("open", "")
        page.set_viewport_size({"width": 1280, "height": 800})
