"""A real browser, and a page in it in which alice is signed in. Playwright is read only by tests that ask for one."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WATCH = "document.addEventListener('securitypolicyviolation', e => console.error('VIOLATION ' + e.violatedDirective + ' ' + e.sample));"


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """The system's Chromium, which may play sound without being asked to."""
    from playwright.sync_api import sync_playwright

    # Playwright's loop makes Django believe that it is called from asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def troubles() -> list[str]:
    """What a page said went wrong: violations, script errors, dialogs."""
    return []


@pytest.fixture
def page(chromium, live_server, alice, troubles) -> "Iterator[Page]":
    """A page in which alice is signed in; nothing may go wrong in it unnoticed."""
    from tests.views.browsing import sign_in

    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    sign_in(page, live_server, alice)
    page.add_init_script(WATCH)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if "VIOLATION" in line.text else None)
    page.set_default_timeout(10_000)
    yield page
    context.close()
    assert troubles == []
