"""The lanes that the player draws, and the marks above and below them."""

import base64

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.models import Analysis, Outcome, Speaker, Waveform
from callcov_portal.views import marks
from tests.factories import (
    CompletedFactory,
    DocumentFactory,
    FindingFactory,
    RecordingFactory,
    SegmentFactory,
    SpanFactory,
)
from tests.sounds import wav
from tests.views.pages import text_of

LEFT = bytes([100]) * 50 + bytes(50)  # two seconds: the left channel speaks in the first
RIGHT = bytes(50) + bytes([80]) * 50


@pytest.fixture
def analysis(db) -> Analysis:
    found = CompletedFactory(recording__pk=7)
    SegmentFactory(analysis=found, position=0, start=0.1, end=0.9)
    SegmentFactory(analysis=found, position=1, speaker=Speaker.CONTACT, start=1.1, end=1.9)
    Waveform.objects.create(recording=found.recording, channels=2, step_seconds=0.02, values=LEFT + RIGHT)
    return found


def lanes(client, query: str = "") -> list[tuple[str, bytes]]:
    response = client.get(f"/calls/7/waveform/{query}")
    assert response.status_code == 200
    assert response.json()["step"] == 0.02
    return [(lane["name"], base64.b64decode(lane["loudness"])) for lane in response.json()["lanes"]]


def test_the_agents_lane_comes_first_whichever_channel_it_is(as_bob, analysis):
    assert lanes(as_bob, f"?analysis={analysis.pk}") == [("Agent", LEFT), ("Contact", RIGHT)]
    for segment in analysis.segments.all():
        segment.speaker = Speaker.CONTACT if segment.speaker == Speaker.AGENT else Speaker.AGENT
        segment.save()
    assert lanes(as_bob, f"?analysis={analysis.pk}") == [("Agent", RIGHT), ("Contact", LEFT)]


@pytest.mark.parametrize("query", ["", "?analysis=x", "?analysis=%00"])
def test_without_words_the_lanes_are_channels(as_bob, analysis, query):
    assert lanes(as_bob, query) == [("Left", LEFT), ("Right", RIGHT)]


def test_another_calls_analysis_tells_nothing(as_bob, analysis):
    other = SegmentFactory(start=0.1, end=0.9).analysis
    assert lanes(as_bob, f"?analysis={other.pk}")[0][0] == "Left"


def test_of_one_channel_there_is_one_lane(as_bob, analysis):
    Waveform.objects.update(channels=1, values=LEFT)
    assert lanes(as_bob, f"?analysis={analysis.pk}") == [("", LEFT)]


@pytest.mark.parametrize("browser", ["as_bob", "as_dora"])
def test_what_is_muted_is_drawn_silent_with_the_seconds_around_it(request, browser, analysis):
    SpanFactory(analysis=analysis, start=0.5, end=0.7)
    SpanFactory(analysis=analysis, start=1.95, end=9.0)
    (_, left), (_, right) = lanes(request.getfixturevalue(browser), f"?analysis={analysis.pk}")
    assert left[17:43] == bytes(26)  # 0.15 s around, as in the muted copy
    assert left[16] == 100
    assert left[43] == 100
    assert right[90:] == bytes(10)
    assert len(left) == len(right) == 100


def test_a_browser_that_has_it_is_not_sent_it_again(as_bob, analysis):
    response = as_bob.get("/calls/7/waveform/")
    again = as_bob.get("/calls/7/waveform/", headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert response["Cache-Control"] == "private, no-cache"


def test_while_it_is_not_made_one_waits_and_a_worker_is_rung_for(
    as_bob, db, monkeypatch, django_capture_on_commit_callbacks
):
    rung: list[tuple[str, str]] = []
    monkeypatch.setattr(tasks, "send", lambda _task, kind, pk: rung.append((kind, pk)))
    file = default_storage.save("a.wav", ContentFile(wav()))
    Waveform.objects.create(recording=RecordingFactory(pk=7, file=file), due_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        response = as_bob.get("/calls/7/waveform/")
    assert (response.status_code, response["Retry-After"], rung) == (202, "2", [("drawing", "7")])
    monkeypatch.undo()
    tasks.chore("drawing", "7")
    assert as_bob.get("/calls/7/waveform/").json()["lanes"][0]["name"] == ""


def test_what_cannot_be_drawn_answers_404_and_the_page_is_there(as_bob, as_charlie, analysis):
    Waveform.objects.update(values=None, detail="No sound.")
    assert as_bob.get("/calls/7/waveform/").status_code == 404
    assert as_bob.get("/calls/7/").status_code == 200
    Waveform.objects.all().delete()
    assert as_bob.get("/calls/7/waveform/").status_code == 404
    assert as_bob.get("/calls/8/waveform/").status_code == 404
    assert as_charlie.get("/calls/7/waveform/").status_code == 302


def test_it_costs_no_more_queries_for_a_long_call(as_bob, analysis):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            lanes(as_bob, f"?analysis={analysis.pk}")
        return len(captured)

    few = queries()
    for position in range(2, 30):
        SegmentFactory(analysis=analysis, position=position)
        SpanFactory(analysis=analysis)
    assert queries() == few


QUALITY = {
    "silence": {"instances": [{"start": 20.0, "end": 26.0}]},
    "hold": {"instances": [{"start": 30.0, "end": 60.0}]},
    "interruptions": {"instances": [{"timestamp": 5.0, "end": 5.6, "speaker": "B"}]},
}


@pytest.fixture
def marked(db) -> Analysis:
    """A call of 100 seconds with something of everything in it."""
    found = CompletedFactory(recording__pk=7, recording__duration_seconds=100.0)
    miss = {"quote": "bye now", "speaker": "agent", "start": 95.0, "end": 96.0, "phrase": "goodbye", "likeness": 0.7}
    searched = {"start": 80.0, "end": 100.0, "nearest": miss}
    nothing = {"start": 0.0, "end": 15.0, "nearest": None}
    FindingFactory(analysis=found, title="Greeting", outcome=Outcome.MET, start=1.0, end=2.0)
    FindingFactory(analysis=found, title="Closing", outcome=Outcome.OMITTED, searched=searched)
    FindingFactory(analysis=found, title="Identity", outcome=Outcome.OMITTED, searched=nothing)
    FindingFactory(analysis=found, title="Guarantee", outcome=Outcome.VIOLATED, start=50.0, end=51.0)
    FindingFactory(analysis=found, title="Not looked at", outcome=Outcome.NOT_ASSESSED, start=60.0)
    FindingFactory(analysis=found, title="Nowhere", outcome=Outcome.VIOLATED)
    DocumentFactory(analysis=found, raw={"results": {"quality": QUALITY}})
    return found


LISTED = (
    "0:00 ○ Omitted: Identity, searched until 0:15 ▶ 0:01 ✓ Met: Greeting ▶ 0:05 ↯ Contact cuts in ▶ 0:20 – Silence, 6 s "
    "▶ 0:30 ∥ On hold, 30 s ▶ 0:50 ✗ Violated: Guarantee ▶ 1:35 ○ Omitted: Closing, nearest words"
)


def test_everything_that_has_a_place_is_marked_in_words_with_a_link(as_bob, marked):
    response = as_bob.get("/calls/7/")
    page = response.content.decode()
    assert f"7 marks ▶ {LISTED}" in text_of(response)
    listed = page[page.index('id="mark-list"') :].partition("</details>")[0]
    assert listed.count('data-seek="') == 7
    rail = page[page.index('id="marks"') :].partition("</svg>")[0]
    assert '<text x="50.00%" y="13" text-anchor="middle">✗</text>' in rail
    assert '<rect class="window" x="80.00%" y="15" width="20.00%"' in rail
    assert rail.index("Violated: ") > rail.index("Omitted: ") > rail.index("Met: ")  # the gravest is painted last
    floor = page[page.index('id="pauses"') :].partition("</svg>")[0]
    assert '<rect x="30.00%" y="2" width="30.00%"' in floor


def test_new_results_bring_their_marks_and_so_does_a_new_player(as_bob, marked):
    news = as_bob.get("/calls/7/", headers={"HX-Request": "true"}).content.decode()
    for name in ("marks", "pauses", "mark-list"):
        assert f'id="{name}"' in news
    assert news.count('hx-swap-oob="true"') == 3
    for query in ("?seen=other", f"?seen=other&analysis={marked.pk}"):
        player = as_bob.get(f"/calls/7/player/{query}", headers={"HX-Request": "true"}).content.decode()
        assert "Violated: Guarantee" in player
        assert "hx-swap-oob" not in player
    assert as_bob.get("/calls/7/player/?analysis=x", headers={"HX-Request": "true"}).status_code == 404


def test_without_a_length_nothing_is_marked(as_bob, marked):
    for duration in (None, 0.0):
        marked.recording.duration_seconds = duration
        marked.recording.save()
        assert "0 marks" in text_of(as_bob.get("/calls/7/"))


def test_marks_stay_on_the_recording():
    beyond = marks.placed("met", "✓", "Met", (500.0, 600.0), 100.0)
    assert (beyond.left, beyond.width) == ("100.00%", "0.20%")
    whole = marks.placed("window", "○", "Searched", (0.0, None), 100.0)
    assert (whole.left, whole.width, whole.end) == ("0.00%", "0.20%", 0.0)


@pytest.mark.parametrize("results", [{"quality": "odd"}, [], "odd", {"quality": {"hold": {"instances": "odd"}}}])
def test_results_of_another_shape_break_nothing(as_bob, marked, results):
    marked.document.raw = {"results": results}
    marked.document.save()
    assert "Violated: Guarantee" in text_of(as_bob.get("/calls/7/"))
