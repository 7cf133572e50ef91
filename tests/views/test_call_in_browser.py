"""The page of a call in a real browser: the waveform, the words that are heard, finding, swapping, going on."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import expect

from callcov_portal.actions import drawing
from callcov_portal.models import Analysis, Outcome, Recording, Segment, Speaker, Waveform
from callcov_portal.quality import views
from tests.factories import CompletedFactory, DocumentFactory, FindingFactory, RecordingFactory, SegmentFactory
from tests.sounds import wav
from tests.views.browsing import open_call, position, until
from tests.working import work
from tools.screens.looking import problems_in_each_scheme

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CARD = "4111 1111 1111 1111"
# The text that a highlight covers. What it covers is no element, so it can only be asked for.
PAINTED = "[...(CSS.highlights.get('{}') ?? [])].map((range) => range.toString().trim())"
SPLIT = 10  # seconds: before, the left channel sounds; after, the right one


@pytest.fixture
def call(db, alice) -> Recording:
    """Twenty seconds: the agent speaks on the left, then the contact on the right, who says a card number."""
    sound = stereo()
    recording = RecordingFactory(
        pk=12, file=default_storage.save("a.wav", ContentFile(sound)), duration_seconds=20.0, uploaded_by=alice
    )
    analysis = CompletedFactory(recording=recording, language="en")
    words = ["Thank", "you", "for", "calling", "us."]
    timed = [[word, 1.0 + at, 2.0 + at, 0.9] for at, word in enumerate(words)]
    SegmentFactory(analysis=analysis, position=0, text=" ".join(words), start=1.0, end=6.0, words=timed)
    said = ["It", "is", *CARD.split(), "thanks."]
    timed = [[word, 11.0 + at, 12.0 + at, 0.9] for at, word in enumerate(said)]
    SegmentFactory(
        analysis=analysis, position=1, speaker=Speaker.CONTACT, text=" ".join(said),
        masked="It is [card number] thanks.", start=11.0, end=18.0, words=timed,
    )  # fmt: skip
    FindingFactory(analysis=analysis, title="Guarantee", outcome=Outcome.VIOLATED, start=12.0, end=13.0)
    quality = {"silence": {"instances": [{"start": 6.0, "end": 11.0}]}}
    DocumentFactory(analysis=analysis, raw={"results": {"quality": quality}})
    drawing.note_due(recording.pk)
    return recording


def stereo() -> bytes:
    """Return a WAV of twenty seconds whose channels sound one after the other."""
    whole = wav(20.0, channels=2)
    head, samples = whole[:44], bytearray(whole[44:])
    for at in range(0, len(samples), 4):
        silent = at + 2 if at < len(samples) // 2 else at
        samples[silent : silent + 2] = b"\0\0"
    return head + bytes(samples)


def painted(page, name: str) -> list[str]:
    return list(page.evaluate(PAINTED.format(name)))


def drawn(page, call: Recording) -> None:
    """Open the page with its waveform drawn."""
    assert work("drawing", call.pk)
    open_call(page, call)
    expect(page.locator(".scrubber.drawn")).to_be_visible()


# How much of a lane's left and right half is painted, read from the pixels of its canvas.
INK = """(lane) => {
  const canvases = [...document.getElementById("lanes").firstElementChild.shadowRoot.querySelectorAll(".canvases > div")];
  const canvas = canvases[lane].querySelector("canvas");
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const halves = [0, 0];
  for (let at = 3; at < data.length; at += 4) if (data[at]) halves[((at >> 2) % width) * 2 < width ? 0 : 1] += 1;
  return halves.map((count) => count / (width * height / 2));
}"""


@pytest.mark.node
def test_each_speakers_lane_is_drawn_where_they_speak_and_a_swap_turns_them_round(page, call):
    drawn(page, call)
    assert page.locator("#lane-0").inner_text() == "Agent"
    agent, contact = page.evaluate(f"({INK})(0)"), page.evaluate(f"({INK})(1)")
    assert agent[0] > 3 * agent[1]
    assert contact[1] > 3 * contact[0]
    page.locator("body").press("s")
    expect(page.locator(".segment .who").first).to_have_text("Contact")
    expect(page.locator("#swap")).to_contain_text("Swap speakers back")
    until(page, f"(({INK})(0))[1] > 3 * (({INK})(0))[0]")
    page.locator("#swap").click()
    expect(page.locator(".segment .who").first).to_have_text("Agent")
    assert not Analysis.objects.get().speakers_swapped


@pytest.mark.node
def test_the_waveform_is_the_position_for_mouse_and_keyboard(page, call):
    drawn(page, call)
    box = page.locator("#lanes").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    assert position(page) == pytest.approx(15, abs=0.3)
    page.locator("#scrub").focus()
    page.keyboard.press("Home")
    assert position(page) == pytest.approx(0, abs=0.2)


@pytest.mark.node
def test_a_waveform_that_is_being_made_comes_by_itself(page, call):
    open_call(page, call)
    expect(page.locator("#scrub")).to_be_visible()
    assert page.locator(".scrubber.drawn").count() == 0
    assert work("drawing", call.pk)
    expect(page.locator(".scrubber.drawn")).to_be_visible()


@pytest.mark.parametrize("missing", ["library", "waveform"])
def test_without_the_library_or_the_waveform_the_plain_position_bar_stays(page, call, monkeypatch, missing):
    if missing == "library":
        monkeypatch.setattr(views, "WAVESURFER", "vendor/not-there.js")
        work("drawing", call.pk)
    else:
        Waveform.objects.update(due_at=None, detail="It cannot be drawn.")
    open_call(page, call)
    page.wait_for_timeout(300)
    assert page.locator(".scrubber.drawn").count() == 0
    page.locator("#scrub").fill("15")
    assert position(page) == pytest.approx(15, abs=0.3)
    page.locator("#marks a.violated").click()
    until(page, "document.getElementById('audio').currentTime >= 12")


def test_marks_can_be_played_from_their_list_by_keyboard(page, call):
    open_call(page, call)
    page.locator("#mark-list summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#mark-list li")).to_have_text([r"▶ 0:06 – Silence, 5 s", r"▶ 0:12 ✗ Violated: Guarantee"])
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(page, "document.getElementById('audio').currentTime >= 12")


def test_the_word_that_is_heard_is_marked_and_what_is_hidden_is_one_word(page, call):
    open_call(page, call)
    words = "(() => {" + "return " + PAINTED.format("word") + "; })()[0]"
    for second, word in [(1.5, "Thank"), (4.5, "calling"), (11.2, "It"), (17.5, "thanks.")]:
        page.evaluate(f"document.getElementById('audio').currentTime = {second}")
        until(page, f"{words} === '{word}'")
    page.evaluate("document.getElementById('audio').currentTime = 14.5")
    until(page, f"({words} ?? '').includes('card number')")
    assert CARD not in page.content()
    page.evaluate("document.getElementById('audio').currentTime = 8.9")
    until(page, f"{words} === undefined")
    page.evaluate("document.getElementById('audio').currentTime = 1.0")
    page.locator("#play").click()
    until(page, f"{words} === 'for'")  # by itself, as it is played


def test_finding_goes_from_place_to_place_and_never_into_what_is_hidden(page, call):
    for position_of in range(2, 40):
        SegmentFactory(analysis=Analysis.objects.get(), position=position_of, text="You and you again.", start=19.0)
    open_call(page, call)
    page.locator("body").press("/")
    expect(page.locator("#find-text")).to_be_focused()
    page.keyboard.type("YOU")
    expect(page.locator("#find-count")).to_have_text("1 of 77")
    assert painted(page, "found-here") == ["you"]
    assert len(painted(page, "found")) == 77
    expect(page.locator(".segment.hit")).to_contain_text("Thank you")
    page.keyboard.press("Enter")
    expect(page.locator("#find-count")).to_have_text("2 of 77")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#find-count")).to_have_text("77 of 77")
    expect(page.locator("#s39")).to_be_in_viewport()
    page.locator("#find-next").click()
    expect(page.locator("#find-count")).to_have_text("1 of 77")
    for sought in ("4111", "hidden", "nowhere"):
        page.locator("#find-text").fill(sought)
        expect(page.locator("#find-count")).to_have_text("not there")
    page.keyboard.press("Escape")
    expect(page.locator("#find-text")).to_have_value("")
    expect(page.locator("#find-count")).to_be_empty()
    assert painted(page, "found") == []
    page.keyboard.press("Escape")
    expect(page.locator("#segments")).to_be_focused()


def test_keys_lead_to_the_calls_beside_it_in_the_list(page, call):
    for number, minutes in ((11, -5), (13, 5)):
        CompletedFactory(
            recording__pk=number,
            recording__agent=call.agent,
            recording__called_at=call.called_at + timedelta(minutes=minutes),
        )
    CompletedFactory(recording__pk=14, recording__called_at=call.called_at + timedelta(minutes=1))
    page.goto(f"/calls/?agent={call.agent.identifier}")
    page.get_by_role("link", name="#12").click()
    page.wait_for_url("**/calls/12/?in=agent%3D*")
    page.locator("body").press("k")
    page.wait_for_url("**/calls/13/?in=agent%3D*")
    page.locator("body").press("j")
    page.wait_for_url("**/calls/12/?in=agent%3D*")
    page.locator("body").press("j")
    page.wait_for_url("**/calls/11/?in=agent%3D*")
    assert page.locator("#older-call").count() == 0


def test_the_keys_play_where_an_omission_came_nearest(page, call):
    miss = {"quote": "us", "speaker": "agent", "start": 5.0, "end": 6.0, "phrase": "goodbye", "likeness": 0.7}
    searched = {"start": 0.0, "end": 20.0, "nearest": miss}
    FindingFactory(analysis=Analysis.objects.get(), title="Closing", outcome=Outcome.OMITTED, searched=searched)
    open_call(page, call)
    page.locator("body").press("ArrowDown")
    page.locator("body").press("ArrowDown")
    expect(page.locator(".finding.here .title")).to_have_text("Closing")
    until(page, "document.getElementById('audio').currentTime >= 2 && document.getElementById('audio').currentTime < 8")


@pytest.mark.parametrize(("fragment", "second"), [("#t=12.50", 12.5), ("#s1", 11), ("#t=0", 0), ("#t=99", 20)])
def test_an_address_with_a_second_opens_the_call_there(page, call, fragment, second):
    for number in range(2, 60):
        SegmentFactory(analysis=Analysis.objects.get(), position=number, text="Goodbye.", start=19.0, end=20.0)
    page.goto(f"/calls/{call.pk}/{fragment}")
    until(page, "document.getElementById('audio').readyState >= 1")
    until(page, f"Math.abs(document.getElementById('audio').currentTime - {second}) < 0.1")
    expect(page.locator("#now")).to_have_text(f"0:{int(second):02}")
    assert page.evaluate("document.getElementById('audio').paused")
    if fragment != "#t=99":
        assert page.evaluate("document.querySelector('.segment.now')?.id ?? ''") == ("s1" if second else "")
        expect(page.locator(".segment").nth(1)).to_be_in_viewport()


def test_following_such_an_address_on_the_page_itself_seeks_and_any_other_leaves_the_sound_alone(page, call):
    open_call(page, call)
    for fragment, second in [
        ("#t=15", 15),
        ("#s0", 1),
        ("#t=3.5", 3.5),
        ("#t=soon", 3.5),
        ("#findings", 3.5),
        ("#s9", 3.5),
    ]:
        page.evaluate(f"location.hash = '{fragment}'")
        page.wait_for_timeout(50)
        until(page, f"Math.abs(document.getElementById('audio').currentTime - {second}) < 0.1")
    page.go_back()
    page.go_back()
    page.go_back()
    page.go_back()
    until(page, "Math.abs(document.getElementById('audio').currentTime - 1) < 0.1")


def test_a_transcript_is_saved(page, call):
    open_call(page, call)
    with page.expect_download() as download:
        page.get_by_role("link", name="VTT").click()
    assert download.value.suggested_filename == "call-12.vtt"
    text = Path(download.value.path()).read_text()
    assert "<v Contact>It is [card number] thanks.</v>" in text


@pytest.mark.node
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_and_its_paper_keep_axes_rules(page, call, width):
    page.set_viewport_size({"width": width, "height": 800})
    drawn(page, call)
    page.locator("#mark-list summary").click()
    page.locator("#find-text").fill("you")
    for address in ("", "/calls/12/print/"):
        if address:
            page.goto(address)
        assert problems_in_each_scheme(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Segment.objects.count() == 2
