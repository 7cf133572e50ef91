"""Every page in a real browser, light and dark, wide and narrow: readable for all, no error of a script, nothing too wide."""

import pytest

from callcov_portal.actions import indexing
from tests.views.browsing import sign_in
from tests.working import work
from tools.screens.looking import WIDTHS, overheard, problems_in_each_scheme, visit
from tools.screens.pages import EMPTY, PAGES, Page
from tools.screens.scene import stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def errors(page, live_server, dora) -> list[str]:
    """What scripts and console of the page say goes wrong, while an administrator is signed in."""
    sign_in(page, live_server, dora)
    return overheard(page)


def wrong(page, address: str, one: Page, scene: dict) -> list[str]:
    """Return what is wrong with one page in any width and scheme."""
    found = []
    if one.is_public:
        page.context.clear_cookies()
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        visit(page, address + one.address(scene))
        found += [f"{one.name}, {width} px, {problem}" for problem in problems_in_each_scheme(page)]
    return found


def test_every_page_with_calls(page, live_server, errors, dora):
    scene = stage(dora, calls=120, agents=8, with_audio=1)
    assert all(scene.values()), "A page would be visited without what it is about."
    assert indexing.index() is False
    assert work("drawing", scene["call"])
    pages = sorted(PAGES, key=lambda one: one.is_public)  # the last sign out
    assert [each for one in pages for each in wrong(page, live_server.url, one, scene)] == []
    assert errors == []


def test_every_page_before_there_are_calls(page, live_server, errors):
    assert [each for one in EMPTY for each in wrong(page, live_server.url, one, {})] == []
    assert errors == []
