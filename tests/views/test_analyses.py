"""The state of a call, what a person can do about it, and the raw document."""

import re

import pytest

from callcov_portal import tasks
from callcov_portal.models import Analysis, Failure, Recording, State
from tests.factories import AnalysisFactory, CompletedFactory, DocumentFactory, ProcessingFactory, RecordingFactory

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def rung(monkeypatch) -> list:
    bells: list = []
    monkeypatch.setattr(tasks, "ring", bells.append)
    return bells


def state_url(client, call: Recording) -> str:
    """Return where the page of the call asks for news."""
    found = re.search(r'hx-get="([^"]+/state/[^"]*)"', client.get(f"/calls/{call.pk}/").content.decode())
    assert found
    return found[1].replace("&amp;", "&")


def failed(code: Failure, **kwargs) -> Analysis:
    return AnalysisFactory(state=State.FAILED, failure=code, next_attempt_at=None, **kwargs)


def same_sound() -> Analysis:
    """A call that was taken for another by its sound."""
    return failed(Failure.DUPLICATE, detail="97% of what was compared agrees.", duplicate_of=RecordingFactory())


def test_while_it_works_the_page_shows_stage_and_per_cent_and_asks_for_news(as_bob):
    analysis = ProcessingFactory(stage="transcribing", stage_fraction=0.42)
    page = as_bob.get(f"/calls/{analysis.recording.pk}/").content.decode()
    assert "Transcribing" in page
    assert '<progress max="100" value="42"' in page
    assert 'hx-trigger="every 2s"' in page


@pytest.mark.parametrize(
    ("stage", "fraction", "shown"),
    [
        ("stored", 0.0, "Stored"),
        ("decoding", 1.0, "Decoding 100 %"),
        ("recognising", 0.42, "Recognising 42 %"),
        ("separating speakers", 0.5, "Separating speakers 50 %"),
        ("checking rules", 0.0, "Checking rules"),
        ("waiting for the speech model", 0.0, "Waiting for the speech model"),
    ],
)
def test_every_stage_of_the_embedded_engine_is_shown_as_a_word(as_bob, stage, fraction, shown):
    analysis = ProcessingFactory(stage=stage, stage_fraction=fraction)
    page = as_bob.get(f"/calls/{analysis.recording.pk}/").content.decode()
    assert f"</span>{shown}</span>" in page


def test_what_keeps_the_engine_from_it_is_shown(as_bob):
    analysis = ProcessingFactory(stage="waiting for the speech model", detail="The speech model x could not be loaded.")
    page = as_bob.get(f"/calls/{analysis.recording.pk}/").content.decode()
    assert '<p class="detail">The speech model x could not be loaded.</p>' in page


def test_no_news_is_an_empty_answer_and_news_is_the_panel(as_bob):
    analysis = ProcessingFactory(stage="transcribing", stage_fraction=0.42)
    url = state_url(as_bob, analysis.recording)
    assert as_bob.get(url, headers=HTMX).status_code == 204
    Analysis.objects.update(stage_fraction=0.6)
    response = as_bob.get(url, headers=HTMX)
    assert response.status_code == 200
    assert 'value="60"' in response.content.decode()
    assert 'hx-trigger="every 2s"' in response.content.decode()
    assert "HX-Trigger" not in response


@pytest.mark.parametrize(
    "end", [{"state": State.COMPLETED}, {"state": State.FAILED, "failure": Failure.ANALYSIS_FAILED}]
)
def test_when_it_is_finished_the_asking_ends_and_the_page_fetches_the_results(as_bob, end):
    analysis = ProcessingFactory()
    url = state_url(as_bob, analysis.recording)
    Analysis.objects.update(**end)
    response = as_bob.get(url, headers=HTMX)
    assert response["HX-Trigger"] == "analysis-finished"
    assert "hx-trigger" not in response.content.decode()


def test_a_page_that_was_made_without_audio_is_made_anew_when_the_copy_is_there(as_bob):
    call = RecordingFactory(file="", link="https://example.org/a.wav")
    ProcessingFactory(recording=call)
    url = state_url(as_bob, call)
    assert "silent=1" in url
    Recording.objects.update(file="a.wav")
    Analysis.objects.update(stage="x")
    assert "silent=1" in as_bob.get(url, headers=HTMX).content.decode()
    Analysis.objects.update(state=State.COMPLETED)
    assert as_bob.get(url, headers=HTMX)["HX-Refresh"] == "true"


def test_a_failure_names_its_cause_the_detail_and_what_to_do(as_bob):
    analysis = failed(Failure.UNREACHABLE, detail="The host answered 404.")
    page = as_bob.get(f"/calls/{analysis.recording.pk}/").content.decode()
    for words in ("The link could not be fetched", "The host answered 404.", "Check that the link opens"):
        assert words in page
    assert f'action="/calls/{analysis.recording.pk}/retry/"' in page


BUTTONS = {
    "queued": (AnalysisFactory, {"cancel"}),
    "processing": (ProcessingFactory, set()),
    "completed": (CompletedFactory, {"again"}),
    "unreachable": (lambda: failed(Failure.UNREACHABLE), {"retry"}),
    "unsure": (lambda: failed(Failure.UNSURE, submissions=1), {"send-anyway"}),
    "lost": (lambda: failed(Failure.LOST, submissions=1), {"again"}),
    "same sound": (same_sound, {"keep-both"}),
    "not audio": (lambda: failed(Failure.NOT_AUDIO), {"again"}),
}


@pytest.mark.parametrize("case", BUTTONS)
def test_each_state_offers_what_is_possible_and_nothing_else(as_bob, case):
    make, expected = BUTTONS[case]
    number = make().recording.pk
    page = as_bob.get(f"/calls/{number}/").content.decode()
    assert set(re.findall(rf'action="/calls/{number}/(retry|again|send-anyway|keep-both|cancel)/"', page)) == expected


def test_a_duplicate_is_linked(as_bob):
    first = RecordingFactory()
    linked = RecordingFactory(file="", link="https://calls.example/a.wav")
    analysis = failed(
        Failure.DUPLICATE, detail="The same recording is there already.", duplicate_of=first, recording=linked
    )
    page = as_bob.get(f"/calls/{analysis.recording.pk}/").content.decode()
    assert f'It is <a href="/calls/{first.pk}/">call #{first.pk}</a>.' in page
    assert page.count("The same recording is there already</") == 1


def test_the_same_sound_is_told_with_the_call_and_the_reason_and_both_can_be_kept(as_bob, rung):
    analysis = same_sound()
    call, original = analysis.recording, analysis.duplicate_of
    page = as_bob.get(f"/calls/{call.pk}/").content.decode()
    linked = f'It sounds the same as <a href="/calls/{original.pk}/">call #{original.pk}</a>, in another file.'
    assert f"{linked} 97% of what was compared agrees." in page
    assert "press Keep both" in page
    kept = as_bob.post(f"/calls/{call.pk}/keep-both/", headers=HTMX)
    analysis.refresh_from_db()
    assert (kept.status_code, analysis.state, rung) == (200, State.QUEUED, [analysis.pk])
    again = as_bob.post(f"/calls/{call.pk}/keep-both/", headers=HTMX)
    assert (again.status_code, rung) == (409, [analysis.pk])
    assert "Only what was taken for another call" in again.content.decode()


def test_without_javascript_keeping_both_leads_back_to_the_call(as_bob):
    number = same_sound().recording.pk
    assert as_bob.post(f"/calls/{number}/keep-both/")["Location"] == f"/calls/{number}/"


def test_what_is_to_be_compared_first_says_so(as_bob):
    number = AnalysisFactory(needs_comparing=True).recording.pk
    assert (
        "It is compared with the calls that are there, then sent." in as_bob.get(f"/calls/{number}/").content.decode()
    )


def test_retry_puts_the_same_row_back_and_rings(as_bob, rung):
    analysis = failed(Failure.UNREACHABLE)
    response = as_bob.post(f"/calls/{analysis.recording.pk}/retry/", headers=HTMX)
    analysis.refresh_from_db()
    assert analysis.state == State.QUEUED
    assert rung == [analysis.pk]
    assert response.content.decode().count('id="state"') == 1
    assert "Waiting" in response.content.decode()


@pytest.mark.parametrize(("path", "code"), [("again", Failure.LOST), ("send-anyway", Failure.UNSURE)])
def test_again_and_send_anyway_make_a_new_analysis_and_ring(as_bob, rung, path, code):
    old = failed(code, submissions=1)
    response = as_bob.post(f"/calls/{old.recording.pk}/{path}/")
    call = Recording.objects.get()
    assert response["Location"] == f"/calls/{call.pk}/"
    assert call.current_analysis.replaces == old
    assert rung == [call.current_analysis.pk]


def test_cancel_takes_it_back_and_rings_nobody(as_bob, rung):
    analysis = AnalysisFactory()
    as_bob.post(f"/calls/{analysis.recording.pk}/cancel/", headers=HTMX)
    analysis.refresh_from_db()
    assert analysis.state == State.CANCELLED
    assert rung == []


@pytest.mark.parametrize("path", ["retry", "again", "send-anyway", "cancel"])
def test_what_is_not_possible_any_more_says_why(as_bob, rung, path):
    analysis = ProcessingFactory()
    fragment = as_bob.post(f"/calls/{analysis.recording.pk}/{path}/", headers=HTMX)
    page = as_bob.post(f"/calls/{analysis.recording.pk}/{path}/")
    assert fragment.status_code == page.status_code == 409
    assert 'role="alert"' in fragment.content.decode()
    assert "That was not possible" in page.content.decode()
    analysis.refresh_from_db()
    assert analysis.state == State.PROCESSING
    assert rung == []


def test_a_call_that_was_never_analysed_can_be(as_bob, rung):
    call = RecordingFactory()
    assert as_bob.post(f"/calls/{call.pk}/retry/").status_code == 409
    assert as_bob.post(f"/calls/{call.pk}/again/").status_code == 302
    assert Recording.objects.get().current_analysis.state == State.QUEUED


@pytest.mark.parametrize("path", ["retry", "again", "send-anyway", "cancel"])
def test_acts_are_posts_by_people_who_are_signed_in(as_bob, as_charlie, path):
    analysis = failed(Failure.UNREACHABLE)
    assert as_bob.get(f"/calls/{analysis.recording.pk}/{path}/").status_code == 405
    assert as_charlie.post(f"/calls/{analysis.recording.pk}/{path}/").status_code == 302
    assert as_bob.post(f"/calls/999/{path}/").status_code == 404
    analysis.refresh_from_db()
    assert analysis.state == State.FAILED


def test_the_raw_document_is_shown_as_received(as_bob):
    raw = {"id": "x", "results": {"new": [1, None, "ż"]}}
    document = DocumentFactory(raw=raw)
    call = document.analysis.recording
    response = as_bob.get(f"/calls/{call.pk}/raw.json")
    assert response.json() == raw
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"
    newer = AnalysisFactory(recording=call)
    assert as_bob.get(f"/calls/{call.pk}/raw.json?analysis={document.analysis.pk}").json() == raw
    assert as_bob.get(f"/calls/{call.pk}/raw.json?analysis={newer.pk}").status_code == 404


@pytest.mark.parametrize("wanted", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_a_document_that_is_not_there_answers_404(as_bob, wanted):
    document = DocumentFactory()
    other = RecordingFactory()
    assert as_bob.get(f"/calls/{other.pk}/raw.json?analysis={wanted or document.analysis.pk}").status_code == 404


def test_deleting_says_what_goes_and_that_the_apis_copy_stays(as_alice):
    analysis = CompletedFactory()
    number = analysis.recording.pk
    page = as_alice.get(f"/calls/{number}/delete/").content.decode()
    for words in ("the audio", "the transcript", "finding", "every review", "own copy stays"):
        assert words in page
    response = as_alice.post(f"/calls/{number}/delete/", follow=True)
    assert f"Call #{number} is deleted." in response.content.decode()
    assert not Recording.objects.exists()


def test_a_call_that_was_never_sent_has_no_copy_at_the_api(as_alice):
    number = AnalysisFactory().recording.pk
    assert "own copy stays" not in as_alice.get(f"/calls/{number}/delete/").content.decode()


def test_only_a_lead_deletes(as_bob, as_charlie, bob):
    call = RecordingFactory(uploaded_by=bob)
    for client, status in ((as_bob, 403), (as_charlie, 302)):
        assert client.get(f"/calls/{call.pk}/delete/").status_code == status
        assert client.post(f"/calls/{call.pk}/delete/").status_code == status
    assert Recording.objects.exists()
    assert "Delete…" not in as_bob.get(f"/calls/{call.pk}/").content.decode()
