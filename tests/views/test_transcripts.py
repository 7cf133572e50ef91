"""A transcript to keep, and when each word was said."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.models import Analysis, LogEntry, Segment, Speaker
from tests.factories import AgentFactory, CompletedFactory, SegmentFactory

CARD = "4111 1111 1111 1111"
SAID = f"It is {CARD}, thanks."
TIMES = [["It", 2.0, 2.2, 0.9], ["is", 2.2, 2.4, 0.9]]
TIMES += [[part, 2.4 + at, 3.4 + at, 0.9] for at, part in enumerate([*CARD.split(" ")[:3], "1111,"])]
TIMES += [["thanks.", 6.6, 7.0, None]]


@pytest.fixture
def analysis(db) -> Analysis:
    """A card number is said, word by word."""
    found = CompletedFactory(
        recording__pk=7,
        recording__agent=AgentFactory(identifier="nora"),
        recording__contact__identifier="ann",
        language="en",
    )
    words = [["Your", 0.5, 0.8, 0.9], ["card?", 0.8, 1.5, 0.9]]
    SegmentFactory(analysis=found, position=0, text="Your card?", words=words)
    masked = "It is [card number], thanks."
    SegmentFactory(
        analysis=found, position=1, speaker=Speaker.CONTACT, text=SAID, masked=masked, start=2.0, end=7.0, words=TIMES
    )
    SegmentFactory(analysis=found, position=2, speaker=Speaker.UNKNOWN, label="C", text="Who is that?", words=None)
    return found


def had(client, form: str, query: str = ""):
    return client.get(f"/calls/7/transcript.{form}{query}")


@pytest.mark.parametrize(("form", "mime"), [("txt", "text/plain"), ("vtt", "text/vtt"), ("json", "application/json")])
def test_it_is_a_file_to_keep_without_sensitive_data(as_bob, analysis, form, mime):
    response = had(as_bob, form)
    body = response.content.decode()
    assert response.headers["Content-Type"].startswith(mime)
    assert response.headers["Content-Disposition"] == f'attachment; filename="call-7.{form}"'
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "[card number]" in body
    assert "nora" in body
    assert "Who is that?" in body
    assert "1111" not in body
    assert not LogEntry.objects.exists()


def test_programs_get_words_where_nothing_is_hidden(as_bob, analysis):
    data = had(as_bob, "json").json()
    assert (data["call"], data["analysis"], data["agent"], data["language"]) == (7, str(analysis.pk), "nora", "en")
    assert [one["who"] for one in data["segments"]] == ["Agent", "Contact", "Speaker C"]
    assert data["segments"][0]["words"][1] == {"text": "card?", "start": 0.8, "end": 1.5, "confidence": 0.9}
    assert "words" not in data["segments"][1]


@pytest.mark.parametrize("form", ["txt", "vtt", "json"])
def test_who_has_the_right_gets_it_all_and_it_is_logged(as_dora, dora, analysis, form):
    assert CARD in had(as_dora, form, "?unmasked=1").content.decode()
    entry = LogEntry.objects.get()
    assert (entry.user, entry.act, entry.recording_number) == (dora, "sensitive data downloaded", 7)
    assert form.upper() in entry.text


def test_nobody_else_does(as_bob, as_alice, as_charlie, analysis):
    for browser in (as_bob, as_alice):
        assert had(browser, "txt", "?unmasked=1").status_code == 403
    assert had(as_charlie, "txt").status_code == 302
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("address", ["transcript.doc", "transcript.txt?analysis=x", "transcript.vtt?analysis=%00"])
def test_what_is_not_there_answers_404(as_bob, analysis, address):
    assert as_bob.get(f"/calls/7/{address}").status_code == 404


def test_an_older_analysis_has_its_own(as_bob, analysis):
    newer = SegmentFactory(analysis=CompletedFactory(recording=analysis.recording), text="Newer words.").analysis
    assert "Newer words." in had(as_bob, "txt").content.decode()
    assert "Newer words." not in had(as_bob, "txt", f"?analysis={analysis.pk}").content.decode()
    other = CompletedFactory()
    assert had(as_bob, "txt", f"?analysis={other.pk}").status_code == 404
    assert newer.recording_id == 7


def words(client, analysis, query: str = "", **headers):
    return client.get(f"/calls/7/words/{analysis.pk}/{query}", headers=headers)


def test_times_come_without_words_and_what_is_hidden_is_one_word(as_bob, analysis):
    response = words(as_bob, analysis)
    assert response.json() == {
        "0": [50, 80, 80, 150],
        "1": [200, 220, 220, 240, 240, 640, 660, 700],
        "2": [],
    }
    again = words(as_bob, analysis, **{"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_words_that_are_not_those_of_the_text_are_not_told(as_bob, analysis):
    Segment.objects.filter(position=0).update(text="Your own card?")
    assert words(as_bob, analysis).json()["0"] == []


def test_a_hundred_segments_come_at_once_for_two_queries_more_than_signing_in(as_bob, analysis):
    Segment.objects.bulk_create(
        Segment(analysis=analysis, position=n, speaker=Speaker.AGENT, label="A", text="x", start=n, end=n + 1)
        for n in range(3, 250)
    )
    with CaptureQueriesContext(connection) as captured:
        found = words(as_bob, analysis, "?from=100").json()
    assert [min(map(int, found)), max(map(int, found)), len(found)] == [100, 199, 100]
    assert len(captured) <= 4
    assert words(as_bob, analysis, "?from=99999999").json() == {}


@pytest.mark.parametrize("query", ["?from=x", "?from=-1", "?from=999999999999999999999", "?from=²"])
def test_a_place_that_is_none_answers_404(as_bob, analysis, query):
    assert words(as_bob, analysis, query).status_code == 404


def test_words_of_another_call_are_not_to_be_had_by_this_one(as_bob, as_charlie, analysis):
    other = CompletedFactory()
    assert as_bob.get(f"/calls/{other.recording_id}/words/{analysis.pk}/").status_code == 404
    assert words(as_charlie, analysis).status_code == 302
