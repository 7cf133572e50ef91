"""The list of calls in a real browser: keys, selecting, names on focus; and the pages around it, readable for all."""

import pytest
from playwright.sync_api import expect

from callcov_portal.actions import bulk
from callcov_portal.models import Analysis, BulkAct, BulkItem, Outcome, Recording, SavedView, State
from callcov_portal.models.selection import Selection
from tests.factories import (
    AgentFactory,
    CompletedFactory,
    ContactFactory,
    FindingFactory,
    ProcessingFactory,
    RecordingFactory,
)
from tests.views.browsing import EVIL
from tests.working import work
from tools.screens.looking import problems_in_each_scheme, violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_rows_are_walked_through_selected_and_opened_by_key(page):
    calls = [CompletedFactory().recording for _ in range(3)][::-1]
    page.goto("/calls/")
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator(f"#call-{calls[1].pk} input[name=call]")).to_be_checked()
    expect(page.locator("#picked")).to_have_text("1 selected")
    page.keyboard.press("k")
    expect(page.locator(f"#open-{calls[0].pk}")).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("x")
    expect(page.locator("#picked")).to_have_text("1 selected")
    page.keyboard.press("/")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("jx")
    expect(page.locator("#words")).to_have_value("jx")
    page.goto("/calls/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/calls/{calls[0].pk}/")


def test_keys_can_be_switched_off(page):
    CompletedFactory()
    page.goto("/calls/")
    page.keyboard.press("?")
    page.get_by_label("Use these keys").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    expect(page.locator("#calls tr.here")).to_have_count(0)
    page.reload()
    expect(page.locator("#list-keys-on")).not_to_be_checked()


@pytest.mark.parametrize("path", ["/calls/", "/search/?words=calling"])
def test_filters_are_folded_away_where_there_is_little_room_and_open_in_a_window_that_is_widened(page, path):
    CompletedFactory()
    filters = page.get_by_text("Filters", exact=True).locator("xpath=..")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path)
    expect(filters).not_to_have_attribute("open", "")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(filters).to_have_attribute("open", "")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    expect(filters).not_to_have_attribute("open", "")
    page.goto(f"{path}{'&' if '?' in path else '?'}state=completed")
    expect(filters).to_have_attribute("open", "")


def test_e_exports_what_is_shown(page):
    CompletedFactory()
    page.goto("/calls/?state=completed")
    with page.expect_download() as download:
        page.keyboard.press("e")
    assert "/exports/calls.csv?state=completed" in download.value.url


def test_what_is_selected_outlives_news_of_its_row(page):
    analysis = ProcessingFactory()
    page.goto("/calls/")
    row = page.locator(f"#call-{analysis.recording.pk}")
    row.locator("input[name=call]").check()
    Analysis.objects.update(state=State.COMPLETED)
    Recording.objects.update(state=State.COMPLETED)
    expect(row.locator(".chip")).to_contain_text("Done", timeout=8000)
    expect(row.locator("input[name=call]")).to_be_checked()
    expect(page.locator("#picked")).to_have_text("1 selected")


def test_what_left_the_page_is_not_meant_any_more(page):
    done, other = CompletedFactory().recording, RecordingFactory()
    page.goto("/calls/")
    page.locator("#pick-page").check()
    expect(page.locator("#picked")).to_have_text("2 selected")
    page.locator("label", has_text="Done").click()
    expect(page.locator(f"#call-{other.pk}")).to_have_count(0)
    expect(page.locator("#picked")).to_have_text("1 selected")
    page.locator("#bulk-act").select_option("delete")
    page.locator("#bulk button").click()
    expect(page.locator("h1")).to_have_text("Delete: 1 call")
    assert list(BulkItem.objects.values_list("number", flat=True)) == [done.pk]


def test_the_names_behind_the_counts_come_on_focus(page):
    FindingFactory(title="States the purpose", outcome=Outcome.OMITTED)
    page.goto("/calls/")
    page.locator(".moments").focus()
    expect(page.locator(".moments .tip")).to_contain_text("States the purpose")
    expect(page.locator(".moments .tip")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_keep_axes_rules_fit_the_screen_and_nothing_hostile_runs(page, alice, width):
    page.set_viewport_size({"width": width, "height": 900})
    call = RecordingFactory(agent=AgentFactory(name=EVIL), contact=ContactFactory(name=EVIL), file_name=EVIL)
    FindingFactory(analysis=CompletedFactory(recording=call), title=EVIL, outcome=Outcome.VIOLATED)
    SavedView.objects.create(owner=alice, name=EVIL[:60], query="state=failed")
    jobs = [bulk.ask(alice, act, Selection()) for act in (BulkAct.CORRECT, BulkAct.DELETE, BulkAct.RETRY)]
    bulk.confirm(jobs[2], alice)
    work("bulk", jobs[2].pk)
    addresses = ["/calls/", "/calls/?text=zebra", "/calls/columns/", "/calls/views/?query=state%3Dfailed"]
    for address in [*addresses, *(f"/calls/bulk/{job.pk}/" for job in jobs)]:
        page.goto(address)
        if page.locator(".moments").count():
            page.locator(".moments").first.focus()
        assert [(address, problem) for problem in problems_in_each_scheme(page)] == []
        assert page.locator("main img[src='x'], main svg, main script").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
