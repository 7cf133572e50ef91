"""The main job in a real browser, on real recordings, with real speech recognition."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.whole.portal import PASSWORD

pytestmark = [pytest.mark.group, pytest.mark.browser, pytest.mark.speech, pytest.mark.timeout(400)]
CALLS = Path(__file__).resolve().parent.parent / "calls"
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "callcov_portal" / "examples"


def example(name: str) -> Path:
    """Return an example call, wherever it is kept."""
    return next(folder / name for folder in (CALLS, EXAMPLES) if (folder / name).exists())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-quic", "--no-first-run"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert troubles == []


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{address}/")


def test_upload_watch_read_listen_judge_and_export(new_group, page) -> None:
    group = new_group(CALLCOV_ENGINE_MODEL="base")
    group.start()
    address = group.address
    sign_in(page, address)

    page.get_by_role("link", name="Add calls").first.click()
    page.locator("#id_agent").fill("rachel")
    page.locator("#id_contact").fill("daniel")
    page.set_input_files("#id_files", [example("call1_payment.stereo.wav"), example("call2_complaint.mono.mp3")])
    page.locator("#send-files").click()
    stored = page.locator(".upload").get_by_role("link", name="call #")
    expect(stored).to_have_count(2, timeout=30_000)
    stereo = page.locator(".upload", has_text="stereo.wav").get_by_role("link").get_attribute("href")

    page.goto(f"{address}/calls/")
    expect(page.locator("#call-1, #call-2").filter(has_text="Done")).to_have_count(2, timeout=240_000)

    page.goto(f"{address}{stereo}")
    expect(page.locator("#segments")).to_contain_text("Northwind Insurance")
    expect(page.locator("#segments .masked", has_text="card number").first).to_be_visible()
    expect(page.locator("#player .stretches summary")).to_contain_text("silent place", timeout=30_000)
    expect(page.locator("#play")).to_be_visible(timeout=30_000)  # the muted copy is made by a worker
    segment = page.locator("#segments [data-start]").nth(8)
    start = float(segment.get_attribute("data-start") or "nan")
    assert start > 20
    segment.locator("a, button").first.click()
    page.wait_for_function("start => Math.abs(document.querySelector('#audio').currentTime - start) < 2", arg=start)

    page.get_by_label("Needs coaching").check()
    page.get_by_label("Note").fill("Explain the fee earlier.")
    page.get_by_role("button", name="Save verdict").click()
    expect(page.locator("body")).to_contain_text("Explain the fee earlier.")

    page.get_by_role("link", name="rachel").first.click()
    expect(page.get_by_role("heading", name="rachel")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="calls", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert sorted(row["call"] for row in rows) == ["1", "2"]
    assert {row["agent"] for row in rows} == {"rachel"}
    assert {row["verdict"] for row in rows} == {"coach", ""}
