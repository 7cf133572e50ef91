"""Adding calls in a real browser: files and folders, patterns, networks that break, tabs that are closed."""

import re
import time
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from callcov_portal.actions import file_patterns
from callcov_portal.models import Batch, BatchItem, BatchState, Fate, Recording
from callcov_portal.storage import StorageAway
from callcov_portal.uploads import incoming_folder
from tests.soak import many, tell
from tests.sounds import wav

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def folder_of(count: int, place: Path, seconds: float = 0.1) -> Path:
    """Return a folder with sounds in it, whose names tell agent and contact."""
    folder = place / "march"
    folder.mkdir()
    for n in range(count):
        (folder / f"nora_c{n}.wav").write_bytes(wav(seconds, seed=n))
    return folder


def sum_is(where: Page, text: str) -> None:
    expect(where.locator("#sum")).to_have_text(text, timeout=30_000)


def test_each_file_has_its_own_fate_and_the_sum_is_shown(page, tmp_path):
    folder = folder_of(3, tmp_path)
    (folder / "notes.wav").write_bytes(b"no sound")
    (folder / "z copy.wav").write_bytes(wav(0.1, seed=0))
    page.goto("/calls/add/")
    page.locator("#id_files").set_input_files([str(path) for path in sorted(folder.iterdir())])
    sum_is(page, "5 files: 5 chosen")
    page.get_by_role("button", name="Add 5 files").click()
    expect(page.locator("#files-said")).to_have_text("Say which agent spoke: 5 files have none in their names.")
    assert not Batch.objects.exists()
    page.locator("#id_agent").fill("otto")
    page.get_by_role("button", name="Add 5 files").click()
    sum_is(page, "5 files: 3 stored, 1 duplicate, 1 refused")
    expect(page.locator("#sums")).to_have_text(
        "5 in this batch = 3 waiting + 0 working + 0 done + 1 failed + 1 duplicates + 0 cancelled"
    )
    expect(page.locator('[data-state="duplicate"] .fate a')).to_have_attribute(
        "href", Recording.objects.get(file_name="nora_c0.wav").get_absolute_url()
    )
    expect(page.locator('[data-state="refused"] .name')).to_have_text("notes.wav")
    assert Batch.objects.get().state == BatchState.CLOSED


def test_names_are_read_by_a_pattern_while_it_is_typed_and_corrected_in_place(page, tmp_path):
    file_patterns.keep(None, team="North", name="x", text="{agent}_{contact}", position=0)
    page.goto("/calls/add/")
    page.locator("#id_folder").set_input_files(str(folder_of(3, tmp_path)))
    agents = page.locator('.cell[data-field="agent"]')
    expect(agents).to_have_text(["no agent"] * 3)
    page.locator("#id_pattern").fill("{agent}_{kontakt}")
    expect(page.locator("#pattern-wrong")).to_contain_text("Line 1, character 9: {kontakt} is not known")
    page.locator("#kept-patterns").select_option(label="North")
    expect(agents).to_have_text(["nora"] * 3)
    expect(page.locator("#pattern-wrong")).to_be_hidden()
    expect(page.locator('.cell[data-field="contact"]')).to_have_text(["c0", "c1", "c2"])
    expect(page.locator(".length")).to_have_text(["0:00"] * 3)
    agents.first.click()
    page.locator(".editing").fill("sam")
    page.keyboard.press("Enter")
    expect(agents).to_have_text(["sam", "nora", "nora"])
    page.locator(".pick").nth(1).check()
    page.locator(".pick").nth(2).check()
    page.locator("#set-contact").fill("c-all")
    page.get_by_role("button", name="Set").click()
    expect(page.locator('.cell[data-field="contact"]')).to_have_text(["c0", "c-all", "c-all"])
    page.get_by_role("button", name="Add 3 files").click()
    sum_is(page, "3 files: 3 stored")
    calls = Recording.objects.order_by("file_name").values_list("agent__identifier", "contact__identifier")
    assert list(calls) == [("sam", "c0"), ("nora", "c-all"), ("nora", "c-all")]
    assert [item.name for item in BatchItem.objects.all()] == [f"march/nora_c{n}.wav" for n in range(3)]


def test_what_is_not_here_is_cancelled_one_by_one_or_all_at_once(page, tmp_path):
    folder = folder_of(5, tmp_path)
    page.goto("/calls/add/")
    page.locator("#id_agent").fill("otto")
    page.locator("#id_files").set_input_files([str(path) for path in sorted(folder.iterdir())])
    page.route("**/calls/add/uploads/", lambda route: None)  # they are never answered
    page.locator(".remove").first.click()
    page.get_by_role("button", name="Add 4 files").click()
    expect(page.locator("#sum")).to_contain_text("3 being sent, 1 waiting")
    page.locator(".remove").last.click()
    expect(page.locator('[data-state="cancelled"]')).to_have_count(1)
    page.get_by_role("button", name="Cancel all").click()
    sum_is(page, "4 files: 4 cancelled")
    assert Counter(BatchItem.objects.values_list("fate", flat=True)) == {Fate.CANCELLED: 4}
    assert not list(incoming_folder().glob("*.part"))
    page.unroute_all(behavior="ignoreErrors")


def slowly(route) -> None:
    time.sleep(0.7)
    route.continue_()


FILES = many(200, 60)
CUT = many(10_000, 1_500)  # milliseconds


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_many_files_survive_a_cut_network_and_a_closed_tab(page, tmp_path):
    folder = folder_of(FILES, tmp_path)
    page.goto("/calls/add/")
    page.locator("#id_pattern").fill("{agent}_{contact}")
    page.locator("#id_folder").set_input_files(str(folder))
    page.get_by_role("button", name=f"Add {FILES} files").click()
    expect(page.locator('[data-state="stored"]').nth(FILES // 10)).to_be_attached(timeout=60_000)
    page.context.set_offline(True)
    expect(page.locator('[data-state="paused"]').first).to_contain_text("No network", timeout=20_000)
    page.wait_for_timeout(CUT)
    page.context.set_offline(False)
    expect(page.locator('[data-state="stored"]').nth(FILES * 3 // 10)).to_be_attached(timeout=60_000)
    page.close()
    stored = Recording.objects.count()
    assert FILES * 3 // 10 <= stored < FILES
    page = page.context.new_page()
    page.route("**/batches/*/?after=*", slowly)  # the folder is chosen before the page knows what is expected
    page.goto("/calls/add/")
    expect(page.locator(".unfinished")).to_contain_text(f"of {FILES} files are not here yet of march")
    page.locator("#id_folder").set_input_files(str(folder))
    expect(page.locator("#sum")).to_have_text(f"{FILES} files: {FILES} stored", timeout=120_000)
    assert Recording.objects.count() == FILES
    assert Counter(BatchItem.objects.values_list("fate", flat=True)) == {Fate.STORED: FILES}
    assert Recording.objects.filter(batch=Batch.objects.get()).count() == FILES


def test_a_file_that_is_half_here_goes_on_where_it_broke_off(page, tmp_path):
    sound = tmp_path / "long.wav"
    sound.write_bytes(wav(30.0))
    page.goto("/calls/add/")
    page.locator("#id_agent").fill("otto")
    page.locator("#id_files").set_input_files(str(sound))
    page.route("**/calls/add/uploads/*/", lambda route: route.abort())
    with page.expect_request("**/calls/add/uploads/*/"):
        page.get_by_role("button", name="Add 1 file").click()
    part = next(incoming_folder().glob("*.part"))
    part.write_bytes(sound.read_bytes()[:100_000])
    page.close()
    page = page.context.new_page()
    offsets: list[str] = []
    page.on("request", lambda one: offsets.append(one.headers["upload-offset"]) if one.method == "PATCH" else None)
    page.goto("/calls/add/")
    page.locator("#id_files").set_input_files(str(sound))
    sum_is(page, "1 file: 1 stored")
    assert offsets == ["100000"]


def test_a_storage_that_is_away_is_told_and_what_came_is_taken_in_once_it_is_back(page, tmp_path, monkeypatch):
    def away(*_given, **_more):
        raise StorageAway("refused")

    folder = folder_of(2, tmp_path)
    page.goto("/calls/add/")
    page.locator("#id_agent").fill("otto")
    page.locator("#id_folder").set_input_files(str(folder))
    with monkeypatch.context() as patched:
        patched.setattr("callcov_portal.actions.shelving.shelve", away)
        page.get_by_role("button", name="Add 2 files").click()
        said = "Kept here until the storage answers."
        for row in (0, 1):
            expect(page.locator('[data-state="paused"]').nth(row)).to_contain_text(said, timeout=30_000)
        sum_is(page, "2 files: 2 paused")
    assert len(list(incoming_folder().glob("*.part"))) == 2
    assert not Recording.objects.exists()
    sent: list[bytes] = []
    page.on("request", lambda one: sent.append(one.post_data_buffer or b"") if one.method == "PATCH" else None)
    page.get_by_role("button", name="Try 2 files again").click()
    sum_is(page, "2 files: 2 stored")
    assert not any(sent), "what was here was sent again"


def test_a_folder_that_is_dropped_is_read_to_its_bottom(page, tmp_path):
    folder = folder_of(150, tmp_path)  # a browser hands out a folder by the hundred
    deep = folder / "week 1" / "monday"
    deep.mkdir(parents=True)
    (deep / "otto_c9.wav").write_bytes(wav(0.1, seed=999))
    page.goto("/calls/add/")
    box = page.locator("#drop").bounding_box()
    dropped = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    hand = page.context.new_cdp_session(page)
    for moment in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": moment, "x": box["x"] + 9, "y": box["y"] + 9, "data": dropped})
        if moment == "dragOver":
            expect(page.locator("#drop")).to_have_class(re.compile(r"\bover\b"))
    sum_is(page, "151 files: 151 chosen")
    expect(page.locator(".upload .name", has_text="otto_c9.wav")).to_be_attached()
    expect(page.locator("#drop")).not_to_have_class(re.compile(r"\bover\b"))


MANY = 2000
SMOOTH = 100  # milliseconds that the page may be busy at one time


def test_two_thousand_files_stand_on_the_page_and_it_stays_smooth(page):
    page.goto("/calls/add/")
    page.evaluate(
        """count => {
            const chosen = new DataTransfer();
            const file = n => new File([`no sound ${n}`], `nora_c${n}.wav`, {type: "audio/wav"});
            for (let n = 0; n < count; n++) chosen.items.add(file(n));
            document.querySelector("#id_files").files = chosen.files;
        }""",
        MANY,
    )
    page.evaluate(
        """() => {
            window.long = [0];
            new PerformanceObserver(list => { for (const one of list.getEntries()) window.long.push(one.duration); })
                .observe({type: "longtask"});
            document.querySelector("#id_files").dispatchEvent(new Event("change", {bubbles: true}));
        }"""
    )
    sum_is(page, f"{MANY:,} files: {MANY:,} chosen")
    expect(page.locator(".upload")).to_have_count(MANY)
    page.locator(".upload").nth(MANY - 1).scroll_into_view_if_needed()
    expect(page.locator(".upload").nth(MANY - 1)).to_contain_text(f"c{MANY - 1}")
    longest = page.evaluate("Math.max(...window.long)")
    tell(f"{MANY:,} files chosen: the page was busy for {longest:.0f} ms at one time at most")
    assert longest <= SMOOTH
