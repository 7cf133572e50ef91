"""The pages in a real browser: what scripts and polling do, and what the policy forbids."""

import pytest
from django.conf import settings
from playwright.sync_api import expect

from callcov_portal.models import Analysis, State
from callcov_portal.quality.models import Review
from tests.factories import (
    AgentFactory,
    CompletedFactory,
    ContactFactory,
    DocumentFactory,
    FindingFactory,
    ProcessingFactory,
    RecordingFactory,
    SegmentFactory,
)
from tests.rulesets import GREETING
from tests.views.browsing import EVIL, long_call, open_call, position, until
from tools.screens.looking import problems_in_each_scheme, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_click_on_a_segment_plays_from_there_and_marks_it(page):
    open_call(page, long_call())
    page.get_by_text("The second words.").click()
    until(page, "document.getElementById('audio').currentTime > 30")
    assert position(page) < 34
    expect(page.locator(".segment.now")).to_contain_text("The second words.")
    assert page.evaluate("document.getElementById('audio').paused") is False


def test_the_keys_play_seek_change_speed_and_walk_the_findings(page):
    open_call(page, long_call())
    page.locator("body").press("ArrowRight")
    page.locator("body").press("ArrowRight")
    page.locator("body").press("ArrowLeft")
    assert position(page) == pytest.approx(5, abs=0.5)
    page.locator("body").press(".")
    assert page.evaluate("document.getElementById('audio').playbackRate") == 1.25
    page.locator("body").press(",")
    page.locator("body").press("Space")
    until(page, "!document.getElementById('audio').paused")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Pause")
    page.locator("body").press("Space")
    until(page, "document.getElementById('audio').paused")
    page.locator("body").press("ArrowDown")
    expect(page.locator(".finding.here .title")).to_have_text("Nowhere")
    page.locator("body").press("ArrowDown")
    expect(page.locator(".finding.here .title")).to_have_text("Somewhere")
    until(page, "document.getElementById('audio').currentTime >= 37")  # 3 s before its evidence
    page.evaluate("document.getElementById('audio').currentTime = 42.9")
    until(page, "document.getElementById('audio').paused")  # 2 s after it
    assert position(page) < 44
    page.locator("body").press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_keys_are_letters_while_somebody_types(page):
    open_call(page, long_call())
    page.locator("#id_note").press_sequentially("a, b. c?")
    assert page.locator("#id_note").input_value() == "a, b. c?"
    assert position(page) == 0
    expect(page.locator("#keys")).to_be_hidden()


def test_the_keys_can_be_switched_off_for_good(page):
    call = long_call()
    open_call(page, call)
    page.locator("#show-keys").click()
    page.get_by_label("Use these keys").uncheck()
    page.get_by_role("button", name="Close").click()
    open_call(page, call)
    page.locator("body").press("ArrowRight")
    page.locator("body").press("?")
    expect(page.locator("#keys")).to_be_hidden()
    assert position(page) == 0


def test_half_an_hour_is_sought_without_loading_it(page):
    open_call(page, long_call(1800.0))
    page.evaluate("document.getElementById('scrub').value = 1440")
    page.locator("#scrub").dispatch_event("input")
    until(page, "document.getElementById('audio').currentTime >= 1440 && !document.getElementById('audio').seeking")
    expect(page.locator("#now")).to_have_text("24:00")
    loaded = "Array.from({length: audio.buffered.length}, (_, n) => audio.buffered.end(n) - audio.buffered.start(n))"
    assert sum(page.evaluate(loaded)) < 900  # seconds, of 1,800


def test_a_link_plays_the_second_of_a_finding(page):
    open_call(page, long_call())
    page.locator(".finding a.seek").click()
    until(page, "document.getElementById('audio').currentTime >= 40")
    assert page.url.endswith("/calls/1/") or "/audio/" not in page.url


def test_results_appear_when_the_analysis_finishes_while_the_sound_plays_on(page):
    call = long_call()
    analysis = Analysis.objects.get()
    Analysis.objects.update(state=State.PROCESSING, stage="transcribing", stage_fraction=0.3)
    open_call(page, call)
    expect(page.locator("#state")).to_contain_text("Transcribing 30 %")
    page.evaluate("document.getElementById('audio').currentTime = 7")
    Analysis.objects.update(state=State.COMPLETED)
    DocumentFactory(analysis=analysis, raw={"results": {"summary": "All is well."}})
    expect(page.get_by_text("All is well.")).to_be_visible()
    assert position(page) == pytest.approx(7, abs=0.5)
    expect(page.locator("#state")).not_to_have_attribute("hx-trigger", "every 2s")
    page.get_by_text("The second words.").click()  # what came later can be clicked like what was there
    until(page, "document.getElementById('audio').currentTime > 30")


def test_the_list_changes_by_itself_and_stops_asking(page):
    analysis = ProcessingFactory(stage_fraction=0.2)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/calls/rows/" in request.url else None)
    page.goto("/calls/")
    row = page.locator(f"#call-{analysis.recording.pk}")
    expect(row).to_contain_text("Analysing 20 %")
    Analysis.objects.move(analysis.pk, State.COMPLETED)
    expect(row).to_contain_text("Done")
    expect(page.locator("#news")).to_have_text("Nothing on this page is in work")
    count = len(asked)
    page.wait_for_timeout(3500)
    assert len(asked) == count > 0


def test_filters_act_at_once_and_stand_in_the_url(page):
    CompletedFactory(recording__agent=AgentFactory(identifier="nora"))
    ProcessingFactory()
    page.goto("/calls/")
    page.get_by_label("Done").check()
    page.wait_for_url("**/calls/?state=completed")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("#news")).to_have_text("1 call found")
    page.locator("#id_agent").click()
    expect(page.locator("#known-agents option")).to_have_count(2)
    page.go_back()
    page.wait_for_url("**/calls/")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_an_ended_session_sends_the_page_to_sign_in_and_keeps_the_note(page):
    call = long_call()
    open_call(page, call)
    page.locator("#id_note").press_sequentially("Typed with care.")
    page.locator("#review input[value=coach]").check()
    cookies = page.context.cookies()
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Save verdict").click()
    page.wait_for_url("**/login/?next=%2Fcalls%2F*")
    page.context.add_cookies([{key: cookie[key] for key in ("name", "value", "domain", "path")} for cookie in cookies])
    page.goto(call.get_absolute_url())
    expect(page.locator("#id_note")).to_have_value("Typed with care.")
    page.locator("#review input[value=coach]").check()
    page.get_by_role("button", name="Save verdict").click()
    expect(page.locator("#review")).to_contain_text("Saved.")
    expect(page.locator("#id_note")).to_have_value("")
    assert Review.objects.get().note == "Typed with care."


def test_an_ended_session_leaves_no_form_in_a_list_that_polls(page):
    ProcessingFactory()
    page.goto("/calls/")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.wait_for_url("**/login/?next=*")
    assert page.locator("table").count() == 0


def test_a_server_that_is_away_is_told_once(page):
    ProcessingFactory()
    page.goto("/calls/")
    page.route("**/calls/rows/*", lambda route: route.abort())
    expect(page.locator("#trouble")).to_contain_text("cannot be reached")
    assert page.locator("tbody tr").count() == 1


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_or_an_error_is_told_and_what_was_typed_is_kept(page, status):
    open_call(page, long_call(1.0))
    page.locator("#id_note").press_sequentially("Typed with care.")
    page.locator("#review input[value=fail]").check()
    page.route("**/review/", lambda route: route.fulfill(status=status, body="<form id='stray'></form>"))
    page.get_by_role("button", name="Save verdict").click()
    expect(page.locator("#trouble")).to_be_visible()
    expect(page.locator("#id_note")).to_have_value("Typed with care.")
    assert page.locator("#stray").count() == 0
    page.unroute("**/review/")
    page.get_by_role("button", name="Save verdict").click()
    expect(page.locator("#review")).to_contain_text("Saved.")


def test_texts_from_outside_run_nothing_on_any_page(page, troubles):
    page.on("dialog", lambda dialog: (troubles.append("dialog"), dialog.dismiss()))
    call = RecordingFactory(
        agent=AgentFactory(identifier=EVIL, name=EVIL),
        contact=ContactFactory(identifier=EVIL, name=EVIL),
        file_name=EVIL,
    )
    analysis = CompletedFactory(recording=call)
    SegmentFactory(analysis=analysis, text=EVIL)
    FindingFactory(analysis=analysis, title=EVIL, explanation=EVIL, quote=EVIL, start=1.0)
    DocumentFactory(analysis=analysis, raw={"results": {"summary": EVIL, EVIL: {EVIL: EVIL}}})
    ProcessingFactory(recording=RecordingFactory(agent=call.agent), stage=EVIL[:60])
    for path in (
        "/calls/",
        call.get_absolute_url(),
        f"{call.get_absolute_url()}edit/",
        f"{call.get_absolute_url()}delete/",
    ):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert page.locator("script:not([src]), img[src=x], svg:not(#marks, #pauses)").count() == 0
    page.goto("/calls/")
    page.locator("#id_agent").click()
    expect(page.locator("#known-agents option")).to_have_count(1)


@pytest.mark.parametrize("path", ["/calls/", "/calls/add/", "call", "edit", "delete", "/password/"])
def test_no_page_scrolls_sideways_on_a_telephone(page, path):
    call = long_call(1.0)
    call.agent = AgentFactory(identifier="x" * 190)
    call.file_name = "n" * 250
    call.save()
    page.set_viewport_size({"width": 390, "height": 844})
    own = {"call": "", "edit": "edit/", "delete": "delete/"}
    page.goto(call.get_absolute_url() + own[path] if path in own else path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_where_we_are_is_in_sight_in_the_navigation_of_a_telephone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/status/")
    expect(page.locator(".site-nav [aria-current]")).to_be_in_viewport(ratio=0.99)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_are_accessible(page, width):
    call = long_call(1.0)
    DocumentFactory(analysis=call.current_analysis, raw={"results": {"mood": {"flagged": True, "timestamp": 1.0}}})
    working, failed = ProcessingFactory(stage="transcribing", stage_fraction=0.4), ProcessingFactory()
    Analysis.objects.filter(pk=failed.pk).update(state=State.FAILED, failure="unsure", detail="The connection broke.")
    page.set_viewport_size({"width": width, "height": 844})
    paths = ["/calls/", "/calls/add/", "/password/", call.get_absolute_url(), f"{call.get_absolute_url()}delete/"]
    paths += [working.recording.get_absolute_url(), failed.recording.get_absolute_url(), "/calls/?text=nothing"]
    for path in paths:
        page.goto(path)
        assert [(path, problem) for problem in problems_in_each_scheme(page)] == []


def test_a_wrong_line_of_the_rules_is_selected_and_a_test_shows_its_findings_beside_the_text(page):
    page.goto("/rules/edit/")
    text = page.locator("#id_text")
    text.fill(GREETING.replace("severity: high", "sevrity: high"))
    page.locator("#id_talk").fill("Agent: Thank you for calling.")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#id_text_error")).to_contain_text("Line 7: 'sevrity' is unknown here")
    until(page, "document.activeElement.id === 'id_text'")
    selected = "(a => a.value.slice(a.selectionStart, a.selectionEnd))(document.getElementById('id_text'))"
    assert page.evaluate(selected) == "    sevrity: high"
    expect(text).to_have_attribute("aria-invalid", "true")
    text.fill(GREETING)
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("The agent greets")
    expect(page.locator("#id_text_error")).to_be_empty()
    expect(text).to_have_attribute("aria-invalid", "false")
    assert text.input_value() == GREETING
    long_call()
    page.get_by_role("button", name="What would change").click()
    expect(page.locator("#outcome")).to_contain_text("1 of 1 calls would change")
    assert violations(page) == []
