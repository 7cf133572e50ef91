"""What is done with the page of a call: its speakers swapped, itself printed."""

import pytest

from callcov_portal.models import Analysis, LogEntry, Outcome, Segment, Speaker
from callcov_portal.quality.models import Review, Verdict
from tests.factories import (
    CompletedFactory,
    DocumentFactory,
    FindingFactory,
    ProcessingFactory,
    RecordingFactory,
    SegmentFactory,
)
from tests.views.pages import text_of

HTMX = {"HX-Request": "true"}
CARD = "4111 1111 1111 1111"


@pytest.fixture
def analysis(db) -> Analysis:
    found = CompletedFactory(recording__pk=7, language="en")
    SegmentFactory(analysis=found, position=0, text="Thank you for calling.", start=1.0)
    masked = "It is [card number]."
    SegmentFactory(analysis=found, position=1, speaker=Speaker.CONTACT, text=f"It is {CARD}.", masked=masked, start=3.0)
    sentence = {"text": "Thank you for calling.", "speaker": "A", "start": 1.0, "end": 2.0}
    DocumentFactory(analysis=found, raw={"results": {"key_sentences": [sentence]}})
    return found


def swap(client, about: Analysis, swapped: str = "1", headers=None, **data):
    sent = {"analysis": str(about.pk), "swapped": swapped, **data}
    return client.post(f"/calls/{about.recording_id}/swap/", sent, headers=headers or {})


def speakers() -> list[str]:
    return list(Segment.objects.order_by("position").values_list("speaker", flat=True))


def test_a_lead_swaps_the_speakers_and_sees_it_at_once(as_alice, analysis):
    response = swap(as_alice, analysis, headers=HTMX)
    page = response.content.decode()
    assert response.status_code == 200
    assert speakers() == ["contact", "agent"]
    assert '<span class="who">Contact</span><p>Thank you for calling.</p>' in page
    assert "Agent and contact are swapped by hand" in page
    assert "Swap speakers back" in page
    assert 'name="swapped" value="0"' in page
    assert "Contact Thank you for calling." in text_of(response)  # the key sentence
    assert CARD not in page
    swap(as_alice, analysis, "0")
    assert speakers() == ["agent", "contact"]


def test_without_htmx_one_is_led_back_to_the_words(as_alice, analysis):
    assert swap(as_alice, analysis)["Location"] == "/calls/7/#transcript"
    CompletedFactory(recording=analysis.recording)
    assert swap(as_alice, analysis, "0")["Location"] == f"/calls/7/?analysis={analysis.pk}#transcript"


def test_who_added_the_call_may_swap_and_others_may_not(as_bob, bob, as_charlie, analysis):
    assert swap(as_bob, analysis).status_code == 403
    assert "Swap speakers" not in as_bob.get("/calls/7/").content.decode()
    assert swap(as_charlie, analysis).status_code == 302
    assert speakers() == ["agent", "contact"]
    analysis.recording.uploaded_by = bob
    analysis.recording.save()
    assert swap(as_bob, analysis).status_code == 302
    assert speakers() == ["contact", "agent"]
    assert LogEntry.objects.get().user == bob


@pytest.mark.parametrize("wanted", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_an_analysis_that_the_call_has_not_answers_404(as_alice, analysis, wanted):
    assert swap(as_alice, analysis, analysis=wanted).status_code == 404


def test_before_the_end_nothing_is_swapped(as_alice):
    response = as_alice.post(*swap_of(ProcessingFactory()), follow=True)
    assert "once the analysis is done" in response.content.decode()


def swap_of(analysis: Analysis) -> tuple[str, dict[str, str]]:
    return f"/calls/{analysis.recording_id}/swap/", {"analysis": str(analysis.pk), "swapped": "1"}


def test_a_call_for_paper_has_findings_verdicts_and_words_and_nothing_sensitive(as_dora, dora, analysis):
    nearest = {
        "quote": "bye now",
        "speaker": "agent",
        "start": 148.0,
        "end": 149.0,
        "phrase": "goodbye",
        "likeness": 0.7,
    }
    searched = {"start": 90.0, "end": 150.0, "nearest": nearest}
    FindingFactory(analysis=analysis, title="Closing", outcome=Outcome.OMITTED, searched=searched)
    FindingFactory(analysis=analysis, title="Card", outcome=Outcome.VIOLATED, quote=CARD, start=3.0, end=5.0)
    Review.objects.create(analysis=analysis, reviewer=dora, verdict=Verdict.COACH, note="Say goodbye.")
    response = as_dora.get("/calls/7/print/")
    said = text_of(response)
    for words in (
        "Call #7",
        "Violated Card",
        "Omitted Closing",
        "bye now",
        "Needs coaching",
        "Say goodbye.",
        "by dora",
    ):
        assert words in said
    assert "0:01 Agent Thank you for calling." in said
    assert said.index("Violated Card") < said.index("Omitted Closing") < said.index("Transcript")
    assert CARD not in response.content.decode()
    assert "Sensitive data is hidden." in said
    page = response.content.decode()
    assert "<audio" not in page
    assert "data-seek" not in page
    assert page.count("<form") == 1  # signing out


def test_an_older_analysis_is_printed_as_such(as_bob, analysis):
    newer = CompletedFactory(recording=analysis.recording)
    assert "No words were recognised" in text_of(as_bob.get("/calls/7/print/"))
    older = text_of(as_bob.get(f"/calls/7/print/?analysis={analysis.pk}"))
    assert "Thank you for calling." in older
    assert "A newer analysis is there." in older
    assert as_bob.get(f"/calls/7/print/?analysis={newer.pk}").status_code == 200
    assert as_bob.get("/calls/7/print/?analysis=x").status_code == 404


def test_what_has_no_result_is_not_printed(as_bob):
    for recording in (ProcessingFactory().recording, RecordingFactory()):
        response = as_bob.get(f"/calls/{recording.pk}/print/", follow=True)
        assert response.redirect_chain == [(recording.get_absolute_url(), 302)]
        assert "nothing to print before the analysis is done" in response.content.decode()
