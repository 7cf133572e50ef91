"""The page of one call: evidence and judgement together."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.models import Analysis, LogEntry, Origin, Outcome, Recording, Segment, Speaker, State
from callcov_portal.quality.models import Review, Verdict
from tests.factories import (
    AgentFactory,
    AnalysisFactory,
    CompletedFactory,
    ContactFactory,
    DocumentFactory,
    FindingFactory,
    ProcessingFactory,
    RecordingFactory,
    SegmentFactory,
)
from tests.views.pages import link_named

HTMX = {"HX-Request": "true"}


def page_of(client, call: Recording, query: str = "") -> str:
    response = client.get(f"/calls/{call.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_segments_can_be_clicked_to_their_second(as_bob):
    segment = SegmentFactory(text="Thank you for calling.", start=65.25, end=67.0)
    SegmentFactory(analysis=segment.analysis, speaker=Speaker.CONTACT, text="Hello", start=68.0)
    SegmentFactory(analysis=segment.analysis, speaker=Speaker.UNKNOWN, label="C", text="Who is that?", start=70.0)
    call = segment.analysis.recording
    page = page_of(as_bob, call)
    assert 'data-start="65.25" data-end="67.00"' in page
    assert (
        f'<a class="seek" href="/calls/{call.pk}/audio/#t=65.25" data-seek="65.25" aria-label="Play from 1:05">1:05</a>'
        in page
    )
    assert "Thank you for calling." in page
    assert '<span class="who">Contact</span>' in page
    assert '<span class="who">Speaker C</span>' in page


def test_without_audio_there_is_nothing_to_click(as_bob):
    call = RecordingFactory(file="", link="https://example.org/a.wav")
    SegmentFactory(analysis=CompletedFactory(recording=call), start=3.0)
    page = page_of(as_bob, call)
    assert "<audio" not in page
    assert "data-seek" not in page
    assert "0:03" in page


def test_findings_of_one_risk_are_ordered_by_severity(as_bob):
    analysis = CompletedFactory()
    for severity in ("low", "", "high", "medium"):
        FindingFactory(analysis=analysis, title=f"Weight {severity or 'none'}", severity=severity)
    FindingFactory(analysis=analysis, title="Heard", outcome=Outcome.HEARD, severity="low")
    page = page_of(as_bob, analysis.recording)
    order = ["Heard", "Weight high", "Weight medium", "Weight none", "Weight low"]
    places = [page.index(f">{title}</span>") for title in order]
    assert places == sorted(places)


def test_an_omission_shows_the_window_and_the_nearest_miss(as_bob):
    nearest = {
        "quote": "bye now",
        "speaker": "agent",
        "start": 148.0,
        "end": 149.0,
        "phrase": "goodbye",
        "likeness": 0.71,
    }
    searched = {"start": 90.0, "end": 150.0, "nearest": nearest}
    by_rule = {"rule": "closes", "version": "0123456789ab", "severity": "high", "origin": Origin.FOUND}
    finding = FindingFactory(title="Closing", outcome=Outcome.OMITTED, searched=searched, **by_rule)
    page = page_of(as_bob, finding.analysis.recording)
    for words in ("▶ 1:30", "to 2:30<", "▶ 2:28", "<q>bye now</q>", "71 % like <q>goodbye</q>", "found by us", "high"):
        assert words in page
    assert 'title="Rule closes, version 0123456789ab"' in page
    assert 'tabindex="-1" data-start="148.00" data-end="149.00"' in page  # what the keys play of it
    finding.searched = {"start": 0.0, "end": 15.0, "nearest": None}
    finding.save()
    assert "to 0:15; nothing came near" in page_of(as_bob, finding.analysis.recording)


def test_a_signal_was_heard_and_its_further_places_can_be_played(as_bob):
    also = [{"quote": "x", "speaker": "contact", "start": at, "end": at + 1, "confidence": None} for at in (61.0, 75.0)]
    finding = FindingFactory(title="Wants to leave", outcome=Outcome.HEARD, quote="cancel", start=3.0, also=also)
    page = page_of(as_bob, finding.analysis.recording)
    assert '<span class="glyph" aria-hidden="true">●</span> Heard' in page
    assert "0 to look at of 1" in page
    assert 'data-seek="61.00"' in page
    assert 'data-seek="75.00"' in page


def test_findings_are_ordered_by_risk_with_words_place_and_origin(as_bob):
    analysis = CompletedFactory()
    FindingFactory(analysis=analysis, title="Fine", outcome=Outcome.MET)
    FindingFactory(analysis=analysis, title="Left out", outcome=Outcome.OMITTED, explanation="Not read in this call.")
    FindingFactory(
        analysis=analysis,
        title="Said wrongly",
        outcome=Outcome.VIOLATED,
        quote="I guarantee it",
        quote_origin=Origin.FOUND,
        speaker=Speaker.AGENT,
        start=80.0,
        end=82.5,
    )
    page = page_of(as_bob, analysis.recording)
    assert page.index("Said wrongly") < page.index("Left out") < page.index("Fine")
    for words in (
        "I guarantee it",
        "▶ 1:20",
        'data-start="80.00" data-end="82.50"',
        "found by us",
        "2 to look at of 3",
    ):
        assert words in page


def test_unknown_results_are_shown_and_the_summary_is_text(as_bob):
    results = {
        "summary": "The customer pays.",
        "compliance": {"identity_verification": {"verified": True, "flagged": False}},
        "mood_ring": {"flagged": True, "timestamp": 12.5, "colour": "violet"},
        "list_of_things": [],
    }
    call = DocumentFactory(raw={"results": results}).analysis.recording
    page = page_of(as_bob, call)
    for words in (
        "The customer pays.",
        "Mood ring",
        "violet",
        "List of things",
        "Compliance, as received",
        "▶ 0:12",
        "flagged",
    ):
        assert words in page


OURS = {
    "summary": "Key sentences\n0:06 Contact: I pay by card 4111 1111 1111 1111.",
    "key_sentences": [{"text": "I pay by card 4111 1111 1111 1111.", "speaker": "B", "start": 6.0, "end": 9.0}],
    "coaching": {
        "recommendations": [{"priority": "high", "text": "Say your name.", "because": [], "timestamp": 3.0}],
        "customer_effort_score": 2.5,
    },
    "speakers": {"roles": "voices", "note": "Who is the agent was guessed."},
    "rules": {"name": "Built-in rules", "hash": "b" * 64},
    "findings": [{"check": "quality.closing", "rule": "closes", "outcome": "met", "phrase_of_a_finding": "odd"}],
}


def test_our_engines_gist_is_shown_in_places_of_its_own(as_bob):
    page = page_of(as_bob, DocumentFactory(raw={"results": OURS}).analysis.recording)
    for words in ("Key sentences", "▶ 0:06", "card number", "Say your name.", "▶ 0:03", "of 5", "was guessed"):
        assert words in page
    assert "4111" not in page
    assert "Phrase of a finding" not in page  # it stands in the worklist, as a finding


@pytest.mark.parametrize("key", ["key_sentences", "speakers", "findings", "rules"])
def test_the_same_keys_with_another_shape_are_shown_generically(as_bob, key):
    page = page_of(as_bob, DocumentFactory(raw={"results": {key: {"odd_shape": "violet"}}}).analysis.recording)
    assert "violet" in page


@pytest.mark.parametrize("raw", [{}, {"results": None}, {"results": []}, {"results": "odd"}])
def test_a_document_without_results_says_so_and_can_be_read(as_bob, raw):
    call = DocumentFactory(raw=raw).analysis.recording
    page = page_of(as_bob, call)
    assert "The API gave no results." in page
    assert f'href="/calls/{call.pk}/raw.json?analysis={call.current_analysis_id}"' in page


def test_without_a_document_there_is_nothing_to_read(as_bob):
    page = page_of(as_bob, CompletedFactory().recording)
    assert "Everything in the result" not in page
    assert "raw.json" not in page


@pytest.mark.parametrize(
    "results", [{"summary": {"text": "deep"}}, {"summary": 5, "compliance": "odd"}, {"compliance": None}]
)
def test_results_of_unexpected_types_are_shown_too(as_bob, results):
    call = DocumentFactory(raw={"results": results}).analysis.recording
    assert "Everything in the result" in page_of(as_bob, call)


def test_texts_from_outside_are_never_markup(as_bob):
    evil = '<script>alert("x")</script>'
    call = RecordingFactory(
        agent=AgentFactory(identifier=evil), contact=ContactFactory(identifier=evil), file_name=evil
    )
    analysis = CompletedFactory(recording=call, detail=evil, language=evil[:20])
    SegmentFactory(analysis=analysis, text=evil, label=evil, speaker=Speaker.UNKNOWN)
    FindingFactory(analysis=analysis, title=evil, explanation=evil, quote=evil)
    DocumentFactory(analysis=analysis, raw={"results": {evil: {evil: evil}, "summary": evil}})
    failed = AnalysisFactory(
        recording=RecordingFactory(agent=call.agent), state=State.FAILED, failure="refused", detail=evil
    )
    for page in (page_of(as_bob, call), page_of(as_bob, failed.recording), as_bob.get("/calls/").content.decode()):
        assert "alert(" in page
        assert "<script>alert" not in page


def test_a_page_without_words_says_why(as_bob):
    assert "No words were recognised" in page_of(as_bob, CompletedFactory().recording)
    assert "appear here when the analysis is done" in page_of(as_bob, ProcessingFactory().recording)
    failed = AnalysisFactory(state=State.FAILED, failure="refused", submissions=1)
    assert "came to no result" in page_of(as_bob, failed.recording)


def test_older_results_stay_while_a_newer_analysis_has_none(as_bob):
    old = SegmentFactory(text="Old words").analysis
    newer = ProcessingFactory(recording=old.recording, replaces=old)
    page = page_of(as_bob, old.recording)
    assert "Old words" in page
    assert "the newest one has none yet" in page
    Analysis.objects.filter(pk=newer.pk).update(state=State.COMPLETED)
    page = page_of(as_bob, old.recording)
    assert "Old words" not in page
    older = page_of(as_bob, old.recording, f"?analysis={old.pk}")
    assert "Old words" in older
    assert "Show the newest" in older
    assert f"?analysis={old.pk}" in page  # in the history


@pytest.mark.parametrize("asked", ["the page", "a part of it"])
def test_the_list_that_one_came_from_stays_known_from_one_analysis_to_another(as_bob, asked):
    old = CompletedFactory()
    newer = CompletedFactory(recording=old.recording, replaces=old)
    Recording.objects.filter(pk=old.recording_id).update(current_analysis=newer)
    address, within = old.recording.get_absolute_url(), "in=agent%3Dnora%26state%3Dcompleted"
    queries, headers = (f"?{within}", f"?analysis={old.pk}&{within}"), {}
    if asked == "a part of it":
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{address}?{within}"}
        queries = ("", f"?analysis={old.pk}")
    shown, older = (as_bob.get(f"{address}{query}", headers=headers) for query in queries)
    assert link_named(shown, "Show") == f"{address}?analysis={old.pk}&{within}"
    assert link_named(older, "Show the newest") == f"{address}?{within}"


def test_an_analysis_of_another_call_is_not_shown(as_bob):
    mine, other = CompletedFactory(), CompletedFactory()
    for wanted in (other.pk, "x", "0"):
        assert as_bob.get(f"/calls/{mine.recording.pk}/?analysis={wanted}").status_code == 404


def test_the_log_of_the_call_is_there(as_bob, bob):
    call = CompletedFactory().recording
    LogEntry.objects.create(user=bob, act="edited", recording_number=call.pk, text="agent: a → b")
    assert "bob edited: agent: a → b" in page_of(as_bob, call)


def test_htmx_gets_the_results_alone(as_bob):
    call = CompletedFactory().recording
    response = as_bob.get(f"/calls/{call.pk}/", headers=HTMX)
    page = response.content.decode()
    assert 'id="results"' in page
    assert "<audio" not in page
    assert 'hx-trigger="analysis-finished from:body, sound-ready from:body"' in page
    assert "HX-Request" in response["Vary"]


def test_a_call_that_is_not_there_answers_404(as_bob):
    assert as_bob.get("/calls/77/").status_code == 404


def test_the_page_asks_the_database_no_more_for_seven_hundred_segments(as_bob, bob):
    def queries(call: Recording) -> int:
        with CaptureQueriesContext(connection) as captured:
            page_of(as_bob, call)
        return len(captured)

    small, large = (DocumentFactory(raw={"results": {"a": {"b": 1}}}).analysis for _ in range(2))
    SegmentFactory(analysis=small)
    FindingFactory(analysis=small)
    Review.objects.create(analysis=small, reviewer=bob, verdict=Verdict.PASS)
    Segment.objects.bulk_create(
        Segment(analysis=large, position=n, speaker=Speaker.AGENT, label="A", text="word " * 20, start=n, end=n + 1)
        for n in range(700)
    )
    for _ in range(30):
        FindingFactory(analysis=large)
        Review.objects.create(analysis=large, reviewer=bob, verdict=Verdict.PASS)
        LogEntry.objects.create(user=bob, act="edited", recording_number=large.recording.pk)
    few = queries(small.recording)
    assert queries(large.recording) == few
    assert few <= 13


def review(client, about: Analysis, headers=None, **data):
    sent = {"analysis": str(about.pk), "verdict": "coach", "note": "Read it earlier.", **data}
    return client.post(f"/calls/{about.recording.pk}/review/", sent, headers=headers or {})


def test_a_verdict_is_added_and_marks_the_call(as_bob, bob):
    analysis = CompletedFactory()
    response = review(as_bob, analysis, HTMX)
    assert response.status_code == 200
    assert "Saved." in response.content.decode()
    one = Review.objects.get()
    assert (one.analysis, one.reviewer, one.verdict, one.note) == (analysis, bob, Verdict.COACH, "Read it earlier.")
    call = Recording.objects.get()
    assert (call.verdict, call.reviewed_by, call.reviewed_at) == (Verdict.COACH, bob, one.created_at)


def test_the_newest_verdict_counts_and_earlier_ones_are_shown(as_bob, as_alice):
    analysis = CompletedFactory()
    review(as_bob, analysis, verdict="pass", note="Fine by me.")
    response = review(as_alice, analysis, verdict="fail", note="Not by me.")
    assert response["Location"] == f"/calls/{analysis.recording.pk}/#review"
    page = page_of(as_bob, analysis.recording)
    assert page.index("Not by me.") < page.index("1 earlier") < page.index("Fine by me.")
    assert Recording.objects.get().verdict == Verdict.FAIL
    assert Review.objects.count() == 2


@pytest.mark.parametrize("headers", [HTMX, {}])
@pytest.mark.parametrize("data", [{"verdict": ""}, {"verdict": "superb"}, {"note": "x" * 10_001}])
def test_a_review_that_cannot_be_read_keeps_what_was_typed(as_bob, headers, data):
    analysis = CompletedFactory()
    response = review(as_bob, analysis, headers, **{"note": "Typed with care.", **data})
    assert response.status_code == 422
    assert ("Typed with care." if "note" not in data else "xxxx") in response.content.decode()
    assert not Review.objects.exists()
    assert Recording.objects.get().verdict == ""


def test_there_is_no_verdict_before_the_analysis_is_done(as_bob):
    analysis = ProcessingFactory()
    assert "Save verdict" not in page_of(as_bob, analysis.recording)
    response = review(as_bob, analysis, HTMX)
    assert response.status_code == 422
    assert not Review.objects.exists()


def test_a_review_of_another_calls_analysis_is_refused(as_bob):
    mine, other = CompletedFactory(), CompletedFactory()
    for wanted in (str(other.pk), "x", ""):
        assert review(as_bob, mine, analysis=wanted).status_code == 404
    assert not Review.objects.exists()


def test_reviews_are_posts_by_people_who_are_signed_in(as_bob, as_charlie):
    analysis = CompletedFactory()
    assert as_bob.get(f"/calls/{analysis.recording.pk}/review/").status_code == 405
    assert review(as_charlie, analysis).status_code == 302
    assert not Review.objects.exists()


def test_a_late_older_review_does_not_replace_the_newest_mark(as_bob, bob):
    analysis = CompletedFactory()
    future = datetime.now(UTC) + timedelta(days=1)
    Recording.objects.update(reviewed_at=future, verdict="fail")
    review(as_bob, analysis, verdict="pass")
    assert Recording.objects.get().verdict == "fail"


def test_the_lists_words_for_verdicts_are_judgements_own():
    from callcov_portal.filters import REVIEWED
    from callcov_portal.templatetags.portal import VERDICTS

    assert REVIEWED[2:] == Verdict.choices
    assert {word: label.split(" ", 1)[1] for word, label in VERDICTS.items()} == dict(Verdict.choices)


def test_the_history_comes_with_new_results(as_bob):
    first = CompletedFactory()
    again = CompletedFactory(recording=first.recording)
    Recording.objects.update(current_analysis=again)
    part = as_bob.get(f"/calls/{first.recording.pk}/", headers=HTMX).content.decode()
    assert f"?analysis={first.pk}" in part
    assert str(again.external_id) in part
