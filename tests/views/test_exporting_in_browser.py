"""The page Exports in a real browser: columns move, rows are counted, and it can be read by all."""

import pytest
from playwright.sync_api import expect

from callcov_portal.actions import exporting, scheduling
from callcov_portal.exports import wish_for
from callcov_portal.models import ColumnChoice, Every
from tests.factories import AgentFactory, RecordingFactory
from tests.views.browsing import EVIL, sign_in
from tests.working import work
from tools.screens.looking import problems_in_each_scheme

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def address(page, live_server, dora) -> str:
    """The page for calls whose agent's name means harm, with exports of every state, as an administrator sees it."""
    sign_in(page, live_server, dora)
    RecordingFactory(agent=AgentFactory(identifier=EVIL))
    for filters in ("", "since=%3Cb%3E"):
        export = exporting.order(wish_for("calls").of(filters), dora)
        work("exporting", export.pk)
    exporting.order(wish_for("findings", "xlsx"), dora)
    scheduling.add(wish_for("calls").of("agent=%3Cimg%20src%3Dx%3E"), dora, Every.WEEK, 0, 6)
    return "/exports/?agent=%3Cimg%20src%3Dx%3E"


def test_the_page_keeps_axes_rules_and_nothing_hostile_runs(page, address):
    page.goto(address)
    page.locator("details.schedule summary").click()
    expect(page.locator("#rows")).to_have_text("0 rows")
    assert problems_in_each_scheme(page) == []
    assert page.locator("main img, main svg, main script").count() == 0
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_column_moves_by_keyboard_keeps_the_focus_and_is_remembered(page, address, dora):
    page.goto("/exports/")
    expect(page.locator("#rows")).to_have_text("1 row")
    page.focus("#down-call")
    page.keyboard.press("Enter")
    expect(page.locator("#columns li").first).to_contain_text("called_at")
    expect(page.locator("#down-call")).to_be_focused()
    page.uncheck("#col-agent")
    expect(page.locator("#columns")).to_contain_text("33 of 34 chosen")
    assert ColumnChoice.objects.get(user=dora).columns[:3] == ["called_at", "call", "contact"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.path().read_text().startswith("called_at,call,contact,")
