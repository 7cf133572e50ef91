"""A page in a real browser: opened, looked over for what nobody may find there, and taken as a picture."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Error, Page, sync_playwright
from playwright.sync_api import TimeoutError as TooLate

WIDTHS = {1440: 900, 390: 844}  # with the heights of such screens
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
COLOUR_RULES = ("color-contrast", "link-in-text-block")  # of axe's; the others' answers are the same in every scheme
TALLEST = 1500  # of a picture: below that a page repeats itself
QUALITY = 24  # of WebP: letters are still crisp, and all pictures take a few MB
FLAGS = ("--no-sandbox", "--disable-quic", "--no-first-run", "--hide-scrollbars")
ASKED_FOR = "Failed to load resource"  # the browser's line for every 404, also for a page that is meant to be one


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        yield browser
        browser.close()


def overheard(page: Page) -> list[str]:
    """Return a list that fills with the errors that scripts and console of a page tell."""
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on(
        "console",
        lambda line: told.append(line.text) if line.type == "error" and ASKED_FOR not in line.text else None,
    )
    return told


def visit(page: Page, address: str) -> None:
    """Go to a page and wait until it has what it fetches later: the pages poll, so silence is not waited for long."""
    page.goto(address)
    with suppress(TooLate):
        page.wait_for_load_state("networkidle", timeout=4000)
    with suppress(TooLate):  # the waveform is drawn by a worker
        if page.locator(".scrubber").count():
            page.locator(".scrubber.drawn").wait_for(timeout=4000)


def problems(page: Page) -> list[str]:
    """Return what is wrong with the page that is shown: axe's rules, and anything wider than the screen."""
    width, wide = page.viewport_size, int(page.evaluate("document.documentElement.scrollWidth"))
    too_wide = [f"{wide} px wide on a screen of {width['width']} px"] if width and wide > width["width"] else []
    return violations(page) + too_wide


def problems_in_each_scheme(page: Page) -> list[str]:
    """Return what is wrong with the page that is shown, when light and when dark: all in one, and in the other its colours.

    The style sheets give the dark scheme other colours and nothing else; `tests/views/test_templates.py` holds them to it.
    """
    light, dark = SCHEMES
    page.emulate_media(color_scheme=light, reduced_motion="reduce")
    found = [f"{light}: {one}" for one in problems(page)]
    page.emulate_media(color_scheme=dark)
    return found + [f"{dark}: {one}" for one in violations(page, *COLOUR_RULES)]


def violations(page: Page, *only: str) -> list[str]:
    """Return where the page that is shown breaks axe's rules, or only some of them.

    Without `preload`, by which axe would write styles into the page, against its policy, to see how it lies when turned.
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    rules = {"runOnly": {"type": "rule", "values": list(only)}} if only else {}
    options = {"preload": False, "resultTypes": ["violations"], **rules}
    broken = page.evaluate("async options => (await axe.run(options)).violations", options)
    return [
        f"{rule['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for rule in broken
        for node in rule["nodes"]
    ]


# What keeps to the lower edge of the window would lie in the middle of a picture that is taller than that.
LET_GO = "document.querySelectorAll('.send-bar').forEach(bar => { bar.style.position = 'static' })"


def picture(page: Page, path: Path) -> None:
    """Take the page from its top to its end, or as far as is worth it, as WebP; Playwright itself knows no WebP."""
    size = page.viewport_size or {"width": 1440, "height": 900}
    page.evaluate(LET_GO)
    tall = max(size["height"], min(TALLEST, int(page.evaluate("document.documentElement.scrollHeight"))))
    clip: dict[str, Any] = {"x": 0, "y": 0, "width": size["width"], "height": tall, "scale": 1}
    session = page.context.new_cdp_session(page)
    try:
        taken = session.send(
            "Page.captureScreenshot",
            {"format": "webp", "quality": QUALITY, "captureBeyondViewport": True, "clip": clip},
        )
    except Error as error:
        raise RuntimeError(f"{page.url} cannot be taken: {error}") from error
    finally:
        session.detach()
    path.write_bytes(base64.b64decode(taken["data"]))
