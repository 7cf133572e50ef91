"""A call that sounds the same as another, in a real browser: readable for all, and kept once that is confirmed."""

import pytest
from playwright.sync_api import expect

from callcov_portal.models import Analysis, Failure, Fate, State
from tests.factories import AnalysisFactory, BatchFactory, BatchItemFactory, CompletedFactory, RecordingFactory
from tools.screens.looking import problems_in_each_scheme

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WHY = (
    "Compared by their sound, 93% agrees in 2 min 1 s of speech (in two different calls about 50% does), and their lengths "
    "differ by 0.1 s. Nothing was sent."
)


KEEP_BOTH = "Keep both calls? This one is then sent too, and uses its minutes."


@pytest.fixture
def same() -> Analysis:
    """One call of a batch that was taken for another."""
    batch = BatchFactory()
    call = RecordingFactory(batch=batch)
    BatchItemFactory(batch=batch, fate=Fate.STORED, recording=call)
    return AnalysisFactory(
        recording=call, state=State.FAILED, failure=Failure.DUPLICATE, next_attempt_at=None, detail=WHY,
        duplicate_of=CompletedFactory().recording,
    )  # fmt: skip


def test_the_pages_keep_axes_rules_and_none_is_wider_than_a_telephone(page, same):
    for address in ("/calls/", same.recording.get_absolute_url(), same.recording.batch.get_absolute_url()):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(address)
        assert [(address, problem) for problem in problems_in_each_scheme(page)] == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_both_are_kept_from_the_list_once_that_is_confirmed(page, same):
    asked = []

    def answer(dialog):
        asked.append(dialog.message)
        (dialog.accept if len(asked) == 2 else dialog.dismiss)()

    page.goto("/calls/")
    page.on("dialog", answer)
    row = page.locator(f"#call-{same.recording_id}")
    expect(row).to_contain_text("Same sound as call #")
    button = page.get_by_role("button", name=f"Keep both: call #{same.recording_id}")
    button.click()
    assert page.url.endswith("/calls/")
    button.click()
    page.wait_for_url(f"**/calls/{same.recording_id}/")
    expect(page.locator("#state")).to_contain_text("Waiting")
    assert asked == [KEEP_BOTH, KEEP_BOTH]


def test_both_are_kept_on_the_page_of_the_call(page, same):
    page.goto(same.recording.get_absolute_url())
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    page.get_by_role("button", name="Keep both").click()
    expect(page.locator("#state")).to_contain_text("Waiting")
    assert asked == [KEEP_BOTH]
